import GatewayCore

/// Requests that must be understood, and how.
enum RequestCorpus {
    static let accepted: [CorpusCase] =
        Self.plain + Self.targets + Self.hosts + Self.bodies + Self.chunks + Self.connections

    private static let plain: [CorpusCase] = [
        .accepted("shortest", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "get / keep none []"),
        .accepted(
            "the twelve fields of an SDK",
            "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.example:8080\r\nAccept: application/json\r\n"
                + "Accept-Encoding: gzip, deflate\r\nAuthorization: Bearer sk-test-0123456789abcdef\r\n"
                + "Connection: keep-alive\r\nContent-Type: application/json\r\nUser-Agent: OpenAI/Python 1.55.0\r\n"
                + "X-Stainless-Lang: python\r\nX-Stainless-OS: Linux\r\nX-Stainless-Async: false\r\n"
                + "X-Stainless-Retry-Count: 0\r\nContent-Length: 20\r\n\r\n{\"model\":\"gpt-test\"}",
            "post /v1/chat/completions keep length(20) [{\"model\":\"gpt-test\"}]"),
        .accepted("names in any case", "GET / HTTP/1.1\r\nhOST: a\r\n\r\n", "get / keep none []"),
        .accepted("no white space before a value", "GET / HTTP/1.1\r\nHost:a\r\n\r\n", "get / keep none []"),
        .accepted("tabs and spaces around a value", "GET / HTTP/1.1\r\nHost:\t a \t\r\n\r\n", "get / keep none []"),
        .accepted("empty value", "GET / HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-Blank:   \r\n\r\n", "get / keep none []"),
        .accepted(
            "every token byte in a name", "GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09AZaz: x\r\n\r\n",
            "get / keep none []"),
        .accepted(
            "tab and bytes above ASCII in a value", "GET / HTTP/1.1\r\nHost: a\r\nX-Text: \u{80}\u{ff}\tz\r\n\r\n",
            "get / keep none []"),
        .accepted("one empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "get / keep none []"),
        .accepted(
            "an empty line between requests",
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", "get /1 keep none []",
            "get /2 keep none []"),
        .accepted("HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "head / keep none []"),
        .accepted("PUT", "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", "put / keep none []"),
        .accepted("DELETE", "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", "delete / keep none []"),
        .accepted("PATCH", "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n", "patch / keep none []"),
        .accepted("OPTIONS", "OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n", "options /a keep none []"),
        .accepted(
            "a registered method that nobody serves", "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n", "other / keep none []"),
        .accepted("TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "other / keep none []"),
        .accepted("unfinished start line", "GET /", "…"),
        .accepted("unfinished field", "GET / HTTP/1.1\r\nHost: a\r\nX-", "…"),
        .accepted("unfinished line end", "GET / HTTP/1.1\r\nHost: a\r\n\r", "…"),
    ]

    private static let targets: [CorpusCase] = [
        .accepted(
            "query", "GET /v1/models?limit=2&after=b HTTP/1.1\r\nHost: a\r\n\r\n",
            "get /v1/models ?limit=2&after=b keep none []"),
        .accepted("empty query", "GET /a? HTTP/1.1\r\nHost: a\r\n\r\n", "get /a keep none []"),
        .accepted(
            "question marks in a query", "GET /a?b?c=?/ HTTP/1.1\r\nHost: a\r\n\r\n", "get /a ?b?c=?/ keep none []"),
        .accepted(
            "bare brackets", "GET /a?include[]=x HTTP/1.1\r\nHost: a\r\n\r\n", "get /a ?include[]=x keep none []"),
        .accepted(
            "escapes", "GET /a%20b/%E4%bd?q=%2F HTTP/1.1\r\nHost: a\r\n\r\n", "get /a%20b/%E4%bd ?q=%2F keep none []"),
        .accepted(
            "every allowed byte", "GET /!$&'()*+,-./09:;=@AZ[]_az~ HTTP/1.1\r\nHost: a\r\n\r\n",
            "get /!$&'()*+,-./09:;=@AZ[]_az~ keep none []"),
        .accepted("two slashes", "GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n", "get //a//b keep none []"),
        .accepted("colon in the path", "POST /m/x:go HTTP/1.1\r\nHost: a\r\n\r\n", "post /m/x:go keep none []"),
        .accepted("absolute form", "GET http://a.b/c?d HTTP/1.1\r\nHost: a.b\r\n\r\n", "get /c ?d keep none []"),
        .accepted("absolute form, other case", "GET HTTP://A.b/c HTTP/1.1\r\nHost: a.B\r\n\r\n", "get /c keep none []"),
        .accepted("absolute form without a path", "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "get / keep none []"),
        .accepted("absolute form, query only", "GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n", "get / ?b keep none []"),
        .accepted("absolute form, same port", "GET http://a:81/ HTTP/1.1\r\nHost: a:81\r\n\r\n", "get / keep none []"),
        .accepted("absolute form, default port", "GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", "get / keep none []"),
        .accepted("absolute form, https", "GET https://a/ HTTP/1.1\r\nHost: a:443\r\n\r\n", "get / keep none []"),
        .accepted("absolute form on HTTP/1.0", "GET http://a/b HTTP/1.0\r\n\r\n", "get /b close none []"),
    ]

    private static let hosts: [CorpusCase] = [
        .accepted("name with port", "GET / HTTP/1.1\r\nHost: a-b_c.example.com:65535\r\n\r\n", "get / keep none []"),
        .accepted("port zero", "GET / HTTP/1.1\r\nHost: a:0\r\n\r\n", "get / keep none []"),
        .accepted("IPv4", "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", "get / keep none []"),
        .accepted("IPv6", "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", "get / keep none []"),
        .accepted("IPv6 with port", "GET / HTTP/1.1\r\nHost: [2001:DB8::192.0.2.1]:8080\r\n\r\n", "get / keep none []"),
        .accepted("no Host on HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "get / close none []"),
    ]

    private static let bodies: [CorpusCase] = [
        .accepted(
            "length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "post / keep length(5) [hello]"),
        .accepted("length zero", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "post / keep length(0) []"),
        .accepted(
            "length with leading zeros", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\n\r\nhello",
            "post / keep length(5) [hello]"),
        .accepted(
            "length on GET", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            "get / keep length(5) [hello]"),
        .accepted(
            "length on HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi", "post / close length(2) [hi]"),
        .accepted(
            "the largest length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\nhi",
            "post / keep length(9223372036854775807) [hi…"),
        .accepted(
            "unfinished body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel",
            "post / keep length(5) [hel…"),
        .accepted("no body without a length", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "post / keep none []"),
        .accepted(
            "pipelined",
            "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /",
            "post /1 keep length(2) [hi]", "get /2 keep none []", "…"),
    ]

    private static let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    private static let chunks: [CorpusCase] = [
        .accepted("no chunk", Self.head + "0\r\n\r\n", "post / keep chunked []"),
        .accepted("two chunks", Self.head + "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "post / keep chunked [hello!]"),
        .accepted("any case", Self.head.replacingCase() + "2\r\nhi\r\n0\r\n\r\n", "post / keep chunked [hi]"),
        .accepted(
            "hexadecimal in both cases", Self.head + "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
            "post / keep chunked [01234567890123456789]"),
        .accepted("leading zeros", Self.head + "0000000000000002\r\nhi\r\n000\r\n\r\n", "post / keep chunked [hi]"),
        .accepted("extension", Self.head + "2;a\r\nhi\r\n0;b=c\r\n\r\n", "post / keep chunked [hi]"),
        .accepted("extension in quotes", Self.head + "2;a=\"b c\";d\r\nhi\r\n0\r\n\r\n", "post / keep chunked [hi]"),
        .accepted("escape in quotes", Self.head + "2;a=\"\\\"\\\\\"\r\nhi\r\n0\r\n\r\n", "post / keep chunked [hi]"),
        .accepted("line ends as data", Self.head + "4\r\n\r\n\r\n\r\n0\r\n\r\n", "post / keep chunked [\r\n\r\n]"),
        .accepted(
            "trailers are dropped", Self.head + "2\r\nhi\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n",
            "post / keep chunked [hi]"),
        .accepted(
            "on GET", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "get / keep chunked []"),
        .accepted(
            "pipelined behind chunks", Self.head + "2\r\nhi\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "post / keep chunked [hi]", "get / keep none []"),
        .accepted("unfinished chunk", Self.head + "5\r\nhel", "post / keep chunked [hel…"),
        .accepted("unfinished trailers", Self.head + "0\r\nX-Sum: 1\r\n", "post / keep chunked […"),
        .accepted("the largest chunk", Self.head + "7fffffffffffffff\r\nhi", "post / keep chunked [hi…"),
        .accepted(
            "the longest chunk line", Self.head + "2;" + String(repeating: "a", count: 4092) + "\r\nhi\r\n0\r\n\r\n",
            "post / keep chunked [hi]"),
    ]

    private static let connections: [CorpusCase] = [
        .accepted("close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "get / close none []"),
        .accepted(
            "close in a list", "GET / HTTP/1.1\r\nHost: a\r\nConnection: te , CLOSE\r\n\r\n", "get / close none []"),
        .accepted(
            "close in a second field", "GET / HTTP/1.1\r\nHost: a\r\nConnection: te\r\nConnection: close\r\n\r\n",
            "get / close none []"),
        .accepted(
            "closed is not close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", "get / keep none []"),
        .accepted("keep-alive on HTTP/1.0", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "get / close none []"),
        .accepted(
            "nothing is read behind the last request",
            "GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n\u{0}\u{1}",
            "get /1 close none []"),
        .accepted(
            "expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nhi",
            "post / keep continue length(2) [hi]"),
        .accepted(
            "expectation without a body", "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
            "get / keep none []"),
        .accepted(
            "expectation on HTTP/1.0", "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
            "post / close length(2) [hi]"),
    ]
}

extension String {
    fileprivate func replacingCase() -> String {
        self.hasSuffix("chunked\r\n\r\n") ? String(self.dropLast(9)) + "ChunKED\r\n\r\n" : self
    }
}

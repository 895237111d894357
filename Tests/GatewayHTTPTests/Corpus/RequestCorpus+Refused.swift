import GatewayCore

/// Requests that must be refused, class by class; the smuggling family is fault 43.
extension RequestCorpus {
    static let refused: [CorpusCase] =
        Self.lengths + Self.codings + Self.lines + Self.names + Self.badHosts + Self.badTargets + Self.versions
        + Self.badChunks + Self.badTrailers + Self.bounds

    private static func post(_ fields: String, _ body: String = "") -> String {
        "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n" + body
    }

    private static func get(_ fields: String) -> String { "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n" }

    private static func host(_ value: String) -> String { "GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n" }

    private static func target(_ target: String) -> String { "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n" }

    private static func chunks(_ body: String) -> String { Self.post("Transfer-Encoding: chunked", body) }

    private static let lengths: [CorpusCase] = [
        .refused("length and coding", Self.post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n")),
        .refused("coding and length", Self.post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n")),
        .refused("length twice", Self.post("Content-Length: 5\r\nContent-Length: 6", "hello")),
        .refused("the same length twice", Self.post("Content-Length: 5\r\nContent-Length: 5", "hello")),
        .refused("list of lengths", Self.post("Content-Length: 1,1", "h")),
        .refused("list of equal lengths", Self.post("Content-Length: 5, 5", "hello")),
        .refused("plus sign", Self.post("Content-Length: +1", "h")),
        .refused("minus sign", Self.post("Content-Length: -1", "h")),
        .refused("hexadecimal length", Self.post("Content-Length: 0x5", "hello")),
        .refused("white space inside a length", Self.post("Content-Length: 1 1", "h")),
        .refused("fraction", Self.post("Content-Length: 1.0", "h")),
        .refused("empty length", Self.post("Content-Length:", "")),
        .refused("tab behind a length", Self.post("Content-Length: 5\t", "hello")),
        .refused("length beyond 63 bits", Self.post("Content-Length: 9223372036854775808", "")),
        .refused("length beyond 64 bits", Self.post("Content-Length: 18446744073709551621", "hello")),
        .refused("length of many digits", Self.post("Content-Length: " + String(repeating: "9", count: 300), "")),
        .refused("underscore in a length", Self.post("Content-Length: 1_0", "0123456789")),
    ]

    private static let codings: [CorpusCase] = [
        .refused("identity", Self.post("Transfer-Encoding: identity")),
        .refused("gzip then chunked", Self.post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n")),
        .refused("chunked then gzip", Self.post("Transfer-Encoding: chunked, gzip", "0\r\n\r\n")),
        .refused(
            "chunked in two fields",
            Self.post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n")),
        .refused(
            "codings in two fields", Self.post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", "0\r\n\r\n")),
        .refused("chunked with a parameter", Self.post("Transfer-Encoding: chunked;a=b", "0\r\n\r\n")),
        .refused("chunked in quotes", Self.post("Transfer-Encoding: \"chunked\"", "0\r\n\r\n")),
        .refused("chunked with a comma", Self.post("Transfer-Encoding: chunked,", "0\r\n\r\n")),
        .refused("xchunked", Self.post("Transfer-Encoding: xchunked", "0\r\n\r\n")),
        .refused("vertical tab before chunked", Self.post("Transfer-Encoding: \u{b}chunked", "0\r\n\r\n")),
        .refused("empty coding", Self.post("Transfer-Encoding:")),
        .refused("coding on HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        .refused("other expectation", Self.post("Expect: 200-ok\r\nContent-Length: 0"), .expectationFailed),
        .refused("list of expectations", Self.post("Expect: 100-continue, x"), .expectationFailed),
        .refused(
            "expectation twice", Self.post("Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 1", "h")),
    ]

    private static let lines: [CorpusCase] = [
        .refused("bare LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
        .refused("bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"),
        .refused("bare LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
        .refused("bare CR behind the request line", "GET / HTTP/1.1\rHost: a\r\n\r\n"),
        .refused("bare CR inside a value", Self.get("X: y\rz")),
        .refused("bare CR behind a value", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"),
        .refused("bare CR as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n"),
        .refused("LF first", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("CR first", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("folded value", Self.get("X: y\r\n z")),
        .refused("folded value, tab", Self.get("X: y\r\n\tz")),
        .refused("folded length", Self.post("Content-Length:\r\n 5", "hello")),
        .refused("white space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        .refused("white space on the empty line", "GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n"),
        .refused("NUL in a value", Self.get("X: y\u{0}z")),
        .refused("DEL in a value", Self.get("X: y\u{7f}z")),
        .refused("control byte in a value", Self.get("X: y\u{1}")),
        .refused("escape in a long value", Self.get("X: 0123456789abcdef\u{1b}0123456789abcdef")),
    ]

    private static let names: [CorpusCase] = [
        .refused("space before the colon", Self.post("Content-Length : 5", "hello")),
        .refused("tab before the colon", Self.get("X\t: y")),
        .refused("space inside a name", Self.get("X Y: z")),
        .refused("empty name", Self.get(": y")),
        .refused("no colon", Self.get("Xyz")),
        .refused("NUL in a name", Self.get("X\u{0}: y")),
        .refused("byte above ASCII in a name", Self.get("X\u{e9}: y")),
        .refused("parenthesis in a name", Self.get("X(): y")),
        .refused("at sign in a name", Self.get("X@: y")),
        .refused("CR for a hyphen in a name", Self.post("Content\rLength: 5", "hello")),
        .refused("control bytes for letters in a name", Self.post("Content-Length\u{1}: 5", "hello")),
        .refused("bad byte in a long name", Self.get("X-0123456789-0123456789-0123456789-(: y")),
        .refused("slash in a long name", Self.get("X-0123456789-/0123456789-0123456789: y")),
        .refused("colon first in the last line", "GET / HTTP/1.1\r\nHost: a\r\n:\r\n\r\n"),
    ]

    private static let badHosts: [CorpusCase] = [
        .refused("no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n"),
        .refused("no field at all", "GET / HTTP/1.1\r\n\r\n"),
        .refused("Host twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        .refused("the same Host twice", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"),
        .refused("Host twice on HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
        .refused("empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        .refused("empty Host on HTTP/1.0", "GET / HTTP/1.0\r\nHost:\r\n\r\n"),
        .refused("list of hosts", Self.host("a, b")),
        .refused("user in Host", Self.host("u@a")),
        .refused("path in Host", Self.host("a/b")),
        .refused("scheme in Host", Self.host("http://a")),
        .refused("white space in Host", Self.host("a b")),
        .refused("escape in Host", Self.host("a%2e")),
        .refused("byte above ASCII in Host", Self.host("b\u{fc}cher")),
        .refused("port without digits", Self.host("a:")),
        .refused("port that is too large", Self.host("a:65536")),
        .refused("port of six digits", Self.host("a:000080")),
        .refused("port with a sign", Self.host("a:+80")),
        .refused("two ports", Self.host("a:80:80")),
        .refused("port only", Self.host(":80")),
        .refused("IPv6 without brackets", Self.host("::1")),
        .refused("open bracket", Self.host("[::1")),
        .refused("empty brackets", Self.host("[]")),
        .refused("IPv4 in brackets", Self.host("[127.0.0.1]")),
        .refused("zone in brackets", Self.host("[fe80::1%25eth0]")),
        .refused("words in brackets", Self.host("[a:b:c]x")),
        .refused("absolute form of another host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("absolute form of another port", "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("absolute form of another default port", "GET https://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n"),
        .refused("absolute form without Host", "GET http://a/ HTTP/1.1\r\nX: y\r\n\r\n"),
        .refused("absolute form with a user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("absolute form without a host", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("absolute form, bad host, HTTP/1.0", "GET http://u@a/ HTTP/1.0\r\n\r\n"),
    ]

    private static let badTargets: [CorpusCase] =
        [
            .refused("lower case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
            .refused("unregistered method", "FETCH / HTTP/1.1\r\nHost: a\r\n\r\n"),
            .refused("method is no token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
            .refused("white space first", " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            .refused("authority form", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
            .refused("CONNECT with a path", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"),
            .refused("asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
            .refused("path without a slash", Self.target("v1/models")),
            .refused("no target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n"),
            .refused("query only", Self.target("?a")),
            .refused("fragment", Self.target("/a#b")),
            .refused("fragment behind a query", Self.target("/a?b#c")),
            .refused("other scheme", Self.target("ftp://a/")),
            .refused("one slash behind the scheme", Self.target("http:/a/")),
            .refused("bad escape", Self.target("/%zz")),
            .refused("cut escape", Self.target("/%2")),
            .refused("NUL in a target", Self.target("/a\u{0}")),
            .refused("tab in a target", Self.target("/a\tb")),
            .refused("space in a target", Self.target("/a b")),
            .refused("DEL in a target", Self.target("/\u{7f}")),
            .refused("byte above ASCII in a target", Self.target("/\u{e9}")),
            .refused("byte above ASCII in a query", Self.target("/?\u{e9}")),
            .refused("two spaces before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
            .refused("two spaces before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
            .refused("space behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
            .refused("tab as separator", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n"),
        ]
        + ["\"", "<", ">", "\\", "^", "`", "{", "|", "}"].flatMap { byte in
            [
                CorpusCase.refused("\(byte) in a path", Self.target("/a\(byte)b")),
                CorpusCase.refused("\(byte) in a query", Self.target("/a?b\(byte)c")),
            ]
        }

    private static let versions: [CorpusCase] = [
        .refused("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", .httpVersionNotSupported),
        .refused("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", .httpVersionNotSupported),
        .refused("HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", .httpVersionNotSupported),
        .refused("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .httpVersionNotSupported),
        .refused("no version", "GET /\r\nHost: a\r\n\r\n"),
        .refused("empty version", "GET / \r\nHost: a\r\n\r\n"),
        .refused("lower case version", "GET / http/1.1\r\nHost: a\r\n\r\n"),
        .refused("one digit", "GET / HTTP/1\r\nHost: a\r\n\r\n"),
        .refused("two digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
        .refused("two digits before the dot", "GET / HTTP/01.1\r\nHost: a\r\n\r\n"),
        .refused("comma", "GET / HTTP/1,1\r\nHost: a\r\n\r\n"),
        .refused("other protocol", "GET / RTSP/1.0\r\nHost: a\r\n\r\n"),
        .refused("TLS hello", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}"),
    ]

    private static let badChunks: [CorpusCase] = [
        "not hexadecimal": "g\r\n", "no size": "\r\n", "minus sign": "-1\r\n", "plus sign": "+1\r\nh\r\n0\r\n\r\n",
        "prefix": "0x1\r\nh\r\n0\r\n\r\n", "space before the size": " 1\r\nh\r\n0\r\n\r\n",
        "space behind the size": "1 \r\nh\r\n0\r\n\r\n", "tab behind the size": "1\t\r\nh\r\n0\r\n\r\n",
        "bare LF behind the size": "1\nh\r\n0\r\n\r\n", "bare CR behind the size": "1\rh\r\n0\r\n\r\n",
        "bare LF behind the last size": "0\n\r\n", "seventeen digits": "00000000000000001\r\nh\r\n0\r\n\r\n",
        "size beyond 63 bits": "8000000000000000\r\n", "size beyond 64 bits": "10000000000000001\r\n",
        "underscore in a size": "1_0\r\n", "only an extension": ";a\r\n",
        "extension without a name": "1;\r\nh\r\n0\r\n\r\n",
        "extension without a value": "1;a=\r\nh\r\n0\r\n\r\n", "white space in an extension": "1; a\r\nh\r\n0\r\n\r\n",
        "white space around the equals sign": "1;a =b\r\nh\r\n0\r\n\r\n",
        "NUL in an extension": "1;a\u{0}\r\nh\r\n0\r\n\r\n",
        "bare LF in an extension": "1;a\nh\r\n0\r\n\r\n", "bare CR in an extension": "1;a\rb\r\nh\r\n0\r\n\r\n",
        "bare LF in quotes": "1;a=\"\n\"\r\nh\r\n0\r\n\r\n", "line end in quotes": "1;a=\"\r\n\"\r\nh\r\n0\r\n\r\n",
        "text behind quotes": "1;a=\"b\"c\r\nh\r\n0\r\n\r\n",
        "byte above ASCII in an extension": "1;\u{e9}\r\nh\r\n0\r\n\r\n",
        "data is longer than its size": "1\r\nhe\r\n0\r\n\r\n", "data ends with a bare LF": "1\r\nh\n0\r\n\r\n",
        "data ends with a bare CR": "1\r\nh\r0\r\n\r\n", "no line end behind data": "1\r\nh0\r\n\r\n",
        "chunk line of more than 4 KiB": "1;" + String(repeating: "a", count: 4093) + "\r\nh\r\n0\r\n\r\n",
        "endless chunk line": "1;" + String(repeating: "a", count: 5000),
    ].sorted { $0.key < $1.key }.map { name, body in
        .refused(
            "chunk: " + name, Self.chunks(body),
            after: [
                "data is longer than its size", "data ends with a bare LF", "data ends with a bare CR",
                "no line end behind data",
            ].contains(name) ? "post / keep chunked [h…" : "post / keep chunked […")
    }

    private static let badTrailers: [CorpusCase] = [
        "space before the colon": "X : y\r\n\r\n", "folded": "X: y\r\n z\r\n\r\n", "bare LF": "X: y\n\r\n",
        "bare LF at the end": "X: y\r\n\n", "bare CR": "X: y\rz\r\n\r\n", "NUL": "X: \u{0}\r\n\r\n",
        "no colon": "X\r\n\r\n",
        "empty name": ": y\r\n\r\n", "length": "Content-Length: 5\r\n\r\n",
        "coding": "Transfer-Encoding: chunked\r\n\r\n",
        "Host": "Host: b\r\n\r\n", "connection": "Connection: close\r\n\r\n", "upgrade": "Upgrade: x\r\n\r\n",
        "expectation": "Expect: 100-continue\r\n\r\n",
    ].sorted { $0.key < $1.key }.map { name, trailers in
        .refused("trailer: " + name, Self.chunks("1\r\nh\r\n0\r\n" + trailers), after: "post / keep chunked [h…")
    }

    /// Faults 40 and 43; the bounds are those of `corpusLimits`.
    private static let bounds: [CorpusCase] = [
        .refused("too many fields", Self.get((0..<50).map { "X-\($0): y" }.joined(separator: "\r\n")), .headTooLarge),
        .refused(
            "ten thousand fields", Self.get((0..<10000).map { "X-\($0): y" }.joined(separator: "\r\n")), .headTooLarge),
        .refused("too long a value", Self.get("X: " + String(repeating: "y", count: 8192)), .headTooLarge),
        .refused("too long a name", Self.get(String(repeating: "y", count: 8192) + ": x"), .headTooLarge),
        .refused("too long a target", Self.target("/" + String(repeating: "y", count: 8192)), .headTooLarge),
        .refused("too long a query", Self.target("/?" + String(repeating: "y", count: 8192)), .headTooLarge),
        .refused("too long a method", String(repeating: "G", count: 8193), .headTooLarge),
        .refused(
            "too many trailers", Self.chunks("0\r\n" + (0..<51).map { "X-\($0): y\r\n" }.joined() + "\r\n"),
            .headTooLarge,
            after: "post / keep chunked […"),
        .refused(
            "too long trailers", Self.chunks("0\r\nX: " + String(repeating: "y", count: 8192) + "\r\n\r\n"),
            .headTooLarge,
            after: "post / keep chunked […"),
    ]
}

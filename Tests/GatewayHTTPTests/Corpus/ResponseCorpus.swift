import GatewayCore

/// Answers of providers that must be understood, and how.
enum ResponseCorpus {
    static let accepted: [CorpusCase] = Self.plain + Self.withoutBody + Self.chunks + Self.interim

    private static let plain: [CorpusCase] = [
        .accepted("length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 keep length(2) [hi]"),
        .accepted(
            "the fields of a provider",
            "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 15:29:13 GMT\r\nContent-Type: application/json\r\n"
                + "Connection: keep-alive\r\nx-request-id: req_0123456789abcdef\r\nopenai-processing-ms: 512\r\n"
                + "x-ratelimit-remaining-requests: 9999\r\nContent-Length: 2\r\n\r\n{}", "200 keep length(2) [{}]"),
        .accepted("length zero", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 keep length(0) []"),
        .accepted("up to the end", "HTTP/1.1 200 OK\r\n\r\nhello", "200 close untilClose [hello]"),
        .accepted("empty up to the end", "HTTP/1.1 200 OK\r\n\r\n", "200 close untilClose []"),
        .accepted("length on HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 close length(2) [hi]"),
        .accepted("up to the end on HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhi", "200 close untilClose [hi]"),
        .accepted(
            "close", "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nhi", "200 close length(2) [hi]"),
        .accepted("empty phrase", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200 keep length(0) []"),
        .accepted("no phrase", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 keep length(0) []"),
        .accepted(
            "phrase above ASCII",
            "HTTP/1.1 404 nicht\tda \u{e9}\r\nContent-Length: 0\r\n\r\n", "404 keep length(0) []"),
        .accepted("lowest class", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 keep length(0) []"),
        .accepted("highest status", "HTTP/1.1 599 X\r\nContent-Length: 0\r\n\r\n", "599 keep length(0) []"),
        .accepted(
            "server error with a body", "HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\noops",
            "500 keep length(4) [oops]"),
    ]

    private static let withoutBody: [CorpusCase] = [
        .accepted(
            "to HEAD with a length", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "200 keep none []", toHead: true),
        .accepted(
            "to HEAD with a coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200 keep none []",
            toHead: true
        ),
        .accepted("to HEAD with neither", "HTTP/1.1 200 OK\r\nX: y\r\n\r\n", "200 keep none []", toHead: true),
        .accepted("204", "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", "204 keep none []"),
        .accepted("204 with length zero", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "204 keep none []"),
        .accepted("304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", "304 keep none []"),
        .accepted("304 with neither", "HTTP/1.1 304 Not Modified\r\n\r\n", "304 keep none []"),
    ]

    private static let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    private static let chunks: [CorpusCase] = [
        .accepted("chunks", Self.head + "2\r\nhi\r\n3\r\n!!!\r\n0\r\n\r\n", "200 keep chunked [hi!!!]"),
        .accepted(
            "event stream",
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "14\r\ndata: {\"a\":\"hello\"}\n\r\n1\r\n\n\r\n0\r\n\r\n",
            "200 keep chunked [data: {\"a\":\"hello\"}\n\n]"),
        .accepted("extensions and trailers", Self.head + "2;a=b\r\nhi\r\n0;c\r\nX: y\r\n\r\n", "200 keep chunked [hi]"),
        .accepted("no chunk", Self.head + "0\r\n\r\n", "200 keep chunked []"),
        .accepted(
            "chunks and close",
            "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            "200 close chunked [hi]"),
    ]

    private static let interim: [CorpusCase] = [
        .accepted(
            "100 first", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "100",
            "200 keep length(2) [hi]"),
        .accepted(
            "103 with fields", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 X\r\n\r\n", "103",
            "204 keep none []"),
        .accepted(
            "eight of them", String(repeating: "HTTP/1.1 102 X\r\n\r\n", count: 8) + "HTTP/1.1 204 X\r\n\r\n", "102",
            "102",
            "102", "102", "102", "102", "102", "102", "204 keep none []"),
    ]
}

/// Answers that are ambiguous or garbage (faults 18 and 21).
extension ResponseCorpus {
    static let refused: [CorpusCase] = Self.framing + Self.lines + Self.statuses + Self.cut + Self.bounds

    private static func garbage(_ name: String, _ text: String, after summary: String? = nil) -> CorpusCase {
        CorpusCase(
            name: name, text: text, summary: summary.map { [$0] } ?? [], code: .upstreamGarbage, requestWasHead: false)
    }

    private static func truncated(_ name: String, _ text: String, after summary: String? = nil) -> CorpusCase {
        CorpusCase(
            name: name, text: text, summary: summary.map { [$0] } ?? [], code: .upstreamTruncated, requestWasHead: false
        )
    }

    private static func ok(_ fields: String, _ body: String = "") -> String {
        "HTTP/1.1 200 OK\r\n" + fields + "\r\n\r\n" + body
    }

    private static let framing: [CorpusCase] = [
        Self.garbage("two lengths", Self.ok("Content-Length: 2\r\nContent-Length: 3", "hi")),
        Self.garbage("the same length twice", Self.ok("Content-Length: 2\r\nContent-Length: 2", "hi")),
        Self.garbage("list of lengths", Self.ok("Content-Length: 2, 2", "hi")),
        Self.garbage("plus sign", Self.ok("Content-Length: +2", "hi")),
        Self.garbage("length beyond 63 bits", Self.ok("Content-Length: 9223372036854775808", "hi")),
        Self.garbage("length and coding", Self.ok("Content-Length: 2\r\nTransfer-Encoding: chunked", "0\r\n\r\n")),
        Self.garbage(
            "length and coding to 304", "HTTP/1.1 304 X\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Self.garbage("gzip then chunked", Self.ok("Transfer-Encoding: gzip, chunked", "0\r\n\r\n")),
        Self.garbage("identity", Self.ok("Transfer-Encoding: identity", "hi")),
        Self.garbage("coding twice", Self.ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n")),
        Self.garbage("coding on HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Self.garbage("204 with a length", "HTTP/1.1 204 X\r\nContent-Length: 2\r\n\r\n"),
        Self.garbage("204 with a coding", "HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Self.garbage("bad chunk size", Self.ok("Transfer-Encoding: chunked", "x\r\n"), after: "200 keep chunked […"),
        Self.garbage(
            "space behind a chunk size", Self.ok("Transfer-Encoding: chunked", "1 \r\nh\r\n0\r\n\r\n"),
            after: "200 keep chunked […"),
        Self.garbage(
            "bare LF in chunks", Self.ok("Transfer-Encoding: chunked", "1\nh\n0\n\n"), after: "200 keep chunked […"),
        Self.garbage(
            "length in trailers", Self.ok("Transfer-Encoding: chunked", "0\r\nContent-Length: 1\r\n\r\n"),
            after: "200 keep chunked […"),
    ]

    private static let lines: [CorpusCase] = [
        Self.garbage("bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
        Self.garbage("bare CR in a value", Self.ok("X: y\rz")),
        Self.garbage("bare CR in the phrase", "HTTP/1.1 200 O\rK\r\n\r\n"),
        Self.garbage("NUL in the phrase", "HTTP/1.1 200 O\u{0}K\r\n\r\n"),
        Self.garbage("folded value", Self.ok("X: y\r\n z")),
        Self.garbage("space before the colon", Self.ok("Content-Length : 2", "hi")),
        Self.garbage("byte in a name", Self.ok("X(): y")),
        Self.garbage("empty name", Self.ok(": y")),
        Self.garbage("control byte in a value", Self.ok("X: \u{1}")),
        Self.garbage("empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n"),
        Self.garbage("no HTTP", "SSH-2.0-OpenSSH_9.2\r\n"),
        Self.garbage("HTML", "<html>"),
        Self.garbage("HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n"),
        Self.garbage("HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n"),
        Self.garbage("lower case version", "http/1.1 200 OK\r\n\r\n"),
        Self.garbage("ICY", "ICY 200 OK\r\n\r\n"),
    ]

    private static let statuses: [CorpusCase] = [
        Self.garbage("two digits", "HTTP/1.1 20 OK\r\n\r\n"),
        Self.garbage("four digits", "HTTP/1.1 2000 OK\r\n\r\n"),
        Self.garbage("letters", "HTTP/1.1 2x0 OK\r\n\r\n"),
        Self.garbage("under 100", "HTTP/1.1 099 OK\r\n\r\n"),
        Self.garbage("over 599", "HTTP/1.1 600 OK\r\n\r\n"),
        Self.garbage("two spaces", "HTTP/1.1  200 OK\r\n\r\n"),
        Self.garbage("no status", "HTTP/1.1\r\n\r\n"),
        Self.garbage("101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        Self.garbage("100 with a length", "HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n\r\n"),
        Self.garbage("100 with a coding", "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Self.garbage("100 on HTTP/1.0", "HTTP/1.0 100 Continue\r\n\r\n"),
    ]

    private static let cut: [CorpusCase] = [
        Self.truncated("nothing", ""),
        Self.truncated("cut start line", "HTTP/1.1 2"),
        Self.truncated("cut head", "HTTP/1.1 200 OK\r\nContent-Le"),
        Self.truncated("cut before the last LF", "HTTP/1.1 200 OK\r\n\r"),
        Self.truncated("cut body", Self.ok("Content-Length: 5", "hel"), after: "200 keep length(5) [hel…"),
        Self.truncated("cut chunk", Self.ok("Transfer-Encoding: chunked", "5\r\nhel"), after: "200 keep chunked [hel…"),
        Self.truncated(
            "no last chunk", Self.ok("Transfer-Encoding: chunked", "2\r\nhi\r\n"), after: "200 keep chunked [hi…"),
        Self.truncated(
            "cut trailers", Self.ok("Transfer-Encoding: chunked", "2\r\nhi\r\n0\r\n"), after: "200 keep chunked [hi…"),
        Self.truncated("only 100", "HTTP/1.1 100 Continue\r\n\r\n", after: "100"),
    ]

    private static let bounds: [CorpusCase] = [
        Self.garbage("ten thousand fields", Self.ok((0..<10000).map { "X-\($0): y" }.joined(separator: "\r\n"))),
        Self.garbage("too long a value", Self.ok("X: " + String(repeating: "y", count: 8192))),
        Self.garbage("too long a phrase", "HTTP/1.1 200 " + String(repeating: "y", count: 8192) + "\r\n\r\n"),
        CorpusCase(
            name: "nine interim answers",
            text: String(repeating: "HTTP/1.1 102 X\r\n\r\n", count: 9) + "HTTP/1.1 204 X\r\n\r\n",
            summary: Array(repeating: "102", count: 8), code: .upstreamGarbage, requestWasHead: false),
    ]
}

import GatewayTesting

/// Valid messages with variations that keep them valid, and then, in some, damage. The same seed gives the same bytes.
struct MessageMutator {
    private var random: SeededRandom

    init(seed: UInt64) { self.random = SeededRandom(seed: seed) }

    /// One to three requests, damaged in about half of all cases.
    mutating func requests() -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<self.random.int(1...3) { bytes += self.request() }
        return self.random.oneIn(2) ? bytes : self.damaged(bytes)
    }

    /// One answer, damaged in about half of all cases.
    mutating func answer(toHead: Bool) -> [UInt8] {
        let status = self.pick(["200 OK", "200", "404 Not Found", "500 ", "204 No Content", "304 X", "429 Slow down"])
        var head = "HTTP/1.\(self.random.oneIn(8) ? 0 : 1) \(status)\r\n"
        if self.random.oneIn(8) { head = "HTTP/1.1 100 Continue\r\n\r\n" + head }
        head += self.extraFields()
        let hasBody = !toHead && !status.hasPrefix("204") && !status.hasPrefix("304")
        let bytes = self.framed(head, hasBody: hasBody, mayEndWithConnection: true)
        return self.random.oneIn(2) ? bytes : self.damaged(bytes)
    }

    /// Ascending places at which the input is cut.
    mutating func cuts(of count: Int) -> [Int] {
        guard count > 1 else { return [] }
        return Set((0..<self.random.int(1...4)).map { _ in self.random.int(1...(count - 1)) }).sorted()
    }

    mutating func isToHead() -> Bool { self.random.oneIn(6) }

    private mutating func request() -> [UInt8] {
        let method = self.pick(["GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
        let target = self.pick([
            "/", "/v1/models", "/v1/chat/completions?a=b", "/%41/b:c?d=%20&e[]=f", "http://a.b:80/x?y",
        ])
        let version = self.random.oneIn(10) ? "1.0" : "1.1"
        var head = self.random.oneIn(10) ? "\r\n" : ""
        head += "\(method) \(target) HTTP/\(version)\r\n"
        head += self.fieldName("Host") + ":" + self.blank() + "a.b" + self.blank() + "\r\n" + self.extraFields()
        let hasBody = self.random.oneIn(2)
        return self.framed(head, hasBody: hasBody, mayEndWithConnection: false)
    }

    /// Adds framing, the empty line and a body.
    private mutating func framed(_ head: String, hasBody: Bool, mayEndWithConnection: Bool) -> [UInt8] {
        var bytes = CorpusCase.bytes(of: head)
        let body = (0..<self.random.int(0...40)).map { _ in UInt8(truncatingIfNeeded: self.random.next()) }
        if !hasBody {
            return bytes + Array("\r\n".utf8)
        }
        if mayEndWithConnection && self.random.oneIn(4) {
            return bytes + Array("\r\n".utf8) + body
        }
        if head.contains("HTTP/1.0") || self.random.oneIn(2) {
            let name = self.fieldName("Content-Length")
            bytes += Array("\(name):\(self.blank())\(body.count)\(self.blank())\r\n\r\n".utf8)
            return bytes + body
        }
        let name = self.fieldName("Transfer-Encoding")
        bytes += Array("\(name):\(self.blank())\(self.pick(["chunked", "Chunked", "CHUNKED"]))\r\n\r\n".utf8)
        return bytes + self.chunked(body)
    }

    private mutating func chunked(_ body: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = body[...]
        while !rest.isEmpty {
            let piece = rest.prefix(self.random.int(1...16))
            rest = rest.dropFirst(piece.count)
            let size = String(piece.count, radix: 16, uppercase: self.random.oneIn(2))
            bytes += Array((self.random.oneIn(4) ? "0" + size : size).utf8)
            bytes += Array(self.chunkExtension().utf8) + [13, 10] + piece + [13, 10]
        }
        bytes += Array(("0" + self.chunkExtension() + "\r\n").utf8)
        if self.random.oneIn(4) { bytes += Array("X-Trailer: 1\r\n".utf8) }
        return bytes + [13, 10]
    }

    private mutating func chunkExtension() -> String {
        self.random.oneIn(3) ? self.pick([";a", ";a=b", ";a=\"b c\"", ";a;b=c", ";a=\"\\\"\""]) : ""
    }

    private mutating func extraFields() -> String {
        var text = ""
        for _ in 0..<self.random.int(0...5) {
            let name = self.pick([
                "Accept", "X-Api-Key", "Authorization", "User-Agent", "X-Stainless-Lang",
                "X-A-Name-Longer-Than-Twenty-Three",
                "Connection", "TE", "Content-Type", "Openai-Processing-Ms", "x",
            ])
            let value = self.pick([
                "", "1", "keep-alive", "a, b;q=0.5", "text with\ttab", "\u{80}\u{ff} bytes",
                "Bearer sk-test-0123456789abcdef",
            ])
            text += self.fieldName(name) + ":" + self.blank() + value + self.blank() + "\r\n"
        }
        return text
    }

    private mutating func fieldName(_ name: String) -> String {
        switch self.random.int(0...3) {
        case 0: name.lowercased()
        case 1: name.uppercased()
        default: name
        }
    }

    private mutating func blank() -> String { self.pick(["", " ", " ", " ", "\t", "  "]) }

    private mutating func pick(_ choices: [String]) -> String { choices[self.random.int(0...(choices.count - 1))] }

    private mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<self.random.int(1...2) where !bytes.isEmpty { self.damage(&bytes) }
        return bytes
    }

    private mutating func damage(_ bytes: inout [UInt8]) {
        let at = self.random.int(0...(bytes.count - 1))
        switch self.random.int(0...8) {
        case 0: bytes[at] = UInt8(truncatingIfNeeded: self.random.next())
        case 1: bytes[at] ^= 0x20
        case 2: bytes.remove(at: at)
        case 3: bytes.insert(Self.telling[self.random.int(0...(Self.telling.count - 1))], at: at)
        case 4: bytes[at] = Self.telling[self.random.int(0...(Self.telling.count - 1))]
        case 5: bytes.removeSubrange(at...)
        case 6: bytes.insert(contentsOf: Array(Self.lines[self.random.int(0...(Self.lines.count - 1))].utf8), at: at)
        case 7:
            let place = self.startOfLine(bytes, at)
            bytes.insert(contentsOf: Array(Self.lines[self.random.int(0...(Self.lines.count - 1))].utf8), at: place)
        default:
            let end = min(at + self.random.int(1...24), bytes.count)
            bytes.insert(contentsOf: bytes[at..<end], at: self.random.int(0...bytes.count))
        }
    }

    private func startOfLine(_ bytes: [UInt8], _ at: Int) -> Int {
        (bytes[..<at].lastIndex(of: 10) ?? -1) + 1
    }

    /// Bytes on which parsers disagree.
    private static let telling: [UInt8] =
        Array("\r\n\t\0 :;,=+-_\"\\%#?/@[]{}|<>0159aAgG.*()\u{7f}".utf8) + [0x80, 0xff, 0x0b, 0x0c, 0x1f]

    private static let lines = [
        "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "transfer-encoding: gzip, chunked\r\n", "Connection: close\r\n", "Host: c\r\n", " folded\r\n", "\tfolded\r\n",
        "X : y\r\n",
        "\r\n", "\n", "\r", "Upgrade: h2c\r\n", "Connection: upgrade\r\n", "Expect: 100-continue\r\n", "0\r\n",
        "1;a=b\r\n", ": y\r\n",
        "GET / HTTP/1.1\r\n", "Content-Length: +1\r\n", "Content-Length: 1,1\r\n", "Trailer: x\r\n", "Host\r\n",
    ]
}

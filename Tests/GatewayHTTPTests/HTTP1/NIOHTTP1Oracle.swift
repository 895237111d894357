import NIOCore
import NIOEmbedded
import NIOHTTP1

/// What swift-nio's own HTTP/1 decoder makes of the same bytes: a second opinion by other people (llhttp inside).
struct NIOHTTP1Oracle {
    var messages: [DecodedMessage] = []
    var isRefused = false

    /// - Parameter bytewise: feeds one byte at a time, so that the places of heads and ends are exact.
    static func requests(_ bytes: [UInt8], bytewise: Bool = false) -> NIOHTTP1Oracle {
        var oracle = NIOHTTP1Oracle()
        let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes))
        let channel = EmbeddedChannel(handler: decoder)
        oracle.feed(bytes, bytewise, into: channel) { (part: HTTPServerRequestPart, oracle, place) in
            switch part {
            case .head(let head):
                oracle.messages.append(
                    DecodedMessage(
                        line: "", method: head.method.rawValue, target: head.uri, fields: Self.fields(head.headers),
                        headAt: place))
            case .body(let body): oracle.append(Array(body.readableBytesView))
            case .end: oracle.end(at: place)
            }
        }
        // The end of the connection is not judged: requests do not end with it.
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return oracle
    }

    /// One answer, and the end of the connection behind it.
    static func answer(_ bytes: [UInt8], toHead: Bool, bytewise: Bool = false) -> NIOHTTP1Oracle {
        var oracle = NIOHTTP1Oracle()
        let decoder = ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes))
        let channel = EmbeddedChannel(handler: decoder)
        let asked = HTTPRequestHead(version: .http1_1, method: toHead ? .HEAD : .POST, uri: "/")
        _ = try? channel.writeOutbound(HTTPClientRequestPart.head(asked))
        oracle.feed(bytes, bytewise, into: channel, Self.take)
        do {
            _ = try channel.finish(acceptAlreadyClosed: true)
        } catch {
            oracle.isRefused = true
        }
        while let part = try? channel.readInbound(as: HTTPClientResponsePart.self) {
            Self.take(part, &oracle, bytes.count)
        }
        return oracle
    }

    private static func take(_ part: HTTPClientResponsePart, _ oracle: inout NIOHTTP1Oracle, _ place: Int) {
        switch part {
        case .head(let head):
            oracle.messages.append(
                DecodedMessage(
                    line: "", status: Int(head.status.code), fields: Self.fields(head.headers), headAt: place))
        case .body(let body): oracle.append(Array(body.readableBytesView))
        case .end: oracle.end(at: place)
        }
    }

    private mutating func feed<Part>(
        _ bytes: [UInt8], _ bytewise: Bool, into channel: EmbeddedChannel,
        _ take: (Part, inout NIOHTTP1Oracle, Int) -> Void
    ) {
        let step = bytewise ? 1 : max(bytes.count, 1)
        for start in stride(from: 0, to: bytes.count, by: step) {
            let end = min(start + step, bytes.count)
            do {
                try channel.writeInbound(ByteBuffer(bytes: bytes[start..<end]))
            } catch {
                self.isRefused = true
            }
            while let part = try? channel.readInbound(as: Part.self) { take(part, &self, end) }
            if self.isRefused { return }
        }
    }

    private mutating func append(_ body: [UInt8]) {
        guard !self.messages.isEmpty else { return }
        self.messages[self.messages.count - 1].body += body
    }

    private mutating func end(at place: Int) {
        guard !self.messages.isEmpty else { return }
        self.messages[self.messages.count - 1].isEnded = true
        self.messages[self.messages.count - 1].endAt = place
    }

    /// The oracle leaves white space behind some values.
    private static func fields(_ headers: HTTPHeaders) -> [[String]] {
        headers.map { field in
            [field.name, String(String.UnicodeScalarView(Self.trim(Array(field.value.unicodeScalars))))]
        }
    }

    private static func trim(_ scalars: [Unicode.Scalar]) -> ArraySlice<Unicode.Scalar> {
        let isBlank = { (scalar: Unicode.Scalar) in scalar == " " || scalar == "\t" }
        return scalars.prefix((scalars.lastIndex { !isBlank($0) } ?? -1) + 1).drop(while: isBlank)
    }
}

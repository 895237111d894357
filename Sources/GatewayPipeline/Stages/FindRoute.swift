import GatewayContract
import GatewayCore
import GatewayHTTP
import GatewayPolicy
import GatewayTelemetry
import GatewayWire

extension Exchange {
    /// Before the first configuration there is nothing to serve by.
    static var starting: LocalReply { LocalReply(GatewayError(.draining, "The gateway is starting.")) }

    func refuseWhileDraining() -> Outcome {
        self.loop.shared.isDraining ? .reply(LocalReply(GatewayError(.draining))) : .proceed
    }

    /// Request id and dialect family, before anything can fail.
    func readIdentity(of head: RequestHead) {
        self.record.method = head.method.text
        self.record.requestID =
            head.fields.withValue(.xRequestID, Self.acceptedRequestID)?.flatMap { $0 }
            ?? self.makeRequestID()
        self.family = Self.family(of: head)
    }

    /// A client's own id is kept when it is 1 to 128 visible characters that need no escaping anywhere.
    private static func acceptedRequestID(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard (1...128).contains(bytes.count) else { return nil }
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: ":"):
                continue
            default: return nil
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `req_` and 24 hexadecimal digits.
    func makeRequestID() -> String {
        let high = self.loop.nextRandom()
        let low = self.loop.nextRandom()
        return String(unsafeUninitializedCapacity: 28) { out in
            let bytes = UnsafeMutableRawBufferPointer(out)
            bytes.storeBytes(of: UInt32(littleEndian: 0x5f71_6572), as: UInt32.self)
            for (place, word) in [high >> 32, high, low].enumerated() {
                let digits = Self.hexDigits(of: UInt32(truncatingIfNeeded: word))
                bytes.storeBytes(of: digits.littleEndian, toByteOffset: 4 + 8 * place, as: UInt64.self)
            }
            return 28
        }
    }

    /// The eight digits of a word as text, the last one highest: every nibble in a byte of its own, then all at once
    /// to `0`–`9` and `a`–`f`.
    private static func hexDigits(of word: UInt32) -> UInt64 {
        var nibbles = UInt64(word.byteSwapped)
        nibbles = (nibbles | nibbles << 16) & 0x0000_ffff_0000_ffff
        nibbles = (nibbles | nibbles << 8) & 0x00ff_00ff_00ff_00ff
        nibbles = (nibbles >> 4 | nibbles << 8) & 0x0f0f_0f0f_0f0f_0f0f
        let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
    }

    /// `/v1beta/`, its first byte lowest.
    private static var betaPrefix: UInt64 { 0x2f61_7465_6231_762f }

    /// Who is calling, as far as fields and path tell: it decides the shape of errors and of model lists.
    static func family(of head: RequestHead) -> DialectFamily {
        if head.fields.contains(.anthropicVersion) { return .anthropic }
        if head.fields.contains(.xGoogAPIKey) || head.fields.contains(.xGoogAPIClient) { return .gemini }
        let isBeta = head.fields.withBytes(head.path) { path in
            path.count >= 8 && UInt64(littleEndian: path.loadUnaligned(as: UInt64.self)) == Self.betaPrefix
        }
        return isBeta ? .gemini : .openai
    }

    /// Path, host, method and version to one endpoint: 404, 405, 410 before any secret is touched.
    func findRoute(_ head: RequestHead, _ config: LoopSnapshot) -> Outcome {
        let fields = head.fields
        let verdict = fields.bytes.withUnsafeBytes { bytes in
            config.routing.routes.find(
                method: head.method == .head ? .get : head.method,
                host: fields.first(.host).map { bytes.slice($0.value) } ?? UnsafeRawBufferPointer(start: nil, count: 0),
                path: bytes.slice(head.path), query: bytes.slice(head.query), today: self.record.startedAt,
                headerNamed: { fields.text(named: $0) })
        }
        switch verdict {
        case .match(let match):
            self.matched(match)
            return .proceed
        case .sunset(let match):
            self.matched(match)
            return .reply(LocalReply(GatewayError(.apiVersionSunset)))
        case .redirect(let match, let path):
            self.matched(match)
            let query = fields.text(head.query)
            return .reply(LocalReply(redirectTo: query.isEmpty ? path : "\(path)?\(query)"))
        case .notFound: return .reply(LocalReply(GatewayError(.routeNotFound)))
        case .endpointNotAvailable: return .reply(LocalReply(GatewayError(.endpointNotAvailable)))
        case .methodNotAllowed(let allow):
            return .reply(LocalReply(GatewayError(.methodNotAllowed), lines: Array("allow: \(allow)\r\n".utf8)))
        case .versionUnknown: return .reply(LocalReply(GatewayError(.apiVersionUnknown)))
        }
    }

    private func matched(_ match: RouteMatch) {
        self.match = match
        self.record.route = match.compiled.routeName
        self.record.version = match.compiled.spec.name
        self.record.endpoint = match.endpoint
        // Lists of models have no dialect of their own: they answer in the caller's.
        if match.endpoint.shape != .none { self.family = match.endpoint.family }
        self.loop.metrics.exchangeEntered(match.compiled.routeName)
    }
}

extension UnsafeRawBufferPointer {
    /// A part of it; places come from a parser that has checked them.
    func slice(_ place: Range<Int32>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[Int(place.lowerBound)..<Int(place.upperBound)])
    }
}

import GatewayContract
import GatewayCore
import GatewayWire

/// The part of a request head that is the same for every call of one deployment and endpoint, made once.
///
/// A call is `head`, then the client's fields that `forwards(_:)` lets through, then `lineWhenAbsent` if none of them
/// was `fieldWhenAbsent`, then the framing fields and an empty line. An object: every call shares it.
public final class PreparedCall: Sendable {
    /// The request line (`POST … HTTP/1.1`) and static field lines, each ended by CRLF: `host`, the credential,
    /// `accept-encoding: identity`, `user-agent: penstock` and the provider's own `headers`. It holds a credential: for
    /// the wire only, never for a log.
    public let head: [UInt8]
    /// A field that this provider needs, to be written unless the client's own is forwarded.
    public let fieldWhenAbsent: HeaderID?
    public let lineWhenAbsent: [UInt8]
    /// One bit per `HeaderID` that the head sets.
    private let replaced: UInt64
    /// One bit per `HeaderID` that is passed on from the client.
    private let forwarded: UInt64

    /// Whether the head sets that field, so that the client's must not be forwarded.
    public func replaces(_ id: HeaderID) -> Bool { self.replaced & Self.bit(id) != 0 }

    /// Whether a client's field goes to this provider: it is on the allow-list and the head does not set it.
    public func forwards(_ id: HeaderID) -> Bool { self.forwarded & Self.bit(id) != 0 }

    /// `nil`: this type of provider does not serve that endpoint, or `problem(in:)` has something to say, or the
    /// model's name cannot stand in a path.
    public static func prepare(
        provider: ProviderSpec, upstreamModel: ModelName, endpoint: Endpoint
    ) -> PreparedCall? {
        guard let base = provider.baseURL, self.problem(in: provider) == nil,
            let target = UpstreamPath.target(
                provider: provider, base: base, model: upstreamModel.text, endpoint: endpoint),
            self.isVisible(target)
        else { return nil }
        return PreparedCall(provider: provider, target: target, base: base, family: endpoint.family)
    }

    private init(provider: ProviderSpec, target: String, base: BaseURL, family: DialectFamily) {
        var replaced: UInt64 = 0
        var lines = HeadLines()
        lines.bytes.append(string: "POST \(target) HTTP/1.1\r\n")
        lines.append("host", base.authority)
        lines.append("accept-encoding", "identity")
        var own: [(HeaderID, String, String)] = []
        for header in provider.headers {
            let name = header.name.lowercased()
            own.append((HeaderID(name: Array(name.utf8)), name, header.value.revealed))
        }
        if !own.contains(where: { $0.0 == .userAgent }) { lines.append("user-agent", "penstock") }
        if let key = provider.apiKey {
            let (id, value) = Self.credential(provider.type, key)
            if !own.contains(where: { $0.0 == id }) { lines.append(id.name, value) }
        }
        for (id, name, value) in own {
            lines.append(name, value)
            if id != .other { replaced |= Self.bit(id) }
        }
        let needsVersion = provider.type == .anthropic && replaced & Self.bit(.anthropicVersion) == 0
        var forwarded: UInt64 = 0
        for id in HeaderID.allCases where ForwardedHeaders.towardsProvider(id, family: family) {
            forwarded |= Self.bit(id) & ~replaced
        }
        self.head = lines.bytes
        self.fieldWhenAbsent = needsVersion ? .anthropicVersion : nil
        self.lineWhenAbsent = needsVersion ? Array("anthropic-version: 2023-06-01\r\n".utf8) : []
        self.replaced = replaced
        self.forwarded = forwarded
    }

    private static func credential(_ type: ProviderType, _ key: Secret) -> (HeaderID, String) {
        switch type {
        case .anthropic: (.xAPIKey, key.revealed)
        case .gemini: (.xGoogAPIKey, key.revealed)
        case .azure: (.apiKey, key.revealed)
        case .openai, .openaiCompatible, .echo: (.authorization, "Bearer \(key.revealed)")
        }
    }

    private static func bit(_ id: HeaderID) -> UInt64 { 1 << UInt64(id.rawValue & 63) }

    // MARK: - What must not be on the wire

    /// What makes it impossible to call a provider safely: bytes that would break a line, or a field that is not the
    /// operator's to set. For the compiler's problem list; it quotes no value. `nil`: nothing.
    public static func problem(in provider: ProviderSpec) -> String? {
        if let base = provider.baseURL {
            guard self.isVisible(base.path), !base.path.contains("?"), !base.path.contains("#") else {
                return "the path of the base URL holds a character that cannot be sent"
            }
            guard !base.host.isEmpty, self.isVisible(base.authority) else {
                return "the host of the base URL holds a character that cannot be sent"
            }
        }
        if let key = provider.apiKey, key.isEmpty || !self.isFieldValue(key.revealed) {
            return "the API key is empty or holds a character that cannot be sent in a header"
        }
        for header in provider.headers {
            guard self.isToken(header.name) else { return "a header name is no token of RFC 9110" }
            guard self.isFieldValue(header.value.revealed) else {
                return "the header `\(header.name)` holds a character that cannot be sent"
            }
            let id = HeaderID(name: Array(header.name.lowercased().utf8))
            if self.isFraming(id) { return "the header `\(header.name)` is set by the gateway itself" }
        }
        return nil
    }

    private static func isFraming(_ id: HeaderID) -> Bool {
        switch id {
        case .host, .contentLength, .transferEncoding, .connection, .keepAlive, .te, .trailer, .upgrade, .expect,
            .proxyConnection, .acceptEncoding, .contentEncoding, .contentType:
            true
        default: false
        }
    }

    /// Printable ASCII without a space: fit for a request target or a host.
    private static func isVisible(_ text: String) -> Bool { text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }

    /// RFC 9110 5.5, without leading or trailing white space and without obs-text.
    private static func isFieldValue(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return true }
        return first > 0x20 && last > 0x20
            && text.utf8.allSatisfy { ($0 >= 0x20 && $0 < 0x7F) || $0 == 0x09 }
    }

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
    }
}

/// Field lines being written.
private struct HeadLines {
    var bytes: [UInt8] = []

    mutating func append(_ name: String, _ value: String) {
        self.bytes.append(string: name)
        self.bytes.append(text: ": ")
        self.bytes.append(string: value)
        self.bytes.append(text: "\r\n")
    }
}

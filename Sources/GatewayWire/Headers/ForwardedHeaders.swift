/// Allow-lists of header fields, in both directions: what is not named here is not passed on.
///
/// Credentials, cookies, hop-by-hop fields, the operator's account (`openai-organization`, the provider's rate limits)
/// and everything that describes a peer's network (`forwarded`, `via`, `server`) are therefore stripped without being
/// listed. Framing, `host`, `user-agent`, `accept-encoding`, `date` and request ids are written by the gateway itself.
public enum ForwardedHeaders {
    /// Whose vocabulary of request fields is meant.
    public enum Vendor: UInt8, Sendable {
        case openai, anthropic, gemini
    }

    /// Whether a client's field is passed to a provider of that vendor.
    @inlinable
    public static func towardsProvider(_ id: HeaderID, _ vendor: Vendor) -> Bool {
        switch id {
        case .contentType, .accept, .traceparent, .tracestate, .idempotencyKey: true
        case .openaiBeta: vendor == .openai
        case .anthropicVersion, .anthropicBeta: vendor == .anthropic
        default: false
        }
    }

    /// Whether a provider's field is passed to the client. `retry-after` and `retry-after-ms` of a 429 or 503 are
    /// normalised by the caller (wire-formats 1.3).
    @inlinable
    public static func towardsClient(_ id: HeaderID) -> Bool {
        switch id {
        case .contentType, .contentDisposition, .cacheControl, .openaiProcessingMs, .openaiVersion, .retryAfter,
            .retryAfterMs, .xShouldRetry:
            true
        default: false
        }
    }

    /// The known fields that a message's `Connection` fields name, one bit per `HeaderID`: RFC 9110 7.6.1 forbids to
    /// pass them on. 0 for nearly every message.
    public static func namedByConnection(_ fields: HeaderFields) -> UInt64 {
        guard fields.contains(.connection) else { return 0 }
        var named: UInt64 = 0
        for field in fields.fields where field.id == .connection {
            fields.withBytes(field.value) { value in
                // The one word that clients send without need; it names a field that is never passed on anyway.
                if value.count == 10, value[0] | 0x20 == UInt8(ascii: "k") { return }
                for item in value.split(separator: UInt8(ascii: ",")) {
                    let name = item.filter { $0 != 0x20 && $0 != 0x09 }
                    let id = HeaderID(name: name)
                    if id != .other { named |= id.mask }
                }
            }
        }
        return named
    }
}

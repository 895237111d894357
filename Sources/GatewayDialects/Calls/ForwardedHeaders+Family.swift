import GatewayContract
import GatewayWire

extension ForwardedHeaders {
    /// Whether a client's field is passed to a provider that speaks that family of dialects.
    @inlinable
    public static func towardsProvider(_ id: HeaderID, family: DialectFamily) -> Bool {
        switch family {
        case .openai: self.towardsProvider(id, .openai)
        case .anthropic: self.towardsProvider(id, .anthropic)
        case .gemini: self.towardsProvider(id, .gemini)
        }
    }
}

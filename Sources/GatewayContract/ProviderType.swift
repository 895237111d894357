/// What kind of account a provider is: it decides paths, credentials and the endpoints it can serve.
public enum ProviderType: String, CaseIterable, Sendable {
    case openai, anthropic, gemini, azure, echo
    case openaiCompatible = "openai-compatible"

    /// Used when the file names no `base_url`; what the vendor's official SDK takes (DESIGN 13.10). `nil`: required.
    public var defaultBaseURL: String? {
        switch self {
        case .openai: "https://api.openai.com/v1"
        case .anthropic: "https://api.anthropic.com"
        case .gemini: "https://generativelanguage.googleapis.com"
        case .azure, .openaiCompatible, .echo: nil
        }
    }

    /// Whether requests of that family can be passed to this kind of provider byte for byte.
    public func speaks(_ family: DialectFamily) -> Bool {
        switch self {
        case .openai, .openaiCompatible, .azure: family == .openai
        case .anthropic: family == .anthropic
        case .gemini: family == .gemini
        case .echo: true
        }
    }
}

import GatewayContract
import GatewayCore

/// Where an endpoint is found at a provider (DESIGN 13.10: a base URL is what that vendor's official SDK takes).
enum UpstreamPath {
    /// The request target with its query. `nil`: that type of provider does not serve the endpoint, or the model's name
    /// is no path segment where it has to be one.
    static func target(provider: ProviderSpec, base: BaseURL, model: String, endpoint: Endpoint) -> String? {
        guard provider.type.speaks(endpoint.family) else { return nil }
        switch provider.type {
        case .openai:
            guard endpoint != .rerank else { return nil }
            return self.openai(endpoint).map { base.path + $0 }
        case .openaiCompatible: return self.openai(endpoint).map { base.path + $0 }
        case .anthropic:
            switch endpoint {
            case .messages: return base.path + "/v1/messages"
            case .messagesCountTokens: return base.path + "/v1/messages/count_tokens"
            default: return nil
            }
        case .gemini:
            guard PathSegment.isSafe(model), let verb = self.geminiVerb(endpoint) else { return nil }
            return base.path + "/v1beta/models/" + model + verb
        case .azure: return self.azure(provider, base, model, endpoint)
        case .echo: return nil
        }
    }

    private static func openai(_ endpoint: Endpoint) -> String? {
        switch endpoint {
        case .chatCompletions: "/chat/completions"
        case .completions: "/completions"
        case .responses: "/responses"
        case .embeddings: "/embeddings"
        case .moderations: "/moderations"
        case .imagesGenerations: "/images/generations"
        case .imagesEdits: "/images/edits"
        case .imagesVariations: "/images/variations"
        case .audioSpeech: "/audio/speech"
        case .audioTranscriptions: "/audio/transcriptions"
        case .audioTranslations: "/audio/translations"
        case .rerank: "/rerank"
        default: nil
        }
    }

    private static func geminiVerb(_ endpoint: Endpoint) -> String? {
        switch endpoint {
        case .geminiGenerateContent: ":generateContent"
        case .geminiStreamGenerateContent: ":streamGenerateContent?alt=sse"
        case .geminiCountTokens: ":countTokens"
        case .geminiEmbedContent: ":embedContent"
        case .geminiBatchEmbedContents: ":batchEmbedContents"
        default: nil
        }
    }

    /// With an API version: `/openai/deployments/{d}/…?api-version=`, and Responses without a deployment; else
    /// `/openai/v1/…`.
    private static func azure(
        _ provider: ProviderSpec, _ base: BaseURL, _ deployment: String, _ endpoint: Endpoint
    ) -> String? {
        switch endpoint {
        case .moderations, .imagesVariations, .rerank: return nil
        default: break
        }
        guard let operation = self.openai(endpoint) else { return nil }
        guard let version = provider.apiVersion, !version.isEmpty else {
            if base.path.hasSuffix("/openai/v1") { return base.path + operation }
            return self.azureRoot(base) + "/v1" + operation
        }
        guard self.isToken(version) else { return nil }
        let query = "?api-version=" + version
        if endpoint == .responses { return self.azureRoot(base) + operation + query }
        guard PathSegment.isSafe(deployment) else { return nil }
        return self.azureRoot(base) + "/deployments/" + deployment + operation + query
    }

    private static func azureRoot(_ base: BaseURL) -> String {
        base.path.hasSuffix("/openai") ? base.path : base.path + "/openai"
    }

    private static func isToken(_ text: String) -> Bool {
        text.utf8.allSatisfy { ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F }
    }
}

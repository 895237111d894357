import GatewayContract
import GatewayCore

/// What is served without any route file, and what is known but never served.
enum BuiltInRoutes {
    /// One route per endpoint, named after it; a configured route of the same method and path takes its place.
    static let routes: [RouteSpec] = Self.paths.map { endpoint, paths in
        RouteSpec(
            name: RouteName("builtin.\(endpoint.rawValue)"),
            versions: paths.map { path in
                RouteVersionSpec(name: "builtin", path: path, endpoint: endpoint, afterSunset: .keep)
            })
    }

    private static let paths: [(Endpoint, [String])] = [
        (.chatCompletions, ["/v1/chat/completions"]),
        (.completions, ["/v1/completions"]),
        (.responses, ["/v1/responses"]),
        (.embeddings, ["/v1/embeddings"]),
        (.moderations, ["/v1/moderations"]),
        (.imagesGenerations, ["/v1/images/generations"]),
        (.imagesEdits, ["/v1/images/edits"]),
        (.imagesVariations, ["/v1/images/variations"]),
        (.audioSpeech, ["/v1/audio/speech"]),
        (.audioTranscriptions, ["/v1/audio/transcriptions"]),
        (.audioTranslations, ["/v1/audio/translations"]),
        (.rerank, ["/v1/rerank", "/v2/rerank"]),
        (.messages, ["/v1/messages"]),
        (.messagesCountTokens, ["/v1/messages/count_tokens"]),
        (.geminiGenerateContent, Self.gemini("generateContent")),
        (.geminiStreamGenerateContent, Self.gemini("streamGenerateContent")),
        (.geminiCountTokens, Self.gemini("countTokens")),
        (.geminiEmbedContent, Self.gemini("embedContent")),
        (.geminiBatchEmbedContents, Self.gemini("batchEmbedContents")),
        (.modelList, ["/v1/models", "/v1beta/models"]),
        (.modelGet, ["/v1/models/{model}", "/v1beta/models/{model}"]),
    ]

    private static func gemini(_ verb: String) -> [String] {
        ["/v1beta/models/{model}:\(verb)", "/v1/models/{model}:\(verb)"]
    }

    /// The method of an endpoint: every operation has exactly one.
    static func method(of endpoint: Endpoint) -> HTTPMethod {
        switch endpoint {
        case .modelList, .modelGet: .get
        default: .post
        }
    }

    /// Stored objects of a shared account, work detached from its request, and native pass-through: 404
    /// `endpoint_not_available` with whatever follows (DESIGN 8).
    private static let notServed: [[UInt8]] = [
        "/v1/files", "/v1/uploads", "/v1/batches", "/v1/vector_stores", "/v1/fine_tuning", "/v1/fine-tunes",
        "/v1/conversations", "/v1/assistants", "/v1/threads", "/v1/videos", "/v1/realtime", "/v1/containers",
        "/v1/evals", "/v1/graders", "/v1/skills", "/v1/chatkit", "/v1/responses", "/v1/chat/completions",
        "/v1/messages/batches", "/v1/cachedContents", "/v1/tunedModels", "/v1beta/cachedContents", "/v1beta/files",
        "/v1beta/tunedModels", "/v1beta/corpora", "/v1beta/fileSearchStores", "/v1beta/ragStores", "/v1beta/batches",
        "/v1beta/operations", "/upload/v1beta", "/download/v1beta", "/openai", "/anthropic",
    ].map { Array($0.utf8) }

    /// Verbs of Gemini models that start work which outlives the request.
    private static let detachedVerbs: [[UInt8]] = [
        ":batchGenerateContent", ":asyncBatchEmbedContent", ":predictLongRunning", ":bidiGenerateContent",
    ].map { Array($0.utf8) }

    private static let modelPrefixes: [[UInt8]] = ["/v1beta/models/", "/v1/models/"].map { Array($0.utf8) }

    /// Only for paths that nothing serves.
    static func isStored(_ path: UnsafeRawBufferPointer) -> Bool {
        Self.notServed.contains { prefix in
            guard path.starts(with: prefix) else { return false }
            return path.count == prefix.count || path[prefix.count] == UInt8(ascii: "/")
                || path[prefix.count] == UInt8(ascii: ":")
        }
    }

    /// Only for paths that nothing serves with this method: they also look like a model to read.
    static func isDetached(_ path: UnsafeRawBufferPointer) -> Bool {
        Self.detachedVerbs.contains { verb in
            path.count > verb.count && path.suffix(verb.count).elementsEqual(verb)
                && Self.modelPrefixes.contains { path.starts(with: $0) }
        }
    }
}

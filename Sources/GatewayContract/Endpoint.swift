/// The family of a wire format: it decides the shape of errors and of the model list.
public enum DialectFamily: String, CaseIterable, Sendable {
    case openai, anthropic, gemini
}

/// What the body of a request is, and where in the request the model's name stands.
public enum RequestShape: Sendable {
    /// A JSON object with a top-level `model`.
    case json
    /// A JSON object; the model is the path segment before the `:verb`.
    case jsonModelInPath
    /// `multipart/form-data` with a part named `model`.
    case multipart
    /// No body.
    case none
}

/// One operation of one dialect. `schema` in a route file names the dialect; the rest of the path chooses the
/// operation.
public enum Endpoint: String, CaseIterable, Sendable {
    case chatCompletions, completions, responses, embeddings, moderations
    case imagesGenerations, imagesEdits, imagesVariations
    case audioSpeech, audioTranscriptions, audioTranslations
    case rerank
    case messages, messagesCountTokens
    case geminiGenerateContent, geminiStreamGenerateContent, geminiCountTokens
    case geminiEmbedContent, geminiBatchEmbedContents
    case modelList, modelGet

    /// Whose dialect requests and errors are in. For the model list this is only a default: it answers in the caller's.
    public var family: DialectFamily {
        switch self {
        case .messages, .messagesCountTokens: .anthropic
        case .geminiGenerateContent, .geminiStreamGenerateContent, .geminiCountTokens, .geminiEmbedContent,
            .geminiBatchEmbedContents:
            .gemini
        default: .openai
        }
    }

    /// The name of the wire format, as in `schema:` of a route file.
    public var dialect: String {
        switch self {
        case .chatCompletions: "openai.chat"
        case .completions: "openai.completions"
        case .responses: "openai.responses"
        case .embeddings: "openai.embeddings"
        case .moderations: "openai.moderations"
        case .imagesGenerations, .imagesEdits, .imagesVariations: "openai.images"
        case .audioSpeech, .audioTranscriptions, .audioTranslations: "openai.audio"
        case .rerank: "rerank"
        case .messages, .messagesCountTokens: "anthropic.messages"
        case .geminiGenerateContent, .geminiStreamGenerateContent, .geminiCountTokens, .geminiEmbedContent,
            .geminiBatchEmbedContents:
            "gemini.generate"
        case .modelList, .modelGet: "models"
        }
    }

    /// Decides the method (`none`: GET, else POST), the media type that a body must have, and where the model's name is
    /// read.
    public var shape: RequestShape {
        switch self {
        case .imagesEdits, .imagesVariations, .audioTranscriptions, .audioTranslations: .multipart
        case .geminiGenerateContent, .geminiStreamGenerateContent, .geminiCountTokens, .geminiEmbedContent,
            .geminiBatchEmbedContents:
            .jsonModelInPath
        case .modelList, .modelGet: .none
        default: .json
        }
    }

    /// Its place in `allCases`, for tables by endpoint. No look-up.
    public var place: Int {
        switch self {
        case .chatCompletions: 0
        case .completions: 1
        case .responses: 2
        case .embeddings: 3
        case .moderations: 4
        case .imagesGenerations: 5
        case .imagesEdits: 6
        case .imagesVariations: 7
        case .audioSpeech: 8
        case .audioTranscriptions: 9
        case .audioTranslations: 10
        case .rerank: 11
        case .messages: 12
        case .messagesCountTokens: 13
        case .geminiGenerateContent: 14
        case .geminiStreamGenerateContent: 15
        case .geminiCountTokens: 16
        case .geminiEmbedContent: 17
        case .geminiBatchEmbedContents: 18
        case .modelList: 19
        case .modelGet: 20
        }
    }
}

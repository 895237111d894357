import GatewayContract
import GatewayCore
import GatewayWire

/// An answer of the built-in `echo` provider in the dialect of the endpoint: it repeats the last message of the user.
///
/// A pure function of the request; delays and resets of `EchoFaults` are played by the pipeline. Streams have one piece
/// per event. Tokens are counted as bytes of text by four. Off the hot path: it builds JSON values.
public struct EchoScript: Sendable, Equatable {
    /// 200, or the status that a fault asks for.
    public var status: Int
    /// Value of the field `content-type`.
    public var contentType: String
    /// One per event of a stream, or one whole body.
    public var pieces: [[UInt8]]
    /// Whether `pieces` are server-sent events, to be sent chunked and with the delay of the faults between them.
    public var isStream: Bool
    /// In seconds, for a `Retry-After`; only with an injected status.
    public var retryAfter: Int?

    /// - Parameters:
    ///   - model: the name to show in the answer.
    ///   - body: as the client sent it; of multipart bodies nothing is read.
    ///   - includeUsage: send the usage chunk of chat and completions streams.
    ///   - requestID: becomes part of the ids in the answer.
    ///   - created: when the request came, in unix seconds: what `created` and `created_at` say.
    public static func answer(
        endpoint: Endpoint, model: String, body: UnsafeRawBufferPointer, isStream: Bool, includeUsage: Bool,
        faults: EchoFaults, requestID: String, created: Int64
    ) -> EchoScript {
        if let status = faults.status { return self.fault(status, faults, endpoint.family, requestID) }
        let request = EchoRequest(
            endpoint: endpoint, model: model, body: body, includeUsage: includeUsage, omitUsage: faults.omitUsage,
            requestID: requestID, created: created)
        if isStream, let events = request.stream() {
            return .init(status: 200, contentType: "text/event-stream", pieces: events, isStream: true)
        }
        if endpoint == .audioSpeech {
            return .init(status: 200, contentType: "audio/wav", pieces: [EchoMedia.wave], isStream: false)
        }
        let answer = request.whole().serialized()
        return .init(status: 200, contentType: "application/json", pieces: [answer], isStream: false)
    }

    private static func fault(
        _ status: Int, _ faults: EchoFaults, _ family: DialectFamily, _ requestID: String
    ) -> EchoScript {
        let (type, label) =
            switch status {
            case 429: ("requests", "rate_limit_exceeded")
            case 500...: ("server_error", "server_error")
            default: ("invalid_request_error", "injected_fault")
            }
        let body = ErrorBody.json(
            status: status, type: type, label: label, message: "This is the fault that `faults.status` asks for.",
            parameter: nil, family: family, requestID: requestID)
        return .init(
            status: status, contentType: "application/json", pieces: [body], isStream: false,
            retryAfter: faults.retryAfter)
    }
}

/// What the echo provider reads of a request, and what is the same in all its answers.
struct EchoRequest {
    static let choicesMax = 16
    /// A stream has at most about that many text events, however long the text is.
    static let piecesMax = 1024

    let endpoint: Endpoint
    let model: JSONValue
    let body: JSONValue
    let includeUsage: Bool
    let omitUsage: Bool
    let requestID: String
    let created: JSONValue
    let text: String
    let inputTokens: Int64
    let choiceCount: Int

    init(
        endpoint: Endpoint, model: String, body: UnsafeRawBufferPointer, includeUsage: Bool, omitUsage: Bool,
        requestID: String, created: Int64
    ) {
        self.endpoint = endpoint
        self.model = .string(model)
        self.includeUsage = includeUsage
        self.omitUsage = omitUsage
        self.requestID = requestID
        self.created = .number(String(created))
        self.body = endpoint.shape == .multipart ? .object([]) : (try? JSONValue(parsing: body)) ?? .object([])
        self.text = EchoText.last(of: self.body, endpoint: endpoint)
        self.inputTokens = UsageEstimate.tokens(ofTextBytes: EchoText.inputBytes(of: self.body, endpoint: endpoint))
        let count = self.body["n"]?.integer ?? self.body["generationConfig"]?["candidateCount"]?.integer ?? 1
        self.choiceCount = Int(min(max(count, 1), Int64(Self.choicesMax)))
    }

    var outputTokens: Int64 {
        UsageEstimate.tokens(ofTextBytes: Int64(self.text.utf8.count)) * Int64(self.choiceCount)
    }

    /// The text in pieces of about a word, each with the space before it.
    var words: [String] {
        let bytes = Array(self.text.utf8)
        let least = bytes.count / Self.piecesMax
        var pieces: [String] = []
        var start = 0
        for index in bytes.indices.dropFirst() where bytes[index] == 0x20 && index - start > least {
            pieces.append(String(decoding: bytes[start..<index], as: UTF8.self))
            start = index
        }
        if start < bytes.count { pieces.append(String(decoding: bytes[start...], as: UTF8.self)) }
        return pieces
    }

    func whole() -> JSONValue {
        switch self.endpoint {
        case .chatCompletions: self.chat()
        case .completions: self.completion()
        case .responses: self.response(status: "completed", output: [self.responseMessage(status: "completed")])
        case .embeddings: self.embeddings()
        case .moderations: self.moderation()
        case .imagesGenerations, .imagesEdits, .imagesVariations: self.images()
        case .audioTranscriptions, .audioTranslations: self.transcription()
        case .rerank: self.rerank()
        case .messages: self.message()
        case .messagesCountTokens: ["input_tokens": .number(String(self.inputTokens))]
        case .geminiGenerateContent, .geminiStreamGenerateContent:
            self.geminiChunk(text: self.text, isLast: true)
        case .geminiCountTokens: ["totalTokens": .number(String(self.inputTokens))]
        case .geminiEmbedContent: ["embedding": ["values": .array(EchoMedia.vector(of: self.text, count: 8))]]
        case .geminiBatchEmbedContents: self.geminiEmbeddings()
        case .audioSpeech, .modelList, .modelGet: .object([])
        }
    }

    /// `nil`: the endpoint does not stream.
    func stream() -> [[UInt8]]? {
        switch self.endpoint {
        case .chatCompletions: self.chatStream()
        case .completions: self.completionStream()
        case .responses: self.responseStream()
        case .messages: self.messageStream()
        case .geminiStreamGenerateContent: self.geminiStream()
        case .imagesGenerations, .imagesEdits: self.imageStream()
        case .audioSpeech: self.speechStream()
        case .audioTranscriptions: self.transcriptionStream()
        default: nil
        }
    }

    static func number(_ value: Int64) -> JSONValue { .number(String(value)) }

    /// One event: `event: NAME` if there is one, then the data.
    static func event(_ data: JSONValue, name: String? = nil) -> [UInt8] {
        var out: [UInt8] = []
        if let name {
            out.append(text: "event: ")
            out.append(string: name)
            out.append(text: "\n")
        }
        out.append(text: "data: ")
        data.append(to: &out)
        out.append(text: "\n\n")
        return out
    }

    static let done = Array("data: [DONE]\n\n".utf8)
}

import GatewayContract
import GatewayWire

/// Finds the text of a request that an echo repeats, and counts what came in.
enum EchoText {
    /// The last user message, its text parts joined.
    static func last(of body: JSONValue, endpoint: Endpoint) -> String {
        switch endpoint {
        case .chatCompletions, .messages, .messagesCountTokens: Self.lastUser(body["messages"], content: "content")
        case .responses: body["input"]?.string ?? Self.lastUser(body["input"], content: "content")
        case .completions: Self.strings(body["prompt"]).joined(separator: " ")
        case .geminiGenerateContent, .geminiStreamGenerateContent, .geminiCountTokens:
            Self.lastUser(body["contents"], content: "parts")
        case .geminiEmbedContent: Self.text(body["content"]?["parts"])
        case .embeddings, .moderations: Self.strings(body["input"]).joined(separator: " ")
        case .rerank: body["query"]?.string ?? ""
        case .imagesGenerations: body["prompt"]?.string ?? ""
        case .audioTranscriptions, .audioTranslations: "This is the echo of an audio file."
        case .audioSpeech: body["input"]?.string ?? ""
        default: ""
        }
    }

    /// Bytes of all text that was sent.
    static func inputBytes(of body: JSONValue, endpoint: Endpoint) -> Int64 {
        let names = [
            "messages", "system", "input", "instructions", "prompt", "contents", "systemInstruction", "content",
            "query", "documents", "requests",
        ]
        return names.reduce(0) { $0 + (body[$1].map(Self.count) ?? 0) }
    }

    private static func count(_ value: JSONValue) -> Int64 {
        switch value {
        case .string(let text): Int64(text.utf8.count)
        case .array(let elements): elements.reduce(0) { $0 + Self.count($1) }
        case .object(let members):
            members.reduce(0) { sum, member in
                switch member.name {
                case "content", "text", "parts", "output", "arguments": sum + Self.count(member.value)
                default: sum
                }
            }
        case .null, .bool, .number: 0
        }
    }

    private static func lastUser(_ messages: JSONValue?, content: String) -> String {
        let message = messages?.array?.last { message in
            message["role"]?.string == "user" || (message["role"] == nil && message[content] != nil)
        }
        return Self.text(message?[content])
    }

    /// A string, or the texts of an array's parts behind each other.
    static func text(_ content: JSONValue?) -> String {
        if let text = content?.string { return text }
        return content?.array?.compactMap { $0["text"]?.string ?? $0.string }.joined() ?? ""
    }

    /// One or several inputs; anything but text as it is written.
    static func strings(_ input: JSONValue?) -> [String] {
        guard let input else { return [] }
        if let text = input.string { return [text] }
        guard let elements = input.array else { return [Self.written(input)] }
        // One list of token numbers is one input.
        if let first = elements.first, case .number = first { return [Self.written(input)] }
        return elements.map { $0.string ?? $0["text"]?.string ?? Self.written($0) }
    }

    private static func written(_ value: JSONValue) -> String {
        String(decoding: value.serialized(), as: UTF8.self)
    }
}

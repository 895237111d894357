import GatewayContract
import GatewayCore

/// The path of a version, and the operation that its end chooses.
enum RoutePath {
    static let geminiVerbs: [(verb: String, endpoint: Endpoint)] = [
        ("generateContent", .geminiGenerateContent), ("streamGenerateContent", .geminiStreamGenerateContent),
        ("countTokens", .geminiCountTokens), ("embedContent", .geminiEmbedContent),
        ("batchEmbedContents", .geminiBatchEmbedContents),
    ]
    private static let tails: [String: [(tail: String, endpoint: Endpoint)]] = [
        "openai.images": [
            ("generations", .imagesGenerations), ("edits", .imagesEdits), ("variations", .imagesVariations),
        ],
        "openai.audio": [
            ("speech", .audioSpeech), ("transcriptions", .audioTranscriptions), ("translations", .audioTranslations),
        ],
    ]

    static func read(_ object: ConfigObject, _ walk: inout ConfigWalk) -> ConfigWalk.Resolved? {
        guard let value = object.text("path", &walk) else { return nil }
        var path = value.text
        if let open = path.range(ofPlaceholder: "{model}") { path.replaceSubrange(open, with: "model") }
        if value.text.hasPrefix("/"), value.text != "/", !value.text.hasSuffix("/"), value.text.utf8.count <= 1024,
            Units.isPath(path)
        {
            return value
        }
        walk.report(
            Problem(
                "E2114", "`path` of \(object.subject) is no path", at: value.origin,
                help:
                    "it begins with `/` and does not end with one; visible ASCII without `?`, `#`, `%`, `//` and "
                    + "`..`; such as /v2/chat/completions"
            ))
        return nil
    }

    /// The operation of a path: by the schema alone, or by the schema and the path's end.
    static func endpoint(
        _ schema: String, _ path: ConfigWalk.Resolved, _ object: ConfigObject, _ walk: inout ConfigWalk
    ) -> Endpoint? {
        let last = String(path.text[(path.text.lastIndex(of: "/") ?? path.text.startIndex)...].dropFirst())
        let isTemplate = path.text.contains("{model}")
        if isTemplate, schema != "gemini.generate", schema != "models" {
            walk.report(
                Problem(
                    "E2115", "`path` of \(object.subject) holds `{model}`, but `\(schema)` has the model in its body",
                    at: path.origin))
            return nil
        }
        switch schema {
        case "gemini.generate":
            if let found = self.geminiVerbs.first(where: { last == "{model}:\($0.verb)" }) { return found.endpoint }
            self.report("{model}:verb", self.geminiVerbs.map { "{model}:\($0.verb)" }, schema, path, object, &walk)
            return nil
        case "models":
            if isTemplate, last != "{model}" {
                self.report("{model}", ["{model}"], schema, path, object, &walk)
                return nil
            }
            return isTemplate ? .modelGet : .modelList
        case "anthropic.messages":
            return last == "count_tokens" ? .messagesCountTokens : .messages
        default:
            guard let tails = self.tails[schema] else { return Endpoint.allCases.first { $0.dialect == schema } }
            if let found = tails.first(where: { $0.tail == last }) { return found.endpoint }
            self.report("one of its operations", tails.map(\.tail), schema, path, object, &walk)
            return nil
        }
    }

    private static func report(
        _ wanted: String, _ tails: [String], _ schema: String, _ path: ConfigWalk.Resolved, _ object: ConfigObject,
        _ walk: inout ConfigWalk
    ) {
        walk.report(
            Problem(
                "E2115", "`path` of \(object.subject) must end in \(wanted): `\(schema)` has several operations",
                at: path.origin, help: "such as \(tails.map { "…/\($0)" }.joined(separator: ", "))",
                notes: ["one version has one path: write a version for each operation"]))
    }
}

extension String {
    /// The first occurrence of a short ASCII text.
    fileprivate func range(ofPlaceholder text: String) -> Range<String.Index>? {
        self.indices.first { self[$0...].hasPrefix(text) }.map { $0..<self.index($0, offsetBy: text.count) }
    }

}

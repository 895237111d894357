import GatewayContract
import GatewayWire

/// The edits that turn a client's body into the one a provider gets. Everything else stays byte for byte.
public enum RequestSplices {
    /// - Parameters:
    ///   - upstreamModelLiteral: the provider's name of the model as a JSON string literal. In multipart bodies its
    ///     text is written without quotes.
    ///   - addUsage: ask for a usage chunk if the client did not; only streams of chat and completions have one. Who
    ///     sets it drops that chunk again (`StreamWatch`, pitfall S-9).
    public static func make(
        for inspection: RequestInspection, upstreamModelLiteral: [UInt8], addUsage: Bool
    ) -> JSONSplices {
        var splices = JSONSplices()
        if let range = inspection.modelRange {
            if inspection.endpoint.shape == .multipart {
                let text = upstreamModelLiteral.withUnsafeBytes { JSONText.string($0) } ?? ""
                splices.replace(range, with: Array(text.utf8))
            } else {
                splices.replace(range, with: upstreamModelLiteral)
            }
        }
        if !inspection.found.repeatedModelRanges.isEmpty {
            let literal = Array("\"models/".utf8) + upstreamModelLiteral.dropFirst()
            for range in inspection.found.repeatedModelRanges { splices.replace(range, with: literal) }
        }
        guard addUsage else { return splices }
        switch inspection.found.usageEdit {
        case .none: break
        case .insertOptions(let place):
            // The body has at least a `model` after it.
            splices.insert(Array(#""stream_options":{"include_usage":true},"#.utf8), at: place)
        case .replaceOptions(let range): splices.replace(range, with: Array(#"{"include_usage":true}"#.utf8))
        case .insertMember(let place, let isEmpty):
            splices.insert(Array((isEmpty ? #""include_usage":true"# : #""include_usage":true,"#).utf8), at: place)
        case .replaceMember(let range): splices.replace(range, with: Array("true".utf8))
        }
        return splices
    }
}

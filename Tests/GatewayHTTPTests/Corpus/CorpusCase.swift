import GatewayCore
import GatewayHTTP
import Testing

/// One input of the corpus. Each scalar of `text` up to U+00FF is one byte, so that every byte can be written.
struct CorpusCase: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    /// What a decoder makes of it, one line per message, as `DecoderRun.summary` writes it; for refused input the lines
    /// of the messages before the fault.
    let summary: [String]
    /// Of refused input.
    let code: ErrorCode?
    /// Answers only.
    let requestWasHead: Bool

    var testDescription: String { self.name }
    var bytes: [UInt8] { Self.bytes(of: self.text) }

    static func bytes(of text: String) -> [UInt8] { text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }

    static func accepted(_ name: String, _ text: String, _ summary: String..., toHead: Bool = false) -> CorpusCase {
        CorpusCase(name: name, text: text, summary: summary, code: nil, requestWasHead: toHead)
    }

    static func refused(
        _ name: String, _ text: String, _ code: ErrorCode = .malformedRequest, after summary: String...
    ) -> CorpusCase {
        CorpusCase(name: name, text: text, summary: summary, code: code, requestWasHead: false)
    }
}

/// The bounds under which the corpus is read.
let corpusLimits = HeadLimits(bytesMax: 8192, fieldsMax: 50)

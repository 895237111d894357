import GatewayContract
import GatewayCore

/// How a dialect counts, and under which names (wire-formats 7).
enum UsageConvention: Sendable {
    /// `prompt_tokens`/`completion_tokens` or `input_tokens`/`output_tokens`; cached, audio, image and reasoning tokens
    /// are parts of those totals.
    case openai
    /// The same, and all output is audio.
    case openaiSpeech
    /// The same, and all output is images.
    case openaiImages
    /// `input_tokens` is uncached only; cache reads and writes stand beside it.
    case anthropic
    /// `promptTokenCount` includes cached tokens, `candidatesTokenCount` excludes thoughts.
    case gemini
    /// Only input: embeddings, moderations and rerankers, the latter with Cohere's `billed_units`.
    case inputOnly
    /// Embeddings of Gemini: `promptTokenCount`, and no output at all.
    case geminiInputOnly
    /// Counting tokens: no model runs, so nothing is used, whatever the answer says.
    case nothing

    /// Whether an answer has tokens of its own that can be estimated from its text where no report came. Images and
    /// sound are no text: their bytes say nothing of their price.
    var hasOutput: Bool {
        switch self {
        case .inputOnly, .geminiInputOnly, .openaiSpeech, .openaiImages, .nothing: false
        case .openai, .anthropic, .gemini: true
        }
    }

    init(_ endpoint: Endpoint) {
        self =
            switch endpoint {
            case .audioSpeech: .openaiSpeech
            case .imagesGenerations, .imagesEdits, .imagesVariations: .openaiImages
            case .messagesCountTokens, .geminiCountTokens: .nothing
            case .rerank, .embeddings, .moderations: .inputOnly
            case .geminiEmbedContent, .geminiBatchEmbedContents: .geminiInputOnly
            default:
                switch endpoint.family {
                case .openai: .openai
                case .anthropic: .anthropic
                case .gemini: .gemini
                }
            }
    }
}

/// The numbers of a provider's usage object as they were written, before they become disjoint units.
///
/// A number that is no whole number in 0…2^53 breaks the report: it then counts as not reported, because half of a
/// wrong report would be billed as if it were right. `null` and a missing member are not reported; zero is a value
/// (M-2).
struct ReportedUsage: Sendable, Equatable {
    enum Slot: Int {
        case input, output, total, cacheRead, cacheWrite, cacheWrite5m, cacheWrite1h, reasoning, audioInput
        case audioOutput, imageInput, toolInput, toolUnits
    }

    /// JSON numbers above this are not exact in every reader, and no model has such a context.
    static let largest: Int64 = 1 << 53

    /// -1: not reported.
    private var slots = SIMD16<Int64>(repeating: -1)
    /// A usage object came, whatever was in it.
    private(set) var isSeen = false
    private(set) var isBroken = false

    subscript(slot: Slot) -> Int64? {
        let number = self.slots[slot.rawValue]
        return number < 0 ? nil : number
    }

    /// Reads the usage object at the cursor on top of what is known: each field that it names replaces the old value
    /// or, with `keepLargest`, only a smaller one (M-10).
    @inline(never)
    mutating func read(_ cursor: inout JSONCursor, _ convention: UsageConvention, keepLargest: Bool = false) {
        self.isSeen = true
        if !keepLargest { self.isBroken = false }
        var usage = cursor.enter()
        while let name = cursor.next(&usage) {
            if let slot = UsageNames.slot(name, convention) {
                self.take(&cursor, slot, keepLargest)
            } else if let group = UsageNames.group(name, convention) {
                guard cursor.isAtObject else {
                    if !cursor.isAtNull { self.isBroken = true }
                    continue
                }
                self.readDetails(&cursor, group, keepLargest)
            }
        }
    }

    private mutating func readDetails(_ cursor: inout JSONCursor, _ group: UsageNames.Group, _ keepLargest: Bool) {
        var details = cursor.enter()
        while let name = cursor.next(&details) {
            guard let slot = UsageNames.slot(name, in: group) else { continue }
            self.take(&cursor, slot, keepLargest)
        }
    }

    /// Reads a text that is a usage object and nothing else; any other text is no report.
    mutating func read(_ text: UnsafeRawBufferPointer, _ convention: UsageConvention) {
        guard var cursor = JSONCursor(text, checksEnds: false) else { return }
        let before = self
        self.read(&cursor, convention)
        guard cursor.isBroken, var careful = JSONCursor(text, checksEnds: true) else { return }
        self = before
        self.read(&careful, convention)
    }

    /// One store: a vector that is indexed by a variable is copied as a whole, twice.
    @inline(__always)
    private mutating func set(_ slot: Slot, _ number: Int64) {
        withUnsafeMutableBytes(of: &self.slots) { slots in
            slots.storeBytes(of: number, toByteOffset: slot.rawValue * MemoryLayout<Int64>.stride, as: Int64.self)
        }
    }

    @inline(__always)
    private mutating func take(_ cursor: inout JSONCursor, _ slot: Slot, _ keepLargest: Bool) {
        guard let number = cursor.integer(), number >= 0, number <= Self.largest else {
            if !cursor.isAtNull { self.isBroken = true }
            return
        }
        if keepLargest, self.slots[slot.rawValue] >= number { return }
        self.set(slot, number)
    }
}

/// The names of the usage fields, per convention.
enum UsageNames {
    /// A nested object of counts.
    enum Group {
        case inputDetails, outputDetails, cacheCreation, serverTools, billedUnits
    }

    static func slot(_ name: JSONString, _ convention: UsageConvention) -> ReportedUsage.Slot? {
        switch convention {
        case .openai, .openaiSpeech, .openaiImages, .inputOnly:
            if name.says("prompt_tokens") || name.says("input_tokens") { return .input }
            if name.says("completion_tokens") || name.says("output_tokens") { return .output }
            if name.says("total_tokens") { return .total }
        case .anthropic:
            if name.says("input_tokens") { return .input }
            if name.says("output_tokens") { return .output }
            if name.says("cache_read_input_tokens") { return .cacheRead }
            if name.says("cache_creation_input_tokens") { return .cacheWrite }
        case .gemini, .geminiInputOnly:
            if name.says("promptTokenCount") { return .input }
            if name.says("candidatesTokenCount") { return .output }
            if name.says("totalTokenCount") { return .total }
            if name.says("cachedContentTokenCount") { return .cacheRead }
            if name.says("thoughtsTokenCount") { return .reasoning }
            if name.says("toolUsePromptTokenCount") { return .toolInput }
        case .nothing: break
        }
        return nil
    }

    static func group(_ name: JSONString, _ convention: UsageConvention) -> Group? {
        switch convention {
        case .openai, .openaiSpeech, .openaiImages:
            if name.says("prompt_tokens_details") || name.says("input_tokens_details")
                || name.says("input_token_details")
            {
                return .inputDetails
            }
            if name.says("completion_tokens_details") || name.says("output_tokens_details")
                || name.says("output_token_details")
            {
                return .outputDetails
            }
        case .inputOnly:
            if name.says("billed_units") || name.says("tokens") { return .billedUnits }
        case .anthropic:
            if name.says("cache_creation") { return .cacheCreation }
            if name.says("server_tool_use") { return .serverTools }
            if name.says("output_tokens_details") { return .outputDetails }
        case .gemini, .geminiInputOnly, .nothing: break
        }
        return nil
    }

    static func slot(_ name: JSONString, in group: Group) -> ReportedUsage.Slot? {
        switch group {
        case .inputDetails:
            if name.says("cached_tokens") { return .cacheRead }
            if name.says("cache_write_tokens") { return .cacheWrite }
            if name.says("audio_tokens") { return .audioInput }
            if name.says("image_tokens") { return .imageInput }
        case .outputDetails:
            if name.says("reasoning_tokens") || name.says("thinking_tokens") { return .reasoning }
            if name.says("audio_tokens") { return .audioOutput }
        case .cacheCreation:
            if name.says("ephemeral_5m_input_tokens") { return .cacheWrite5m }
            if name.says("ephemeral_1h_input_tokens") { return .cacheWrite1h }
        case .serverTools:
            if name.says("web_search_requests") { return .toolUnits }
        case .billedUnits:
            if name.says("input_tokens") { return .input }
            if name.says("search_units") { return .toolUnits }
        }
        return nil
    }
}

import GatewayContract
import GatewayCore
import GatewayWire

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

    /// Reads a usage object on top of what is known: each field that it names replaces the old value or, with
    /// `keepLargest`, only a smaller one (M-10).
    @inline(never)
    mutating func read(
        _ view: JSONView, _ place: Range<Int>, _ convention: UsageConvention, keepLargest: Bool = false
    ) {
        self.isSeen = true
        if !keepLargest { self.isBroken = false }
        var walk = view.members(of: place)
        while let member = walk.next() {
            if let slot = UsageNames.slot(view, member.key, convention) {
                self.take(view, member, slot, keepLargest)
            } else if let group = UsageNames.group(view, member.key, convention) {
                guard member.kind == .object else {
                    if member.kind != .null { self.isBroken = true }
                    continue
                }
                var details = view.members(of: member.value)
                while let detail = details.next() {
                    guard let slot = UsageNames.slot(view, detail.key, in: group) else { continue }
                    self.take(view, detail, slot, keepLargest)
                }
            }
        }
    }

    /// One store: a vector that is indexed by a variable is copied as a whole, twice.
    @inline(__always)
    private mutating func set(_ slot: Slot, _ number: Int64) {
        withUnsafeMutableBytes(of: &self.slots) { slots in
            slots.storeBytes(of: number, toByteOffset: slot.rawValue * MemoryLayout<Int64>.stride, as: Int64.self)
        }
    }

    private mutating func take(_ view: JSONView, _ member: JSONMember, _ slot: Slot, _ keepLargest: Bool) {
        if member.kind == .null { return }
        guard let number = view.integer(member), number >= 0, number <= Self.largest else {
            self.isBroken = true
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

    static func slot(_ view: JSONView, _ key: Range<Int>, _ convention: UsageConvention) -> ReportedUsage.Slot? {
        switch convention {
        case .openai, .openaiSpeech, .openaiImages, .inputOnly:
            if view.isText(key, "prompt_tokens") || view.isText(key, "input_tokens") { return .input }
            if view.isText(key, "completion_tokens") || view.isText(key, "output_tokens") { return .output }
            if view.isText(key, "total_tokens") { return .total }
        case .anthropic:
            if view.isText(key, "input_tokens") { return .input }
            if view.isText(key, "output_tokens") { return .output }
            if view.isText(key, "cache_read_input_tokens") { return .cacheRead }
            if view.isText(key, "cache_creation_input_tokens") { return .cacheWrite }
        case .gemini, .geminiInputOnly:
            if view.isText(key, "promptTokenCount") { return .input }
            if view.isText(key, "candidatesTokenCount") { return .output }
            if view.isText(key, "totalTokenCount") { return .total }
            if view.isText(key, "cachedContentTokenCount") { return .cacheRead }
            if view.isText(key, "thoughtsTokenCount") { return .reasoning }
            if view.isText(key, "toolUsePromptTokenCount") { return .toolInput }
        case .nothing: break
        }
        return nil
    }

    static func group(_ view: JSONView, _ key: Range<Int>, _ convention: UsageConvention) -> Group? {
        switch convention {
        case .openai, .openaiSpeech, .openaiImages:
            if view.isText(key, "prompt_tokens_details") || view.isText(key, "input_tokens_details")
                || view.isText(key, "input_token_details")
            {
                return .inputDetails
            }
            if view.isText(key, "completion_tokens_details") || view.isText(key, "output_tokens_details")
                || view.isText(key, "output_token_details")
            {
                return .outputDetails
            }
        case .inputOnly:
            if view.isText(key, "billed_units") || view.isText(key, "tokens") { return .billedUnits }
        case .anthropic:
            if view.isText(key, "cache_creation") { return .cacheCreation }
            if view.isText(key, "server_tool_use") { return .serverTools }
            if view.isText(key, "output_tokens_details") { return .outputDetails }
        case .gemini, .geminiInputOnly, .nothing: break
        }
        return nil
    }

    static func slot(_ view: JSONView, _ key: Range<Int>, in group: Group) -> ReportedUsage.Slot? {
        switch group {
        case .inputDetails:
            if view.isText(key, "cached_tokens") { return .cacheRead }
            if view.isText(key, "cache_write_tokens") { return .cacheWrite }
            if view.isText(key, "audio_tokens") { return .audioInput }
            if view.isText(key, "image_tokens") { return .imageInput }
        case .outputDetails:
            if view.isText(key, "reasoning_tokens") || view.isText(key, "thinking_tokens") { return .reasoning }
            if view.isText(key, "audio_tokens") { return .audioOutput }
        case .cacheCreation:
            if view.isText(key, "ephemeral_5m_input_tokens") { return .cacheWrite5m }
            if view.isText(key, "ephemeral_1h_input_tokens") { return .cacheWrite1h }
        case .serverTools:
            if view.isText(key, "web_search_requests") { return .toolUnits }
        case .billedUnits:
            if view.isText(key, "input_tokens") { return .input }
            if view.isText(key, "search_units") { return .toolUnits }
        }
        return nil
    }
}

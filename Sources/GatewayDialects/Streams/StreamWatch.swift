import GatewayContract
import GatewayCore
import GatewayWire

/// What is to be done with one event of a provider's stream.
public enum EventVerdict: Sendable, Equatable {
    /// Pass its bytes on as they came.
    case pass
    /// The client does not get it: a usage chunk it did not ask for, or an end that would be a lie.
    case drop
    /// These bytes, a whole event, instead of it: an error event without its URLs and keys.
    case replace([UInt8])
}

/// How a stream ended.
public enum StreamEnd: Sendable, Equatable {
    case complete
    /// Whole, but its last line is missing: write these bytes first.
    case completeSupplying([UInt8])
    /// The provider ended it with an error event, which has been passed on: write nothing more.
    case failed
    /// It broke off: write `ErrorBody.streamEvent`, or abort.
    case truncated
}

/// Watches the events of one provider's stream in its own dialect: content, text, usage, errors and the end.
///
/// A value that lives as long as the attempt, on its loop. An ordinary event costs one walk over its top level and its
/// delta and no allocation.
public struct StreamWatch: Sendable {
    /// Which grammar of events is watched.
    enum Grammar: Sendable {
        case chat, completions, responses, messages, gemini, media
    }

    /// One event with content has been seen. Role-only deltas, pings, comments and empty deltas are none (S-3); text,
    /// reasoning, refusals, tool calls, audio and images are.
    public private(set) var sawContent = false
    /// How many events carried content of any kind, with text or without: each of them is progress (S-3). Zero as long
    /// as `sawContent` is false.
    public private(set) var contentEvents: Int64 = 0
    /// Bytes of text, reasoning and tool arguments seen so far: what an estimate counts.
    public internal(set) var outputTextBytes: Int64 = 0
    /// The provider sent an error event. Without content before it the exchange costs nothing (M-17).
    public internal(set) var sawError = false
    /// One more than the largest `sequence_number` seen: for `ErrorBody.streamEvent`.
    public internal(set) var nextSequenceNumber: Int64 = 0

    let grammar: Grammar
    let convention: UsageConvention
    let dropsUsageEvent: Bool
    let choiceCount: Int64
    let scrub: ErrorScrub
    let requestID: String
    var choices = ChoiceTally()
    var reported = ReportedUsage()
    /// The event after which nothing more belongs to the stream.
    var sawEnd = false
    /// Anthropic: output was reported by a `message_delta`, not only by the placeholder of `message_start`.
    var isOutputFinal = false
    /// OpenAI's chunks: no more than a way to read them faster.
    var chatHead = ChunkHead()

    /// - Parameters:
    ///   - endpoint: one that streams; any other is watched by the generic rules.
    ///   - dropUsageEvent: the gateway asked for the usage chunk, the client did not (S-9).
    ///   - choiceCount: `n` of the request.
    ///   - requestID: for error events that have to be rewritten.
    ///   - credential: the provider's own; it is cut out of error events.
    public init(
        endpoint: Endpoint, dropUsageEvent: Bool, choiceCount: Int64 = 1, requestID: String = "",
        credential: Secret? = nil
    ) {
        self.grammar =
            switch endpoint {
            case .chatCompletions: .chat
            case .completions: .completions
            case .responses: .responses
            case .messages, .messagesCountTokens: .messages
            case .geminiGenerateContent, .geminiStreamGenerateContent, .geminiCountTokens, .geminiEmbedContent,
                .geminiBatchEmbedContents:
                .gemini
            default: .media
            }
        self.convention = UsageConvention(endpoint)
        self.dropsUsageEvent = dropUsageEvent
        self.choiceCount = choiceCount
        self.requestID = requestID
        self.scrub = ErrorScrub(credential: credential)
    }

    /// Takes one event, in order. `name` is empty without an `event:` line; both are read during the call only.
    public mutating func event(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) -> EventVerdict {
        self.event(name: name, data: data, checksEnds: false)
    }

    /// - Parameter checksEnds: read as carefully as an event that turned out to be broken. Nothing but the cost depends
    ///   on it.
    mutating func event(
        name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, checksEnds: Bool
    ) -> EventVerdict {
        if Self.isDone(data) { return self.done() }
        // After an error nothing may look like a good end (S-8), and after the end nothing belongs to the stream.
        // A stream of several images has an end for each of them.
        if self.sawError || (self.sawEnd && self.grammar != .media) { return .drop }
        guard var cursor = JSONCursor(data, checksEnds: checksEnds) else {
            return Self.isError(name) ? self.errorEvent(name: name, data: data) : .pass
        }
        let before = self.sight
        var verdict = self.read(&cursor, name)
        if cursor.isBroken, var careful = JSONCursor(data, checksEnds: true) {
            self.sight = before
            verdict = self.read(&careful, name)
        }
        // However many members of it were content, it is one event.
        self.contentEvents = min(self.contentEvents, before.contentEvents &+ 1)
        if self.sawError || Self.isError(name) { return self.errorEvent(name: name, data: data) }
        return verdict
    }

    private mutating func read(_ cursor: inout JSONCursor, _ name: UnsafeRawBufferPointer) -> EventVerdict {
        switch self.grammar {
        case .chat, .completions: self.chat(&cursor)
        case .responses: self.responses(&cursor)
        case .messages: self.messages(&cursor, name: name)
        case .gemini: self.gemini(&cursor)
        case .media: self.media(&cursor)
        }
    }

    /// What reading an event may change.
    private struct Sight {
        var sawContent: Bool, sawError: Bool, sawEnd: Bool, isOutputFinal: Bool
        var contentEvents: Int64, outputTextBytes: Int64, nextSequenceNumber: Int64
        var choices: ChoiceTally
        var reported: ReportedUsage
    }

    private var sight: Sight {
        @inline(__always)
        get {
            Sight(
                sawContent: self.sawContent, sawError: self.sawError, sawEnd: self.sawEnd,
                isOutputFinal: self.isOutputFinal, contentEvents: self.contentEvents,
                outputTextBytes: self.outputTextBytes, nextSequenceNumber: self.nextSequenceNumber,
                choices: self.choices, reported: self.reported)
        }
        set {
            (self.sawContent, self.sawError) = (newValue.sawContent, newValue.sawError)
            (self.sawEnd, self.isOutputFinal) = (newValue.sawEnd, newValue.isOutputFinal)
            (self.contentEvents, self.outputTextBytes) = (newValue.contentEvents, newValue.outputTextBytes)
            self.nextSequenceNumber = newValue.nextSequenceNumber
            (self.choices, self.reported) = (newValue.choices, newValue.reported)
        }
    }

    /// The body has ended. Not for bodies that broke their framing: those are truncated whatever was seen.
    /// - Parameter endedByFraming: it ended by its length or last chunk, not by a close of the connection.
    public mutating func end(endedByFraming: Bool = true) -> StreamEnd {
        if self.sawError { return .failed }
        if self.sawEnd { return .complete }
        switch self.grammar {
        case .chat, .completions:
            guard endedByFraming, self.choices.isWhole(count: self.choiceCount) else { return .truncated }
            self.sawEnd = true
            return .completeSupplying(Array("data: [DONE]\n\n".utf8))
        case .gemini:
            guard self.choices.isWhole else { return .truncated }
            self.sawEnd = true
            return .complete
        case .responses, .messages, .media:
            return .truncated
        }
    }

    /// What the provider reported, once that report is final. `nil` before, without one, and when its numbers cannot be
    /// true. An explicit zero is a value (M-2).
    public var usage: UsageUnits? {
        switch self.grammar {
        case .messages: guard self.isOutputFinal else { return nil }
        case .chat, .completions, .gemini: guard self.choices.isWhole else { return nil }
        case .responses, .media: break
        }
        return self.reported.units(self.convention)
    }

    /// The units to charge for what has been seen so far: the provider's own when its report is final, else its input
    /// parts (or `estimatedInput` tokens) and the larger of its reported and our estimated output (M-1, M-15). Whether
    /// anything is charged at all is the caller's rule: not before content was written to the client (M-5).
    public func settlement(estimatedInput: Int64) -> (units: UsageUnits, source: UsageSource) {
        if self.convention == .nothing { return (UsageUnits(), .none) }
        if let usage = self.usage { return (usage, .provider) }
        let units = UsageEstimate.units(
            reported: self.reported, convention: self.convention, estimatedInput: estimatedInput,
            outputTextBytes: self.outputTextBytes, trustsOutput: self.grammar != .messages || self.isOutputFinal)
        return (units, .estimated)
    }

    /// The event that is read has content, be it text or not.
    @inline(__always)
    mutating func noteContent() {
        self.sawContent = true
        self.contentEvents &+= 1
    }

    /// Counts the value at the cursor as content if there is anything in it, and its text.
    @inline(__always)
    mutating func take(_ cursor: inout JSONCursor) {
        if let string = cursor.string() {
            guard string.count > 0 else { return }
            self.noteContent()
            self.outputTextBytes &+= string.textBytes
        } else if cursor.isAtObject || cursor.isAtArray {
            self.takeContainer(&cursor, hasText: true)
        }
    }

    /// Counts the value at the cursor as content if there is anything in it.
    mutating func note(_ cursor: inout JSONCursor) {
        if let string = cursor.string() {
            if string.count > 0 { self.noteContent() }
        } else if cursor.isAtObject || cursor.isAtArray {
            self.takeContainer(&cursor, hasText: false)
        }
    }

    @inline(never)
    private mutating func takeContainer(_ cursor: inout JSONCursor, hasText: Bool) {
        guard let place = cursor.place() else { return }
        let view = JSONView(UnsafeRawBufferPointer(start: cursor.base, count: cursor.end))
        guard !view.isEmptyContainer(place) else { return }
        self.noteContent()
        if hasText { self.outputTextBytes &+= OutputText.bytes(view, place) }
    }

    // MARK: - The end and errors

    /// `[DONE]` is true only after every choice had its finish reason and without an error before it (S-4, S-8).
    private mutating func done() -> EventVerdict {
        if self.sawError { return .drop }
        switch self.grammar {
        case .chat, .completions:
            guard !self.sawEnd, self.choices.isWhole else { return .drop }
            self.sawEnd = true
            return .pass
        case .responses, .messages, .gemini, .media:
            // Not part of these dialects, though some hosts add it: their own ends decide.
            return self.sawEnd ? .pass : .drop
        }
    }

    private mutating func errorEvent(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) -> EventVerdict {
        self.sawError = true
        guard let clean = self.scrub.json(data) else {
            return .replace(
                ErrorBody.streamEvent(
                    GatewayError(.upstreamError), family: self.family, isResponses: self.grammar == .responses,
                    requestID: self.requestID, sequenceNumber: self.nextSequenceNumber))
        }
        if clean.elementsEqual(data) { return .pass }
        var out: [UInt8] = []
        if !name.isEmpty {
            out.append(text: "event: ")
            out += name
            out.append(text: "\n")
        }
        for line in clean.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            out.append(text: "data: ")
            out += line
            out.append(text: "\n")
        }
        out.append(text: "\n")
        return .replace(out)
    }

    private var family: DialectFamily {
        switch self.grammar {
        case .messages: .anthropic
        case .gemini: .gemini
        default: .openai
        }
    }

    private static func isDone(_ data: UnsafeRawBufferPointer) -> Bool {
        guard data.count >= 6, data.count <= 16, data[0] == UInt8(ascii: "[") else { return false }
        return data.prefix(6).elementsEqual("[DONE]".utf8) && data.dropFirst(6).allSatisfy { $0 == 0x20 }
    }

    private static func isError(_ name: UnsafeRawBufferPointer) -> Bool {
        name.count == 5 && name.elementsEqual("error".utf8)
    }
}

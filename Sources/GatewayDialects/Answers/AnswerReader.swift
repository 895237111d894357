import GatewayContract
import GatewayCore
import GatewayWire

/// What a whole answer says of itself.
public struct AnswerReading: Sendable, Equatable {
    /// `nil`: not reported, or not believable (fault 22).
    public var usage: UsageUnits?
    /// One whole JSON object and nothing else.
    public var isWholeJSON: Bool
    /// The object has a top-level `error` with something in it: a failure under status 200.
    public var isError: Bool
    /// Bytes of text in the answer, base64 left out; counted only when `usage` is `nil` and the endpoint answers with
    /// text.
    public var outputTextBytes: Int64
    let convention: UsageConvention

    /// The units to charge: the provider's own, else an estimate. Whether anything is charged is the caller's rule.
    public func settlement(estimatedInput: Int64) -> (units: UsageUnits, source: UsageSource) {
        if self.convention == .nothing { return (UsageUnits(), .none) }
        if let usage = self.usage { return (usage, .provider) }
        let units = UsageEstimate.units(
            reported: ReportedUsage(), convention: self.convention, estimatedInput: estimatedInput,
            outputTextBytes: self.outputTextBytes, trustsOutput: false)
        return (units, .estimated)
    }
}

/// Reads a whole JSON answer as its bytes pass by, in any number of pieces; the verdict does not depend on the splits.
///
/// An answer that comes in one piece is read in place. Of one in several it keeps copies of the members with usage and
/// text, each up to 256 KiB. For answers that are no JSON (speech) feed nothing.
public struct AnswerReader: Sendable {
    private static let names = JSONNames([
        "usage", "usageMetadata", "meta", "error", "choices", "output", "content", "candidates", "text",
    ])
    private static let usagePlaces = 0...2
    private static let errorPlace = 3
    private static let textPlaces = 4...8
    private static let memberBytesMax = 256 << 10

    private let convention: UsageConvention
    /// Whether a first piece that is a whole answer is read in place. Nothing but the cost depends on it.
    private let readsInPlace: Bool
    private var byteCount: Int64 = 0
    private var media = Base64Runs()
    /// What the first piece said, when it was a whole answer. Then `capture` stays empty.
    private var whole: Sight?
    /// Reads an answer that comes in pieces. None or one: in an array, a copy of the reader is one retain.
    private var capture: [JSONMemberCapture] = []

    private struct Sight {
        var reading: AnswerReading
        /// Whether a member with text could be looked at, or none was wanted. If not, all bytes count but those of
        /// base64, because it is too large or cut: an upper bound.
        var isTextKnown: Bool
    }

    /// - Parameter endpoint: decides where usage stands, and whether there is text to count without it.
    public init(endpoint: Endpoint) {
        self.init(endpoint: endpoint, readsInPlace: true)
    }

    init(endpoint: Endpoint, readsInPlace: Bool) {
        self.convention = UsageConvention(endpoint)
        self.readsInPlace = readsInPlace
    }

    /// Adds the next bytes of the answer, inflated if they came encoded. An empty piece is nothing. Called on the
    /// exchange's loop; never fails: what is no JSON is told by `end`.
    public mutating func feed(_ chunk: UnsafeRawBufferPointer) {
        guard !chunk.isEmpty else { return }
        if self.byteCount == 0, self.readsInPlace { self.whole = Self.readWhole(chunk, self.convention) }
        self.byteCount &+= Int64(chunk.count)
        if let whole = self.whole {
            if !whole.isTextKnown { self.media.feed(chunk) }
            if Int64(chunk.count) < self.byteCount, Self.lastByte(chunk) != nil {
                self.whole?.reading.isWholeJSON = false
            }
            return
        }
        if self.convention.hasOutput { self.media.feed(chunk) }
        if self.capture.isEmpty {
            self.capture.append(JSONMemberCapture(names: Self.names, capturedBytesMax: Self.memberBytesMax))
        }
        self.capture[0].feed(chunk)
    }

    /// May be called at any time, and again after more bytes.
    public mutating func end() -> AnswerReading {
        var sight =
            self.whole
            ?? Self.read(self.convention, isWhole: !self.capture.isEmpty && self.capture[0].isWhole) { index, body in
                guard !self.capture.isEmpty else { return }
                self.capture[0].value(index)?.withUnsafeBytes(body)
            }
        if !sight.isTextKnown { sight.reading.outputTextBytes = self.byteCount - self.media.byteCount }
        return sight.reading
    }

    /// Reads a first piece in place if it is a whole answer; `nil` if it is not, or not as `JSONMemberCapture` has it.
    private static func readWhole(_ chunk: UnsafeRawBufferPointer, _ convention: UsageConvention) -> Sight? {
        // Most pieces of a longer answer end elsewhere and need no scan.
        guard Self.lastByte(chunk) == UInt8(ascii: "}"), let top = try? JSONTopLevel.scan(chunk, for: Self.names),
            top.longestName <= JSONMemberCapture.keyBytesMax
        else { return nil }
        return Self.read(convention, isWhole: true) { index, body in
            guard let place = top.members[index]?.value, place.count <= Self.memberBytesMax else { return }
            body(UnsafeRawBufferPointer(rebasing: chunk[place]))
        }
    }

    /// The last byte that is no white space.
    private static func lastByte(_ chunk: UnsafeRawBufferPointer) -> UInt8? {
        chunk.last { !($0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09) }
    }

    /// - Parameter withValue: hands out the raw value of the member with that place in `names`, if there is one.
    @inline(__always)
    private static func read(
        _ convention: UsageConvention, isWhole: Bool,
        _ withValue: (_ index: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> Void
    ) -> Sight {
        var reading = AnswerReading(
            usage: nil, isWholeJSON: isWhole, isError: false, outputTextBytes: 0, convention: convention)
        withValue(Self.errorPlace) { reading.isError = $0.first != UInt8(ascii: "n") }
        var reported = ReportedUsage()
        for index in Self.usagePlaces {
            withValue(index) { reported.read($0, convention) }
        }
        reading.usage = reported.units(convention)
        guard reading.usage == nil, convention.hasOutput else { return Sight(reading: reading, isTextKnown: true) }
        var isKept = false
        for index in Self.textPlaces {
            withValue(index) { bytes in
                isKept = true
                let view = JSONView(bytes)
                let place = 0..<bytes.count
                let isText = bytes.first == UInt8(ascii: "\"")
                reading.outputTextBytes &+= isText ? view.textBytes(place) : OutputText.bytes(view, place)
            }
        }
        return Sight(reading: reading, isTextKnown: isKept)
    }
}

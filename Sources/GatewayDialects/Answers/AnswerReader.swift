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

/// Reads a whole JSON answer as its bytes pass by, in any number of pieces.
///
/// It keeps copies of the members with usage and text, each up to 256 KiB. For answers that are no JSON (speech) feed
/// nothing.
public struct AnswerReader: Sendable {
    private static let names = JSONNames([
        "usage", "usageMetadata", "meta", "error", "choices", "output", "content", "candidates", "text",
    ])
    private static let usagePlaces = 0...2
    private static let textPlaces = 4...8

    private let convention: UsageConvention
    private var capture: JSONMemberCapture
    private var byteCount: Int64 = 0
    private var media = Base64Runs()

    public init(endpoint: Endpoint) {
        self.convention = UsageConvention(endpoint)
        self.capture = JSONMemberCapture(names: Self.names, capturedBytesMax: 256 << 10)
    }

    public mutating func feed(_ chunk: UnsafeRawBufferPointer) {
        self.byteCount &+= Int64(chunk.count)
        if self.convention.hasOutput { self.media.feed(chunk) }
        self.capture.feed(chunk)
    }

    public mutating func end() -> AnswerReading {
        var reading = AnswerReading(
            usage: nil, isWholeJSON: self.capture.isWhole, isError: false, outputTextBytes: 0,
            convention: self.convention)
        if let error = self.capture.value(3) { reading.isError = error.first != UInt8(ascii: "n") }
        var reported = ReportedUsage()
        for index in Self.usagePlaces {
            self.capture.value(index)?.withUnsafeBytes { bytes in
                let view = JSONView(bytes)
                if let root = view.root { reported.read(view, root, self.convention) }
            }
        }
        reading.usage = reported.units(self.convention)
        if reading.usage == nil, self.convention.hasOutput { reading.outputTextBytes = self.textBytes() }
        return reading
    }

    /// Without a member that could be kept, because it is too large or cut, all bytes count but those of base64: an
    /// upper bound.
    private func textBytes() -> Int64 {
        var count: Int64 = 0
        var isKept = false
        for index in Self.textPlaces {
            guard let value = self.capture.value(index) else { continue }
            isKept = true
            value.withUnsafeBytes { bytes in
                let view = JSONView(bytes)
                let place = 0..<bytes.count
                count &+= bytes.first == UInt8(ascii: "\"") ? view.textBytes(place) : OutputText.bytes(view, place)
            }
        }
        return isKept ? count : self.byteCount - self.media.byteCount
    }
}

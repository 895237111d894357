import GatewayCore

/// What is left of one rate.
public struct LimitState: Sendable, Hashable {
    /// Per minute; also the burst.
    public let limit: Int64
    /// Whole units that could be taken now: 0 to `limit`, 0 while there is debt.
    public let remaining: Int64
    /// Until all of `limit` is there again.
    public let reset: TimeSpan
}

/// The `x-ratelimit-*` fields of an answer: per dimension the bucket, of key and model, with the least left
/// (`reference/wire-formats.md` 1.3, pitfall B-10).
public struct LimitHeaders: Sendable, Hashable {
    /// `nil` when no limit on requests is on the path.
    public let requests: LimitState?
    /// `nil` when no limit on tokens is on the path.
    public let tokens: LimitState?

    /// Whether there is nothing to write.
    public var isEmpty: Bool { self.requests == nil && self.tokens == nil }

    /// Reads the cells: at most four loads. Call it after the take, so that the numbers include this request.
    public static func read(
        key: LimitCells, model: LimitCells, at now: MonotonicTime, slab: LimitSlab
    ) -> LimitHeaders {
        LimitHeaders(
            requests: Self.tighter(
                key.requests?.state(at: now, in: slab), model.requests?.state(at: now, in: slab)),
            tokens: Self.tighter(key.tokens?.state(at: now, in: slab), model.tokens?.state(at: now, in: slab)))
    }

    @inline(__always)
    private static func tighter(_ left: LimitState?, _ right: LimitState?) -> LimitState? {
        guard let left, let right else { return left ?? right }
        if left.remaining != right.remaining { return left.remaining < right.remaining ? left : right }
        return left.reset < right.reset ? right : left
    }

    /// Hands out whole field lines, each ended by CRLF, names in lower case; nothing when there is no limit. The text
    /// stands on the stack and is valid only inside `body`: no allocation.
    ///
    /// Cost: about 500 instructions for requests and tokens whose numbers have ten digits, and what `body` does.
    public func render(_ body: (UnsafeRawBufferPointer) -> Void) {
        guard !self.isEmpty else { return }
        withUnsafeTemporaryAllocation(byteCount: FieldWriter.bytesMax, alignment: 1) { memory in
            guard let start = memory.baseAddress else { return }
            var writer = FieldWriter(at: start)
            if let requests {
                writer.lines(
                    requests, "x-ratelimit-limit-requests: ", "\r\nx-ratelimit-remaining-requests: ",
                    "\r\nx-ratelimit-reset-requests: ")
            }
            if let tokens {
                writer.lines(
                    tokens, "x-ratelimit-limit-tokens: ", "\r\nx-ratelimit-remaining-tokens: ",
                    "\r\nx-ratelimit-reset-tokens: ")
            }
            body(UnsafeRawBufferPointer(start: start, count: writer.at - start))
        }
    }
}

/// Writes the few texts of the limit fields one behind the other.
///
/// SAFETY: nothing is checked against an end, because what can be written has one: 94 bytes of names and line ends per
/// dimension, two numbers of at most 19 digits, and a duration of at most 14 bytes. The memory has `bytesMax`.
private struct FieldWriter {
    static let bytesMax = 512

    /// Where the next byte goes.
    private(set) var at: UnsafeMutableRawPointer

    init(at start: UnsafeMutableRawPointer) {
        self.at = start
    }

    /// Inlined, so that the names are copied by a few stores of known length.
    @inline(__always)
    mutating func lines(
        _ state: LimitState, _ limit: StaticString, _ remaining: StaticString, _ reset: StaticString
    ) {
        self.text(limit)
        self.number(state.limit)
        self.text(remaining)
        self.number(state.remaining)
        self.text(reset)
        self.duration(state.reset)
        self.pair(UInt8(ascii: "\r"), UInt8(ascii: "\n"))
    }

    @inline(__always)
    private mutating func text(_ text: StaticString) {
        self.at.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        self.at += text.utf8CodeUnitCount
    }

    /// Below a second in whole milliseconds (`12ms`), else in hours, minutes and seconds (`6m0s`); rounded up.
    @inline(never)
    private mutating func duration(_ span: TimeSpan) {
        let nanoseconds = UInt64(max(span.nanoseconds, 0))
        guard nanoseconds > 0 else { return self.pair(UInt8(ascii: "0"), UInt8(ascii: "s")) }
        let milliseconds = (nanoseconds &- 1) / 1_000_000 &+ 1
        if milliseconds < 1000 {
            self.digits(milliseconds)
            return self.pair(UInt8(ascii: "m"), UInt8(ascii: "s"))
        }
        let seconds = (nanoseconds &- 1) / 1_000_000_000 &+ 1
        let minutes = seconds / 60
        if minutes >= 60 {
            self.digits(minutes / 60)
            self.byte(UInt8(ascii: "h"))
        }
        if minutes > 0 {
            self.digits(minutes % 60)
            self.byte(UInt8(ascii: "m"))
        }
        self.digits(seconds &- minutes &* 60)
        self.byte(UInt8(ascii: "s"))
    }

    /// A negative number is written as zero.
    @inline(__always)
    private mutating func number(_ number: Int64) { self.digits(UInt64(max(number, 0))) }

    @inline(__always)
    private mutating func digits(_ number: UInt64) { self.at = DecimalText.write(number, at: self.at) }

    @inline(__always)
    private mutating func byte(_ byte: UInt8) {
        self.at.storeBytes(of: byte, as: UInt8.self)
        self.at += 1
    }

    @inline(__always)
    private mutating func pair(_ first: UInt8, _ second: UInt8) {
        self.byte(first)
        self.byte(second)
    }
}

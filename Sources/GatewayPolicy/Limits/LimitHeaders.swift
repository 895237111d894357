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
    public let requests: LimitState?
    public let tokens: LimitState?

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

    private static func tighter(_ left: LimitState?, _ right: LimitState?) -> LimitState? {
        guard let left, let right else { return left ?? right }
        if left.remaining != right.remaining { return left.remaining < right.remaining ? left : right }
        return left.reset < right.reset ? right : left
    }

    /// Longest text that `render` makes, with room to spare.
    private static let textBytesMax = 512

    /// Hands out whole field lines, each ended by CRLF, names in lower case; nothing when there is no limit. The text
    /// stands on the stack and is valid only inside `body`: no allocation.
    public func render(_ body: (UnsafeRawBufferPointer) -> Void) {
        guard !self.isEmpty else { return }
        withUnsafeTemporaryAllocation(byteCount: Self.textBytesMax, alignment: 1) { memory in
            var writer = FieldWriter(memory: memory)
            if let requests { writer.lines(requests, "requests: ") }
            if let tokens { writer.lines(tokens, "tokens: ") }
            body(UnsafeRawBufferPointer(rebasing: memory[..<writer.count]))
        }
    }
}

/// Writes the few texts of the limit fields into fixed memory. What does not fit is left out.
struct FieldWriter {
    let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    mutating func lines(_ state: LimitState, _ dimension: StaticString) {
        self.text("x-ratelimit-limit-")
        self.text(dimension)
        self.number(state.limit)
        self.text("\r\nx-ratelimit-remaining-")
        self.text(dimension)
        self.number(state.remaining)
        self.text("\r\nx-ratelimit-reset-")
        self.text(dimension)
        self.duration(state.reset)
        self.text("\r\n")
    }

    mutating func text(_ text: StaticString) {
        let bytes = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        for byte in bytes { self.byte(byte) }
    }

    /// Below a second in whole milliseconds (`12ms`), else in hours, minutes and seconds (`6m0s`); rounded up.
    mutating func duration(_ span: TimeSpan) {
        let nanoseconds = max(span.nanoseconds, 0)
        guard nanoseconds > 0 else { return self.text("0s") }
        let milliseconds = (nanoseconds - 1) / 1_000_000 + 1
        if milliseconds < 1000 {
            self.number(milliseconds)
            return self.text("ms")
        }
        let seconds = (nanoseconds - 1) / 1_000_000_000 + 1
        if seconds >= 3600 {
            self.number(seconds / 3600)
            self.text("h")
        }
        if seconds >= 60 {
            self.number(seconds / 60 % 60)
            self.text("m")
        }
        self.number(seconds % 60)
        self.text("s")
    }

    /// - Parameter number: not negative.
    mutating func number(_ number: Int64) {
        var divisor: Int64 = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            self.byte(UInt8(truncatingIfNeeded: number / divisor % 10) + 0x30)
            divisor /= 10
        }
    }

    private mutating func byte(_ byte: UInt8) {
        guard self.count < self.memory.count else { return }
        self.memory[self.count] = byte
        self.count += 1
    }
}

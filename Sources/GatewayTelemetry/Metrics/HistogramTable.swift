import GatewayCore

/// The upper bounds of a histogram's buckets in nanoseconds, ascending. What is longer than the last counts only in
/// `+Inf`.
struct HistogramBounds: Sendable {
    let nanoseconds: [Int64]
    /// By the number of bits of a span: the first bucket that one of so many bits can be in.
    private let starts: [UInt8]

    /// - Parameter microseconds: ascending, fewer than 256.
    init(microseconds: [Int64]) {
        let bounds = microseconds.map { $0 * 1000 }
        self.nanoseconds = bounds
        self.starts = (0...64).map { bits in
            let least = bits == 0 ? 0 : UInt64(1) << UInt64(bits - 1)
            return UInt8(bounds.firstIndex { UInt64($0) >= least } ?? bounds.count)
        }
    }

    /// The first bucket whose bound the span does not exceed; `nanoseconds.count` beyond the last. Few steps, because
    /// few bounds lie within a factor of two.
    @inline(__always)
    func bucket(of span: Int64) -> Int {
        let bits = 64 &- max(span, 0).leadingZeroBitCount
        var bucket = Int(self.starts[bits])
        while bucket < self.nanoseconds.count, span > self.nanoseconds[bucket] { bucket &+= 1 }
        return bucket
    }

    /// Whole exchanges: from a refusal to a long reasoning stream.
    static let exchange = Self(
        microseconds: [
            1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
            10_000_000, 20_000_000, 40_000_000, 80_000_000, 160_000_000, 320_000_000,
        ])
    /// Time to the first token: the bounds of `gen_ai.server.time_to_first_token`, and three more above.
    static let firstToken = Self(
        microseconds: [
            1000, 5000, 10_000, 20_000, 40_000, 60_000, 80_000, 100_000, 250_000, 500_000, 750_000, 1_000_000,
            2_500_000, 5_000_000, 7_500_000, 10_000_000, 20_000_000, 40_000_000, 80_000_000,
        ])
    /// What the gateway itself adds: from tens of microseconds up.
    static let overhead = Self(
        microseconds: [
            10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
        ])
    /// How late an event loop runs what was due.
    static let loopLag = Self(
        microseconds: [100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000])
}

/// A sum of spans that does not overflow within the life of a process: whole 10⁹-second units and a rest below 10¹⁸ ns.
struct SpanSum: Sendable, Equatable {
    private(set) var billionSeconds: UInt64
    private(set) var nanoseconds: UInt64
    private static let unit: UInt64 = 1_000_000_000_000_000_000

    init(billionSeconds: UInt64 = 0, nanoseconds: UInt64 = 0) {
        self.billionSeconds = billionSeconds
        self.nanoseconds = nanoseconds
    }

    /// - Parameter span: below 0 counts as 0, above 10¹⁸ ns (31 years) as just below that.
    @inline(__always)
    mutating func add(_ span: Int64) {
        self.nanoseconds &+= min(UInt64(max(span, 0)), Self.unit - 1)
        if self.nanoseconds >= Self.unit {
            self.nanoseconds &-= Self.unit
            self.billionSeconds &+= 1
        }
    }

    mutating func add(_ other: Self) {
        self.billionSeconds &+= other.billionSeconds
        self.add(Int64(other.nanoseconds))
    }
}

/// Histograms by series, in one array: the buckets of a series side by side, and behind them its sum. Integers only.
struct HistogramTable: Sendable {
    private(set) var index: SeriesIndex
    let bounds: HistogramBounds
    /// Per series: one number per bound, what exceeds every bound, and the two parts of the sum. Not cumulative.
    private var numbers: [UInt64] = []
    private let width: Int

    init(countMax: Int, bounds: HistogramBounds) {
        self.index = .init(countMax: countMax)
        self.bounds = bounds
        self.width = bounds.nanoseconds.count + 3
    }

    /// How many spans of a series were in a bucket; `bounds.nanoseconds.count` is beyond the last bound.
    func count(_ place: Int, bucket: Int) -> UInt64 { self.numbers[place * self.width + bucket] }

    /// The sum of a series.
    func sum(_ place: Int) -> SpanSum {
        let end = (place + 1) * self.width
        return .init(billionSeconds: self.numbers[end - 1], nanoseconds: self.numbers[end - 2])
    }

    @inline(__always)
    mutating func record(_ span: TimeSpan, to key: SeriesKey) {
        let place = self.place(of: key)
        self.record(span, at: place)
    }

    /// - Parameter place: as `place(of:)` returned it.
    @inline(__always)
    mutating func record(_ span: TimeSpan, at place: Int) {
        let nanoseconds = max(span.nanoseconds, 0)
        let bucket = self.bounds.bucket(of: nanoseconds)
        let start = place &* self.width
        let width = self.width
        self.numbers.withUnsafeMutableBufferPointer { numbers in
            guard always(start &+ width <= numbers.count, "a place has numbers") else { return }
            numbers[start &+ bucket] &+= 1
            let end = start &+ width
            var sum = SpanSum(billionSeconds: numbers[end &- 1], nanoseconds: numbers[end &- 2])
            sum.add(nanoseconds)
            numbers[end &- 1] = sum.billionSeconds
            numbers[end &- 2] = sum.nanoseconds
        }
    }

    /// The place of the series, with room for its numbers.
    @inline(__always)
    mutating func place(of key: SeriesKey) -> Int {
        let place = self.index.place(of: key)
        if place &* self.width >= self.numbers.count { self.addSeries() }
        return place
    }

    private mutating func addSeries() {
        self.numbers.append(contentsOf: repeatElement(0, count: self.width))
    }

    /// - Parameter translate: from the other's label numbers to ours. The bounds must be the same.
    mutating func merge(_ other: Self, translate: (SeriesKey) -> SeriesKey) {
        guard always(other.width == self.width, "histograms of one metric have one set of bounds") else { return }
        for (from, key) in other.index.keys.enumerated() {
            let place = self.place(of: translate(key))
            let start = place * self.width
            for bucket in 0..<self.width - 2 { self.numbers[start + bucket] &+= other.count(from, bucket: bucket) }
            var sum = self.sum(place)
            sum.add(other.sum(from))
            self.numbers[start + self.width - 1] = sum.billionSeconds
            self.numbers[start + self.width - 2] = sum.nanoseconds
        }
        self.index.addOverflow(other.index.overflowed)
    }
}

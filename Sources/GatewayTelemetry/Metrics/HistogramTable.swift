import GatewayCore

/// The upper bounds of a histogram's buckets in nanoseconds, ascending. What is longer than the last counts only in
/// `+Inf`.
struct HistogramBounds: Sendable {
    let nanoseconds: [Int64]

    init(microseconds: [Int64]) {
        self.nanoseconds = microseconds.map { $0 * 1000 }
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
    private(set) var billionSeconds: UInt64 = 0
    private(set) var nanoseconds: UInt64 = 0
    private static let unit: UInt64 = 1_000_000_000_000_000_000

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

/// Histograms by series: bucket counts side by side in one array, sums in another. Integers only.
struct HistogramTable: Sendable {
    private(set) var index: SeriesIndex
    let bounds: HistogramBounds
    /// `bounds.nanoseconds.count + 1` numbers per series, not cumulative; the last one is what exceeds every bound.
    private(set) var counts: [UInt64] = []
    private(set) var sums: [SpanSum] = []

    init(countMax: Int, bounds: HistogramBounds) {
        self.index = .init(countMax: countMax)
        self.bounds = bounds
    }

    var width: Int { self.bounds.nanoseconds.count + 1 }

    @inline(__always)
    mutating func record(_ span: TimeSpan, to key: SeriesKey) {
        let place = self.place(of: key)
        let nanoseconds = max(span.nanoseconds, 0)
        var bucket = 0
        while bucket < self.bounds.nanoseconds.count, nanoseconds > self.bounds.nanoseconds[bucket] { bucket &+= 1 }
        self.counts[place &* self.width &+ bucket] &+= 1
        self.sums[place].add(nanoseconds)
    }

    @inline(__always)
    private mutating func place(of key: SeriesKey) -> Int {
        let place = self.index.place(of: key)
        if place >= self.sums.count { self.addSeries() }
        return place
    }

    private mutating func addSeries() {
        self.sums.append(.init())
        self.counts.append(contentsOf: repeatElement(0, count: self.width))
    }

    /// - Parameter translate: from the other's label numbers to ours. The bounds must be the same.
    mutating func merge(_ other: Self, translate: (SeriesKey) -> SeriesKey) {
        guard always(other.width == self.width, "histograms of one metric have one set of bounds") else { return }
        for (from, key) in other.index.keys.enumerated() {
            let place = self.place(of: translate(key))
            for bucket in 0..<self.width {
                self.counts[place * self.width + bucket] &+= other.counts[from * self.width + bucket]
            }
            self.sums[place].add(other.sums[from])
        }
        self.index.addOverflow(other.index.overflowed)
    }
}

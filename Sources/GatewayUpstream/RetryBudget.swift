import GatewayCore

/// Bounds the load that retries and fallbacks add: at most a tenth of the requests of the last ten seconds, plus three.
///
/// A value that one loop owns; only time it is given moves it. Both calls cost a few integer operations and no
/// allocation. The guarantee: in any ten seconds, retries ≤ requests / 10 + 3 (DESIGN section 3, stage 8).
public struct RetryBudget: Sendable {
    /// Retries that are free of proportion, so that a quiet gateway can retry at all.
    static let floor = 3
    static let bucketsCount = 10
    static let bucketNanoseconds: Int64 = 1_000_000_000

    private struct Bucket {
        var second: Int64 = .min
        var requests = 0
        var retries = 0
    }

    private var buckets = [Bucket](repeating: .init(), count: Self.bucketsCount)
    /// The latest second seen. Time never runs backwards here.
    private var latest: Int64 = .min
    private var requestsInWindow = 0
    private var retriesInWindow = 0

    /// Nothing counted yet: the three free retries can be had.
    public init() {}

    /// Counts one request of a client. Not called for its retries.
    public mutating func request(at now: MonotonicTime) {
        let index = self.move(to: now)
        self.buckets[index].requests += 1
        self.requestsInWindow += 1
    }

    /// Asks for one further attempt, and counts it when the answer is true.
    public mutating func mayRetry(at now: MonotonicTime) -> Bool {
        let index = self.move(to: now)
        guard self.retriesInWindow < self.requestsInWindow / 10 + Self.floor else { return false }
        self.buckets[index].retries += 1
        self.retriesInWindow += 1
        return true
    }

    /// Drops the buckets that have left the window.
    /// - Returns: the index of the bucket of this second.
    private mutating func move(to now: MonotonicTime) -> Int {
        let second = max(self.latest, now.nanoseconds / Self.bucketNanoseconds)
        let index = Int(((second % 10) + 10) % 10)
        guard second != self.latest else { return index }
        self.latest = second
        let (oldest, underflow) = second.subtractingReportingOverflow(Int64(Self.bucketsCount))
        for place in self.buckets.indices where underflow || self.buckets[place].second <= oldest {
            self.requestsInWindow -= self.buckets[place].requests
            self.retriesInWindow -= self.buckets[place].retries
            self.buckets[place] = .init()
        }
        self.buckets[index].second = second
        return index
    }
}

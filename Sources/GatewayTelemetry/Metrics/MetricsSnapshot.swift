import GatewayContract
import GatewayCore

/// The label `type` of `penstock_tokens_total`: disjoint, so that their sum is the total.
enum TokenType: String, CaseIterable {
    case input
    case cacheRead = "cache_read"
    case cacheWrite = "cache_write"
    case output, reasoning
    case audioInput = "audio_input"
    case audioOutput = "audio_output"
    case imageInput = "image_input"

    /// One number per case, in their order; none is below 0.
    @inline(__always)
    static func counts(in usage: UsageUnits) -> SIMD8<Int64> {
        SIMD8(
            max(0, usage.inputUncached), max(0, usage.cacheRead), max(0, usage.cacheWrite5m &+ usage.cacheWrite1h),
            max(0, usage.output), max(0, usage.reasoning), max(0, usage.audioInput), max(0, usage.audioOutput),
            max(0, usage.imageInput))
    }
}

/// The numbers of one loop, or of several merged, as a value that may cross threads.
public struct MetricsSnapshot: Sendable {
    /// Label sets per metric, the one named `other` included. A histogram of one label set is about 20 lines of text.
    public static let seriesMaxDefault = 10_000

    let seriesMax: Int
    var names = LabelNames()
    var requests: NumberTable
    var durations: HistogramTable
    var overhead: HistogramTable
    var firstTokens: HistogramTable
    var tokens: NumberTable
    var attempts: NumberTable
    var fallbacks: NumberTable
    var limitRejections: NumberTable
    var inflight: NumberTable
    var loopLag: HistogramTable
    /// Worst state by deployment.
    var deploymentStates: [UInt32: Int64] = [:]
    var downstreamConnections: Int64 = 0
    var upstreamConnections: Int64 = 0

    /// Nothing recorded yet.
    public init(seriesMax: Int = Self.seriesMaxDefault) {
        self.seriesMax = seriesMax
        self.requests = .init(countMax: seriesMax)
        self.durations = .init(countMax: seriesMax, bounds: .exchange)
        self.overhead = .init(countMax: seriesMax, bounds: .overhead)
        self.firstTokens = .init(countMax: seriesMax, bounds: .firstToken)
        self.tokens = .init(countMax: seriesMax, width: TokenType.allCases.count)
        self.attempts = .init(countMax: seriesMax)
        self.fallbacks = .init(countMax: seriesMax)
        self.limitRejections = .init(countMax: seriesMax)
        self.inflight = .init(countMax: seriesMax)
        self.loopLag = .init(countMax: seriesMax, bounds: .loopLag)
    }

    /// Sums counters, histograms and gauges over loops; of the states of a deployment the worst counts.
    ///
    /// The bound on series holds for the sum as well. Off the path: the admin listener calls it per scrape.
    public static func merged(_ shards: [MetricsSnapshot]) -> MetricsSnapshot {
        guard let first = shards.first else { return .init() }
        var sum = first
        for shard in shards.dropFirst() { sum.merge(shard) }
        return sum
    }

    private mutating func merge(_ other: Self) {
        let ids = other.names.texts.map { self.names.id($0) }
        func translate(_ key: SeriesKey) -> SeriesKey {
            var labels = key.labels
            for place in 0..<SeriesKey.labelCountMax { labels[place] = ids[Int(labels[place])] }
            return .init(labels: labels)
        }
        self.requests.merge(other.requests, translate: translate)
        self.durations.merge(other.durations, translate: translate)
        self.overhead.merge(other.overhead, translate: translate)
        self.firstTokens.merge(other.firstTokens, translate: translate)
        self.tokens.merge(other.tokens, translate: translate)
        self.attempts.merge(other.attempts, translate: translate)
        self.fallbacks.merge(other.fallbacks, translate: translate)
        self.limitRejections.merge(other.limitRejections, translate: translate)
        self.inflight.merge(other.inflight, translate: translate)
        self.loopLag.merge(other.loopLag, translate: translate)
        for (deployment, state) in other.deploymentStates {
            self.deploymentStates[ids[Int(deployment)], default: 0] = max(
                self.deploymentStates[ids[Int(deployment)]] ?? 0, state)
        }
        self.downstreamConnections &+= other.downstreamConnections
        self.upstreamConnections &+= other.upstreamConnections
    }
}

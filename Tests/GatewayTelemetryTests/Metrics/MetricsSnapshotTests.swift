import GatewayContract
import GatewayCore
import Testing

@testable import GatewayTelemetry

@Suite struct MetricsSnapshotTests {
    private func text(_ snapshots: [MetricsSnapshot]) -> String {
        String(
            decoding: PrometheusText.render(.merged(snapshots), process: .init(), gateway: .calm), as: UTF8.self)
    }

    /// However the exchanges are spread over loops, and in whatever order they came, the sum reads the same.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func shardsSumToWhatOneLoopWouldHave(seed: UInt64) {
        var random = Seeded(state: seed)
        let shards = (0..<3).map { _ in MetricsShard() }
        let whole = MetricsShard()
        for _ in 0..<300 {
            var record = UsageRecord.finished(
                route: .init("r\(Int.random(in: 0..<3, using: &random))"),
                model: .init("m\(Int.random(in: 0..<5, using: &random))"),
                status: [200, 429, 500].randomElement(using: &random) ?? 200)
            record.elapsed = .microseconds(Int64.random(in: 0..<500_000_000, using: &random))
            record.isStream = Bool.random(using: &random)
            record.firstContent = .microseconds(Int64.random(in: 0..<5_000_000, using: &random))
            shards[Int.random(in: 0..<3, using: &random)].record(record)
            whole.record(record)
        }
        #expect(self.text(shards.map { $0.copy() }) == self.text([whole.copy()]))
        #expect(self.text(shards.reversed().map { $0.copy() }) == self.text([whole.copy()]))
    }

    @Test func theWorstStateOfADeploymentCounts() {
        let calm = MetricsShard()
        let worried = MetricsShard()
        calm.setState(.healthy, of: "a/x")
        worried.setState(.backingOff, of: "a/x")
        for order in [[calm, worried], [worried, calm]] {
            #expect(self.text(order.map { $0.copy() }).contains("penstock_deployment_state{deployment=\"a/x\"} 2\n"))
        }
    }

    @Test func theCapHoldsForTheSum() {
        let shards = (0..<3).map { _ in MetricsShard(seriesMax: 8) }
        for (number, shard) in shards.enumerated() {
            for model in 0..<7 { shard.record(.finished(model: .init("m\(number)-\(model)"))) }
        }
        let requests = self.text(shards.map { $0.copy() }).split(separator: "\n")
            .filter { $0.hasPrefix("penstock_requests_total{") }
        #expect(requests.count == 8)
        #expect(requests.reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) } == 21)
    }

    @Test func mergingNothingIsEmpty() {
        #expect(self.text([]).contains("# TYPE penstock_requests_total counter\n# HELP"))
    }

    @Test func spansSumWithoutOverflow() {
        var sum = SpanSum()
        for _ in 0..<30 { sum.add(.max) }
        sum.add(-5)
        #expect(sum.billionSeconds == 29 && sum.nanoseconds == 999_999_999_999_999_970)
        var other = SpanSum()
        other.add(30)
        sum.add(other)
        #expect(sum.billionSeconds == 30 && sum.nanoseconds == 0)
    }
}

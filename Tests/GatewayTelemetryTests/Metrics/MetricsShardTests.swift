import GatewayContract
import GatewayCore
import Testing

@testable import GatewayTelemetry

@Suite struct MetricsShardTests {
    private func lines(_ shard: MetricsShard) -> [String] { self.lines(shard.copy()) }

    private func lines(_ snapshot: MetricsSnapshot) -> [String] {
        let text = String(
            decoding: PrometheusText.render(snapshot, process: .init(), gateway: .calm), as: UTF8.self)
        return text.split(separator: "\n").map(String.init)
    }

    @Test func everyLabelOfARequestComesFromItsRecord() {
        let shard = MetricsShard()
        shard.record(.finished())
        shard.record(.finished())
        shard.record(.finished(status: 503))
        let labels = "org=\"\",team=\"\",route=\"chat\",version=\"v1\",model=\"fast\",provider=\"openai\""
        let lines = self.lines(shard)
        #expect(lines.contains("penstock_requests_total{\(labels),code=\"200\",outcome=\"completed\"} 2"))
        #expect(lines.contains("penstock_requests_total{\(labels),code=\"503\",outcome=\"completed\"} 1"))
    }

    /// Guarantee: org and team are those of the record's own key, also between records that differ in nothing else.
    @Test func orgAndTeamAreLabels() {
        let shard = MetricsShard()
        let owners = [KeyOwner(org: "acme", team: "search"), KeyOwner(org: "acme"), nil]
        for round in 0..<3 {
            for owner in owners {
                var record = UsageRecord.finished()
                // After a reload the same owner is another object.
                record.owner = round == 2 ? owner.map { KeyOwner(org: $0.org, team: $0.team) } : owner
                shard.record(record)
            }
        }
        let lines = self.lines(shard)
        for (org, team) in [("acme", "search"), ("acme", ""), ("", "")] {
            let labels = "org=\"\(org)\",team=\"\(team)\""
            #expect(lines.contains { $0.hasPrefix("penstock_requests_total{\(labels),") && $0.hasSuffix(" 3") })
            #expect(lines.contains("penstock_tokens_total{\(labels),model=\"fast\",type=\"output\"} 90"))
        }
    }

    /// O-4: what a client sent as a model is never a label, resolved or not.
    @Test func requestedModelNeverBecomesALabel() {
        let shard = MetricsShard()
        var record = UsageRecord.finished()
        record.modelRequested = "sent-by-client"
        shard.record(record)
        record.model = nil
        shard.record(record)
        #expect(!self.lines(shard).contains { $0.contains("sent-by-client") })
    }

    @Test func tokensAreDisjointAndNeverNegative() {
        let shard = MetricsShard()
        var record = UsageRecord.finished()
        record.usage.cacheWrite5m = 5
        record.usage.cacheWrite1h = 6
        record.usage.reasoning = -4
        shard.record(record)
        record.usageSource = .none
        shard.record(record)
        let lines = self.lines(shard).filter { $0.hasPrefix("penstock_tokens_total{") }
        let labels = "org=\"\",team=\"\",model=\"fast\""
        #expect(
            lines == [
                "penstock_tokens_total{\(labels),type=\"input\"} 12",
                "penstock_tokens_total{\(labels),type=\"cache_write\"} 11",
                "penstock_tokens_total{\(labels),type=\"output\"} 30",
            ])
    }

    @Test func typesOfTokensAddUpToTheTotal() {
        var usage = UsageUnits()
        usage.inputUncached = 1
        usage.cacheRead = 2
        usage.cacheWrite5m = 4
        usage.cacheWrite1h = 8
        usage.output = 16
        usage.reasoning = 32
        usage.audioInput = 64
        usage.audioOutput = 128
        usage.imageInput = 256
        #expect(TokenType.counts(in: usage).wrappedSum() == usage.total)
        #expect(
            TokenType.allCases == [
                .input, .cacheRead, .cacheWrite, .output, .reasoning, .audioInput, .audioOutput, .imageInput,
            ])
        #expect(TokenType.counts(in: usage) == [1, 2, 12, 16, 32, 64, 128, 256])
        usage.output = -16
        #expect(TokenType.counts(in: usage)[3] == 0)
    }

    /// Guarantee: what a shard remembers of the record before changes no number, whatever follows whatever, and what
    /// finds no room is counted each time.
    @Test(arguments: [8, 10_000]) func theOrderOfRecordsDoesNotMatter(seriesMax: Int) {
        let records = (0..<96).map { number in
            var record = UsageRecord.finished(
                route: number % 2 == 0 ? "chat" : "code", model: number % 3 == 0 ? "fast" : "large",
                status: number % 5 == 0 ? 503 : 200)
            if number % 7 == 0 { record.model = nil }
            if number % 11 == 0 { record.outcome = .truncated }
            if number % 4 == 0 { record.usageSource = .none }
            record.attempts[0].deployment = number % 2 == 0 ? "a/x" : "b/y"
            record.attempts[0].status = record.status
            if number % 13 == 0 { record.attempts[0].error = .upstreamUnreachable }
            return record
        }
        let fresh = MetricsShard(seriesMax: seriesMax)
        var counts: [String: Int] = [:]
        for record in records {
            fresh.record(record)
            let labels = "\(record.route?.text ?? "") \(record.model?.text ?? "") \(record.status) \(record.outcome)"
            counts[labels, default: 0] += 1
        }
        let repeated = MetricsShard(seriesMax: seriesMax)
        for record in records { for _ in 0..<3 { repeated.record(record) } }
        let triple = MetricsShard(seriesMax: seriesMax)
        for _ in 0..<3 { for record in records { triple.record(record) } }
        #expect(self.lines(repeated) == self.lines(triple))
        if seriesMax > counts.count {
            let shown = self.lines(fresh).filter { $0.hasPrefix("penstock_requests_total{") }
            #expect(
                shown.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.sorted()
                    == counts.values.sorted())
        }
    }

    @Test func aFallbackCountsOnceWithWhatTheFirstDeploymentDid() {
        let shard = MetricsShard()
        var record = UsageRecord.finished()
        record.attempts = [
            .init(deployment: "a/x", status: 0, error: .upstreamUnreachable, elapsed: .milliseconds(1)),
            .init(deployment: "a/x", status: 429, error: nil, elapsed: .milliseconds(1)),
            .init(deployment: "b/y", status: 200, error: nil, elapsed: .milliseconds(1)),
        ]
        shard.record(record)
        let lines = self.lines(shard)
        #expect(
            lines.filter { $0.hasPrefix("penstock_fallbacks_total{") } == [
                "penstock_fallbacks_total{from=\"a/x\",to=\"b/y\",reason=\"rate_limited\"} 1"
            ])
        #expect(
            lines.filter { $0.hasPrefix("penstock_upstream_attempts_total{") } == [
                "penstock_upstream_attempts_total{deployment=\"a/x\",result=\"rate_limited\"} 1",
                "penstock_upstream_attempts_total{deployment=\"a/x\",result=\"upstream_unreachable\"} 1",
                "penstock_upstream_attempts_total{deployment=\"b/y\",result=\"ok\"} 1",
            ])
    }

    @Test func timeToFirstTokenIsOfStreamsOnly() {
        let shard = MetricsShard()
        var record = UsageRecord.finished()
        record.firstContent = .milliseconds(30)
        shard.record(record)
        #expect(!self.lines(shard).contains { $0.hasPrefix("penstock_time_to_first_token_seconds_count") })
        record.isStream = true
        shard.record(record)
        #expect(
            self.lines(shard).contains(
                "penstock_time_to_first_token_seconds_sum{model=\"fast\",provider=\"openai\"} 0.03"))
    }

    @Test func gaugesFollowWhatTheyAreTold() {
        let shard = MetricsShard()
        shard.exchangeEntered("chat")
        shard.exchangeEntered("chat")
        shard.exchangeLeft("chat")
        shard.downstreamConnections += 3
        shard.downstreamConnections -= 1
        shard.setState(.ejected, of: "b/y")
        shard.setState(.healthy, of: "gone/z")
        shard.forgetDeployments(except: ["b/y"])
        shard.limitRejected(.tpm, scope: "key")
        shard.loopLagged(.microseconds(300))
        let lines = self.lines(shard)
        #expect(lines.contains("penstock_inflight_requests{route=\"chat\"} 1"))
        #expect(lines.contains("penstock_connections{side=\"downstream\"} 2"))
        #expect(lines.contains("penstock_deployment_state{deployment=\"b/y\"} 3"))
        #expect(!lines.contains { $0.contains("gone/z") })
        #expect(lines.contains("penstock_limit_rejections_total{kind=\"tpm\",scope=\"key\"} 1"))
        #expect(lines.contains("penstock_eventloop_lag_seconds_bucket{le=\"0.0005\"} 1"))
    }

    @Test func aStatusOutOfRangeIsOther() {
        let shard = MetricsShard()
        for status in [0, 99, 1000, -1, .max] { shard.record(.finished(status: status)) }
        let lines = self.lines(shard).filter { $0.hasPrefix("penstock_requests_total{") }
        #expect(lines.count == 1 && lines[0].contains("code=\"other\"") && lines[0].hasSuffix(" 5"))
    }

    /// O-4: a metric that is full keeps counting, on `other`; nothing is lost and memory stays bounded.
    @Test func seriesBeyondTheCapGoToOther() {
        let shard = MetricsShard(seriesMax: 10)
        for number in 0..<50 { shard.record(.finished(model: .init("m\(number)"))) }
        for number in 0..<50 { shard.setState(.healthy, of: .init("d\(number)")) }
        let lines = self.lines(shard)
        let requests = lines.filter { $0.hasPrefix("penstock_requests_total{") }
        #expect(requests.count == 10)
        #expect(
            requests.contains { $0.contains("model=\"other\"") && $0.contains("org=\"other\"") && $0.hasSuffix(" 41") })
        #expect(lines.contains("penstock_metric_series_overflow_total{metric=\"penstock_requests_total\"} 41"))
        #expect(lines.filter { $0.hasPrefix("penstock_request_duration_seconds_count{") }.count == 10)
        #expect(lines.filter { $0.hasPrefix("penstock_deployment_state{") }.count == 10)
    }

    @Test func aCopyDoesNotMove() {
        let shard = MetricsShard()
        shard.record(.finished())
        let before = shard.copy()
        shard.record(.finished())
        #expect(self.lines(before).contains { $0.hasPrefix("penstock_requests_total{") && $0.hasSuffix(" 1") })
    }
}

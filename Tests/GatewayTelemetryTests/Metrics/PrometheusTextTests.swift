import GatewayContract
import GatewayCore
import Testing

@testable import GatewayTelemetry

@Suite struct PrometheusTextTests {
    private func text(
        _ snapshot: MetricsSnapshot, process: ProcessGauges = .init(), gateway: GatewayGauges = .calm
    ) -> String {
        String(decoding: PrometheusText.render(snapshot, process: process, gateway: gateway), as: UTF8.self)
    }

    @Test func everyMetricHasHelpAndTypeAndComesInOrder() {
        var process = ProcessGauges()
        process.cpu = .milliseconds(1)
        process.residentBytes = 1
        process.virtualBytes = 1
        process.filesOpen = 1
        process.filesMax = 1
        process.startedAt = .init(unixSeconds: 1)
        let lines = self.text(.init(), process: process).split(separator: "\n")
        let typed = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
        #expect(typed.map(String.init) == Metric.allCases.map(\.rawValue))
        #expect(typed == typed.sorted())
        #expect(lines.filter { $0.hasPrefix("# HELP ") }.count == typed.count)
    }

    @Test func namesFollowTheConventions() {
        for metric in Metric.allCases {
            let isCounter = metric.row.kind == .counter
            #expect(metric.rawValue.hasSuffix("_total") == isCounter, "\(metric.rawValue)")
            #expect(metric.row.kind != .histogram || metric.rawValue.hasSuffix("_seconds"), "\(metric.rawValue)")
            #expect(metric.row.labels.count <= SeriesKey.labelCountMax)
        }
    }

    @Test func labelValuesAreEscaped() {
        let shard = MetricsShard()
        shard.exchangeEntered("a\"b\\c\nd")
        #expect(self.text(shard.copy()).contains("penstock_inflight_requests{route=\"a\\\"b\\\\c\\nd\"} 1\n"))
    }

    @Test func bucketsAreCumulativeAndExact() {
        let shard = MetricsShard()
        for span in [TimeSpan.milliseconds(1), .nanoseconds(1_000_001), .seconds(400), .nanoseconds(-7)] {
            var record = UsageRecord.finished()
            record.elapsed = span
            shard.record(record)
        }
        let text = self.text(shard.copy())
        let name = "penstock_request_duration_seconds"
        let labels = "route=\"chat\",model=\"fast\",provider=\"openai\""
        #expect(text.contains("\(name)_bucket{\(labels),le=\"0.001\"} 2\n"))
        #expect(text.contains("\(name)_bucket{\(labels),le=\"0.0025\"} 3\n"))
        #expect(text.contains("\(name)_bucket{\(labels),le=\"320\"} 3\n"))
        #expect(text.contains("\(name)_bucket{\(labels),le=\"+Inf\"} 4\n"))
        #expect(text.contains("\(name)_sum{\(labels)} 400.002000001\n"))
        #expect(text.contains("\(name)_count{\(labels)} 4\n"))
    }

    @Test func boundsOfBucketsAscend() {
        for bounds in [HistogramBounds.exchange, .firstToken, .overhead, .loopLag] {
            #expect(zip(bounds.nanoseconds, bounds.nanoseconds.dropFirst()).allSatisfy { $0 < $1 })
        }
    }

    /// Guarantee: one line per certificate and listener, sorted; what has expired is below zero.
    @Test func certificatesShow() {
        var gauges = GatewayGauges.calm
        gauges.certificates = [
            .init(listener: "0.0.0.0:8443", certificate: "tls/b.pem", secondsLeft: -5),
            .init(listener: "0.0.0.0:8443", certificate: "tls/a.pem", secondsLeft: 86400),
            .init(listener: "0.0.0.0:443", certificate: "tls/a.pem", secondsLeft: 86400),
        ]
        let text = self.text(.init(), gateway: gauges)
        let name = "penstock_certificate_expiry_seconds"
        #expect(
            text.contains(
                "# TYPE \(name) gauge\n\(name){certificate=\"tls/a.pem\",listener=\"0.0.0.0:443\"} 86400\n"
                    + "\(name){certificate=\"tls/a.pem\",listener=\"0.0.0.0:8443\"} 86400\n"
                    + "\(name){certificate=\"tls/b.pem\",listener=\"0.0.0.0:8443\"} -5\n"))
    }

    @Test func configurationAndLogsShow() {
        let text = self.text(
            .init(),
            gateway: .init(
                generation: 7, revision: "r-9", lastReloadSuccessful: false,
                lastReloadAt: .init(unixSeconds: 1_700_000_001),
                logLinesDropped: 4))
        #expect(text.contains("\npenstock_config_generation 7\n"))
        #expect(text.contains("\npenstock_config_revision_info{revision=\"r-9\"} 1\n"))
        #expect(text.contains("\npenstock_config_last_reload_successful 0\n"))
        #expect(text.contains("\npenstock_config_last_reload_timestamp_seconds 1700000001\n"))
        #expect(text.contains("\npenstock_log_lines_dropped_total 4\n"))
    }

    @Test func whatTheSystemDoesNotTellIsLeftOut() {
        #expect(!self.text(.init()).contains("process_"))
        var process = ProcessGauges()
        process.cpu = .milliseconds(1250)
        process.startedAt = .init(nanoseconds: 1_700_000_000_250_000_000)
        let text = self.text(.init(), process: process)
        #expect(text.contains("\nprocess_cpu_seconds_total 1.25\n"))
        #expect(text.contains("\nprocess_start_time_seconds 1700000000.25\n"))
        #expect(!text.contains("process_open_fds"))
    }

    /// No line but comments and samples, no line without its line feed: what a scraper's parser insists on.
    @Test func everyLineIsACommentOrASample() {
        let shard = MetricsShard()
        shard.record(.finished())
        let text = self.text(shard.copy())
        #expect(text.hasSuffix("\n") && !text.contains("\n\n"))
        for line in text.split(separator: "\n") where !line.hasPrefix("# ") {
            let parts = line.split(separator: " ")
            #expect(parts.count == 2 && parts[0].hasPrefix("penstock_"), "\(line)")
            #expect(parts.last?.allSatisfy { $0.isNumber || $0 == "." } == true, "\(line)")
        }
    }
}

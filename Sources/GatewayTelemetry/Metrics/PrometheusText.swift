import GatewayCore

/// How long a certificate of a `listener` lasts; both are named as in the configuration.
public struct CertificateExpiry: Sendable, Equatable {
    public var listener: String
    /// Its file.
    public var certificate: String
    /// Negative once it has expired.
    public var secondsLeft: Int64

    public init(listener: String, certificate: String, secondsLeft: Int64) {
        self.listener = listener
        self.certificate = certificate
        self.secondsLeft = secondsLeft
    }
}

/// What the process as a whole knows of its configuration and logs, beside the numbers of the loops.
public struct GatewayGauges: Sendable {
    /// Of the configuration that is being served.
    public var generation: UInt64
    /// The hash that names the configuration that is being served.
    public var revision: String
    /// Whether the configuration offered last is the one being served.
    public var lastReloadSuccessful: Bool
    /// When a configuration was last taken or refused.
    public var lastReloadAt: WallTime
    /// Over all log writers, since the process started.
    public var logLinesDropped: UInt64
    /// Of every listener with TLS; a pair of listener and certificate stands in it once.
    public var certificates: [CertificateExpiry]

    /// Made anew for every scrape, by the admin listener.
    public init(
        generation: UInt64, revision: String, lastReloadSuccessful: Bool, lastReloadAt: WallTime,
        logLinesDropped: UInt64, certificates: [CertificateExpiry] = []
    ) {
        self.generation = generation
        self.revision = revision
        self.lastReloadSuccessful = lastReloadSuccessful
        self.lastReloadAt = lastReloadAt
        self.logLinesDropped = logLinesDropped
        self.certificates = certificates
    }
}

/// The Prometheus text exposition format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).
public enum PrometheusText {
    /// The `Content-Type` of the exposition.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The whole exposition. Pure: equal numbers give equal bytes, whatever the order in which they were recorded.
    ///
    /// Cost: about 0.2 µs per line; a histogram is some 20 lines per label set. Run it off the data plane's loops when
    /// there are thousands of series.
    /// - Parameter merged: of all loops, by `MetricsSnapshot.merged`.
    public static func render(_ merged: MetricsSnapshot, process: ProcessGauges, gateway: GatewayGauges) -> [UInt8] {
        var writer = ExpositionWriter(names: merged.names)
        for metric in Metric.allCases {
            Self.render(metric, merged, process: process, gateway: gateway, to: &writer)
        }
        return writer.out
    }

    private static func render(
        _ metric: Metric, _ numbers: MetricsSnapshot, process: ProcessGauges, gateway: GatewayGauges,
        to writer: inout ExpositionWriter
    ) {
        switch metric {
        case .requests: writer.numbers(metric, numbers.requests)
        case .duration: writer.histograms(metric, numbers.durations)
        case .overhead: writer.histograms(metric, numbers.overhead)
        case .firstToken: writer.histograms(metric, numbers.firstTokens)
        case .tokens: writer.tokens(metric, numbers.tokens)
        case .attempts: writer.numbers(metric, numbers.attempts)
        case .fallbacks: writer.numbers(metric, numbers.fallbacks)
        case .limitRejections: writer.numbers(metric, numbers.limitRejections)
        case .inflight: writer.numbers(metric, numbers.inflight, atLeast: 0)
        case .loopLag: writer.histograms(metric, numbers.loopLag)
        case .deploymentState: writer.states(metric, numbers.deploymentStates)
        case .certificateExpiry: Self.renderCertificates(gateway.certificates, to: &writer)
        case .connections:
            writer.head(metric)
            writer.line(metric.rawValue, labels: [("side", "downstream")], numbers.downstreamConnections)
            writer.line(metric.rawValue, labels: [("side", "upstream")], numbers.upstreamConnections)
        case .seriesOverflow: Self.renderOverflow(numbers, to: &writer)
        case .configGeneration: writer.single(metric, Int64(clamping: gateway.generation))
        case .configLastReloadSuccessful: writer.single(metric, gateway.lastReloadSuccessful ? 1 : 0)
        case .configLastReloadTimestamp: writer.single(metric, gateway.lastReloadAt.unixSeconds)
        case .configRevision:
            writer.head(metric)
            writer.line(metric.rawValue, labels: [("revision", gateway.revision)], 1)
        case .logLinesDropped: writer.single(metric, Int64(clamping: gateway.logLinesDropped))
        case .processCPU: writer.single(metric, nanoseconds: process.cpu?.nanoseconds)
        case .processMaxFiles: writer.single(metric, process.filesMax)
        case .processOpenFiles: writer.single(metric, process.filesOpen)
        case .processResident: writer.single(metric, process.residentBytes)
        case .processStart: writer.single(metric, nanoseconds: process.startedAt?.nanoseconds)
        case .processVirtual: writer.single(metric, process.virtualBytes)
        }
    }

    private static func renderCertificates(_ certificates: [CertificateExpiry], to writer: inout ExpositionWriter) {
        writer.head(.certificateExpiry)
        let sorted = certificates.sorted { ($0.certificate, $0.listener) < ($1.certificate, $1.listener) }
        for one in sorted {
            writer.line(
                Metric.certificateExpiry.rawValue,
                labels: [("certificate", one.certificate), ("listener", one.listener)], one.secondsLeft)
        }
    }

    private static func renderOverflow(_ numbers: MetricsSnapshot, to writer: inout ExpositionWriter) {
        writer.head(.seriesOverflow)
        let counts: [(metric: Metric, count: UInt64)] = [
            (.fallbacks, numbers.fallbacks.index.overflowed),
            (.inflight, numbers.inflight.index.overflowed),
            (.limitRejections, numbers.limitRejections.index.overflowed),
            (.duration, numbers.durations.index.overflowed),
            (.requests, numbers.requests.index.overflowed),
            (.firstToken, numbers.firstTokens.index.overflowed),
            (.tokens, numbers.tokens.index.overflowed),
            (.attempts, numbers.attempts.index.overflowed),
        ]
        for (metric, count) in counts {
            writer.line(
                Metric.seriesOverflow.rawValue, labels: [("metric", metric.rawValue)], Int64(clamping: count))
        }
    }
}

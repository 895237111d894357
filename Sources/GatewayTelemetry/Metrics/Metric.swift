/// How Prometheus is to read a metric.
enum MetricKind: String, Sendable {
    case counter, gauge, histogram
}

/// What one metric is: its line in the exposition and in `docs/reference/metrics.md`.
struct MetricRow: Sendable {
    let kind: MetricKind
    /// In the order in which they are printed.
    let labels: [String]
    let help: String
}

/// Every metric there is; names and labels are a stable contract. Sorted by name, which is the order of the exposition.
enum Metric: String, CaseIterable, Sendable {
    case certificateExpiry = "penstock_certificate_expiry_seconds"
    case configGeneration = "penstock_config_generation"
    case configLastReloadSuccessful = "penstock_config_last_reload_successful"
    case configLastReloadTimestamp = "penstock_config_last_reload_timestamp_seconds"
    case configRevision = "penstock_config_revision_info"
    case connections = "penstock_connections"
    case deploymentState = "penstock_deployment_state"
    case loopLag = "penstock_eventloop_lag_seconds"
    case fallbacks = "penstock_fallbacks_total"
    case inflight = "penstock_inflight_requests"
    case limitRejections = "penstock_limit_rejections_total"
    case logLinesDropped = "penstock_log_lines_dropped_total"
    case seriesOverflow = "penstock_metric_series_overflow_total"
    case overhead = "penstock_overhead_seconds"
    case duration = "penstock_request_duration_seconds"
    case requests = "penstock_requests_total"
    case firstToken = "penstock_time_to_first_token_seconds"
    case tokens = "penstock_tokens_total"
    case attempts = "penstock_upstream_attempts_total"
    case processCPU = "process_cpu_seconds_total"
    case processMaxFiles = "process_max_fds"
    case processOpenFiles = "process_open_fds"
    case processResident = "process_resident_memory_bytes"
    case processStart = "process_start_time_seconds"
    case processVirtual = "process_virtual_memory_bytes"

    /// Exhaustive on purpose: a metric without a row does not compile.
    var row: MetricRow {
        switch self {
        case .certificateExpiry, .configGeneration, .configLastReloadSuccessful, .configLastReloadTimestamp,
            .configRevision, .logLinesDropped, .seriesOverflow:
            self.gatewayRow
        case .processCPU, .processMaxFiles, .processOpenFiles, .processResident, .processStart, .processVirtual:
            self.processRow
        default: self.trafficRow
        }
    }

    private var trafficRow: MetricRow {
        switch self {
        case .connections:
            .init(
                kind: .gauge, labels: ["side"],
                help: "Open connections: downstream (clients) or upstream (providers, idle ones included).")
        case .deploymentState:
            .init(
                kind: .gauge, labels: ["deployment"],
                help: "0 healthy, 1 probing, 2 backing off, 3 ejected; the worst over all event loops.")
        case .loopLag:
            .init(kind: .histogram, labels: [], help: "How late an event loop ran what was due.")
        case .fallbacks:
            .init(
                kind: .counter, labels: ["from", "to", "reason"],
                help: "Changes from one deployment to another within an exchange, by what the first one did.")
        case .inflight:
            .init(kind: .gauge, labels: ["route"], help: "Exchanges that found their route and have not ended.")
        case .limitRejections:
            .init(
                kind: .counter, labels: ["kind", "scope"],
                help: "Requests refused by a limit: rpm, tpm or concurrency, and whose limit it was.")
        case .overhead:
            .init(
                kind: .histogram, labels: ["phase"],
                help: "Time the gateway itself added, without waiting for providers or for the client's own bytes.")
        case .duration:
            .init(
                kind: .histogram, labels: ["route", "model", "provider"],
                help: "From a request's first byte to the end of its exchange.")
        case .requests:
            .init(
                kind: .counter,
                labels: ["org", "team", "route", "version", "model", "provider", "code", "outcome"],
                help: "Finished exchanges, by the HTTP status that the client saw and by how they ended.")
        case .firstToken:
            .init(
                kind: .histogram, labels: ["model", "provider"],
                help: "Of streams: from the request's first byte to the first event with content.")
        case .tokens:
            .init(
                kind: .counter, labels: ["org", "team", "model", "type"],
                help: "Tokens used. The types are disjoint: their sum is the total.")
        default:
            .init(
                kind: .counter, labels: ["deployment", "result"],
                help: "Tries at deployments: ok, or what went wrong.")
        }
    }

    private var gatewayRow: MetricRow {
        switch self {
        case .certificateExpiry:
            .init(
                kind: .gauge, labels: ["certificate", "listener"],
                help: "Until a listener's certificate, named by its file, expires; negative once it has.")
        case .configGeneration:
            .init(kind: .gauge, labels: [], help: "Number of the configuration that is being served.")
        case .configLastReloadSuccessful:
            .init(kind: .gauge, labels: [], help: "1 if the last configuration offered was taken, 0 if it was refused.")
        case .configLastReloadTimestamp:
            .init(kind: .gauge, labels: [], help: "When a configuration was last taken or refused, in Unix time.")
        case .configRevision:
            .init(kind: .gauge, labels: ["revision"], help: "Always 1; the label is the revision that is being served.")
        case .logLinesDropped:
            .init(
                kind: .counter, labels: [],
                help: "Log lines lost because the log's destination was slower than the traffic, or failed.")
        default:
            .init(
                kind: .counter, labels: ["metric"],
                help: "Recordings that went to the series whose labels are all \"other\": the metric was full.")
        }
    }

    private var processRow: MetricRow {
        switch self {
        case .processCPU:
            .init(kind: .counter, labels: [], help: "CPU time of the process, user and system.")
        case .processMaxFiles:
            .init(kind: .gauge, labels: [], help: "How many file descriptors the process may have open.")
        case .processOpenFiles:
            .init(kind: .gauge, labels: [], help: "File descriptors that the process has open.")
        case .processResident:
            .init(kind: .gauge, labels: [], help: "Resident memory of the process.")
        case .processStart:
            .init(kind: .gauge, labels: [], help: "When the process started, in Unix time.")
        default:
            .init(kind: .gauge, labels: [], help: "Virtual memory of the process.")
        }
    }
}

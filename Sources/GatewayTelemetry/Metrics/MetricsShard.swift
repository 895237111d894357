import GatewayContract
import GatewayCore

/// Which limit refused a request: the label `kind` of `penstock_limit_rejections_total`.
public enum LimitRejectionKind: String, Sendable, CaseIterable {
    case rpm, tpm, concurrency
}

/// What a loop thinks of a deployment: the value of `penstock_deployment_state`. Over loops the worst one counts.
public enum DeploymentStateLevel: Int64, Sendable, CaseIterable {
    case healthy = 0, probing, backingOff, ejected
}

/// The metrics of one event loop: plain integers, touched only on that loop. `copy()` hands them out as a value.
///
/// Recording builds no string and takes no lock. Memory is bounded by `seriesMax` label sets per metric.
public final class MetricsShard {
    private var state: MetricsSnapshot
    private var routeMemo = LabelMemo()
    private var versionMemo = LabelMemo()
    private var modelMemo = LabelMemo()
    private var providerMemo = LabelMemo()
    private var inflightMemo = LabelMemo()
    private var statusIDs = [UInt32](repeating: LabelNames.none, count: 1000)
    private var deploymentMemo = LabelMemo()
    private var codeIDs: [ErrorCode: UInt32] = [:]
    private let words: Words

    /// - Parameter seriesMax: label sets per metric, the one named `other` included.
    public init(seriesMax: Int = MetricsSnapshot.seriesMaxDefault) {
        self.state = .init(seriesMax: seriesMax)
        self.words = .init(in: &self.state.names)
    }

    /// Label values of ours that every record needs.
    private struct Words {
        let completed, refused, failed, truncated, clientLeft: UInt32
        let ok, rateLimited, clientError, serverError, abandoned: UInt32
        let total: UInt32

        init(in names: inout LabelNames) {
            self.completed = names.id(ExchangeOutcome.completed.rawValue)
            self.refused = names.id(ExchangeOutcome.refused.rawValue)
            self.failed = names.id(ExchangeOutcome.failed.rawValue)
            self.truncated = names.id(ExchangeOutcome.truncated.rawValue)
            self.clientLeft = names.id(ExchangeOutcome.clientLeft.rawValue)
            self.ok = names.id("ok")
            self.rateLimited = names.id("rate_limited")
            self.clientError = names.id("client_error")
            self.serverError = names.id("server_error")
            self.abandoned = names.id("abandoned")
            self.total = names.id("total")
        }

        @inline(__always)
        func id(_ outcome: ExchangeOutcome) -> UInt32 {
            switch outcome {
            case .completed: self.completed
            case .refused: self.refused
            case .failed: self.failed
            case .truncated: self.truncated
            case .clientLeft: self.clientLeft
            }
        }

        @inline(__always)
        func id(status: Int) -> UInt32 {
            switch status {
            case 0: self.abandoned
            case ..<400: self.ok
            case 429: self.rateLimited
            case 400..<500: self.clientError
            default: self.serverError
            }
        }
    }

    /// Connections that clients have open on this loop.
    public var downstreamConnections: Int {
        get { Int(self.state.downstreamConnections) }
        set { self.state.downstreamConnections = Int64(newValue) }
    }

    /// Connections open to providers from this loop, idle ones included.
    public var upstreamConnections: Int {
        get { Int(self.state.upstreamConnections) }
        set { self.state.upstreamConnections = Int64(newValue) }
    }

    /// Counts a finished exchange. Called once per exchange, by its terminal transition.
    ///
    /// Labels come from the resolved names only; `modelRequested` never becomes one (pitfall O-4).
    public func record(_ record: UsageRecord) {
        let route = self.routeMemo.id(record.route?.text ?? "", in: &self.state.names)
        let version = self.versionMemo.id(record.version?.text ?? "", in: &self.state.names)
        let model = self.modelMemo.id(record.model?.text ?? "", in: &self.state.names)
        let provider = self.providerMemo.id(record.provider?.text ?? "", in: &self.state.names)
        let outcome = self.words.id(record.outcome)
        let request = SeriesKey(
            labels: .init(0, 0, route, version, model, provider, self.statusID(record.status), outcome))
        self.state.requests.add(1, to: request)
        self.state.durations.record(record.elapsed, to: .init(route, model, provider))
        self.state.overhead.record(record.overhead, to: .init(self.words.total))
        if record.isStream, let firstContent = record.firstContent {
            self.state.firstTokens.record(firstContent, to: .init(model, provider))
        }
        if record.usageSource != .none { self.record(record.usage, model: model) }
        if !record.attempts.isEmpty { self.record(record.attempts) }
    }

    /// A request was refused by a limit. `scope` is whose limit it was (`key`, `model`, …): a word of ours, never a
    /// name.
    public func limitRejected(_ kind: LimitRejectionKind, scope: String) {
        self.state.limitRejections.add(
            1, to: .init(self.state.names.id(kind.rawValue), self.state.names.id(scope)))
    }

    /// An exchange found its route. Each call is answered by one of `exchangeLeft` with the same route.
    public func exchangeEntered(_ route: RouteName) {
        self.state.inflight.add(1, to: .init(self.inflightMemo.id(route.text, in: &self.state.names)))
    }

    /// An exchange that had entered has ended.
    public func exchangeLeft(_ route: RouteName) {
        self.state.inflight.add(-1, to: .init(self.inflightMemo.id(route.text, in: &self.state.names)))
    }

    /// How late the loop ran something that was due: call it from the loop's own tick.
    public func loopLagged(_ lag: TimeSpan) {
        self.state.loopLag.record(lag, to: .init())
    }

    /// What this loop thinks of the deployment from now on.
    public func setState(_ level: DeploymentStateLevel, of deployment: DeploymentName) {
        let id = self.state.names.id(deployment.text)
        let isNew = self.state.deploymentStates[id] == nil
        let hasRoom = self.state.deploymentStates.count < self.state.seriesMax - 1
        self.state.deploymentStates[isNew && !hasRoom ? LabelNames.other : id] = level.rawValue
    }

    /// After a reload: deployments that are gone no longer show a state. Their counters stay.
    public func forgetDeployments(except remaining: [DeploymentName]) {
        let kept = Set(remaining.map { self.state.names.id($0.text) })
        self.state.deploymentStates = self.state.deploymentStates.filter { kept.contains($0.key) }
    }

    /// The numbers as they are now. Copy-on-write: the next recording copies each table once (about 1 ms for full
    /// tables).
    public func copy() -> MetricsSnapshot { self.state }

    private func record(_ usage: UsageUnits, model: UInt32) {
        let offset = self.state.tokens.offset(of: .init(0, 0, model))
        for (slot, type) in TokenType.allCases.enumerated() {
            self.state.tokens.add(max(0, type.count(in: usage)), at: offset &+ slot)
        }
    }

    private func record(_ attempts: [AttemptRecord]) {
        var previous: (deployment: UInt32, result: UInt32)?
        for attempt in attempts {
            let deployment = self.deploymentMemo.id(attempt.deployment.text, in: &self.state.names)
            let result = self.resultID(attempt)
            self.state.attempts.add(1, to: .init(deployment, result))
            if let previous, previous.deployment != deployment {
                self.state.fallbacks.add(1, to: .init(previous.deployment, deployment, previous.result))
            }
            previous = (deployment, result)
        }
    }

    private func resultID(_ attempt: AttemptRecord) -> UInt32 {
        if let error = attempt.error {
            if let known = self.codeIDs[error] { return known }
            let id = self.state.names.id(error.row.label)
            self.codeIDs[error] = id
            return id
        }
        return self.words.id(status: attempt.status)
    }

    /// A status outside 100 to 999 is `other`: the label stays bounded whatever a provider answers.
    private func statusID(_ status: Int) -> UInt32 {
        guard (100...999).contains(status) else { return LabelNames.other }
        if self.statusIDs[status] == LabelNames.none { self.statusIDs[status] = self.state.names.id(String(status)) }
        return self.statusIDs[status]
    }
}

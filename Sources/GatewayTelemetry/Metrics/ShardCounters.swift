import GatewayContract
import GatewayCore

/// What a shard counts, and what it remembers of the label values that it saw last.
struct ShardCounters {
    var state: MetricsSnapshot
    private var routeMemo = LabelMemo()
    private var versionMemo = LabelMemo()
    private var modelMemo = LabelMemo()
    private var providerMemo = LabelMemo()
    private var inflightMemo = LabelMemo()
    private var statusIDs = [UInt32](repeating: LabelNames.none, count: 1000)
    private var deploymentMemo = LabelMemo()
    private var codeIDs: [ErrorCode: UInt32] = [:]
    private let words: Words

    init(seriesMax: Int) {
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

    mutating func record(_ record: UsageRecord) {
        let route = self.routeMemo.id(record.route, in: &self.state.names)
        let version = self.versionMemo.id(record.version, in: &self.state.names)
        let model = self.modelMemo.id(record.model, in: &self.state.names)
        let provider = self.providerMemo.id(record.provider, in: &self.state.names)
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

    mutating func limitRejected(_ kind: LimitRejectionKind, scope: String) {
        let labels = SeriesKey(self.state.names.id(kind.rawValue), self.state.names.id(scope))
        self.state.limitRejections.add(1, to: labels)
    }

    mutating func addInflight(_ change: Int64, _ route: RouteName) {
        let id = self.inflightMemo.id(route.text, in: &self.state.names)
        self.state.inflight.add(change, to: .init(id))
    }

    mutating func setState(_ level: DeploymentStateLevel, of deployment: DeploymentName) {
        let id = self.state.names.id(deployment.text)
        let isNew = self.state.deploymentStates[id] == nil
        let hasRoom = self.state.deploymentStates.count < self.state.seriesMax - 1
        self.state.deploymentStates[isNew && !hasRoom ? LabelNames.other : id] = level.rawValue
    }

    mutating func forgetDeployments(except remaining: [DeploymentName]) {
        var kept: Set<UInt32> = []
        for deployment in remaining { kept.insert(self.state.names.id(deployment.text)) }
        self.state.deploymentStates = self.state.deploymentStates.filter { kept.contains($0.key) }
    }

    private mutating func record(_ usage: UsageUnits, model: UInt32) {
        let offset = self.state.tokens.offset(of: .init(0, 0, model))
        self.state.tokens.add(TokenType.counts(in: usage), at: offset)
    }

    private mutating func record(_ attempts: [AttemptRecord]) {
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

    private mutating func resultID(_ attempt: AttemptRecord) -> UInt32 {
        if let error = attempt.error {
            if let known = self.codeIDs[error] { return known }
            let id = self.state.names.id(error.row.label)
            self.codeIDs[error] = id
            return id
        }
        return self.words.id(status: attempt.status)
    }

    /// A status outside 100 to 999 is `other`: the label stays bounded whatever a provider answers.
    private mutating func statusID(_ status: Int) -> UInt32 {
        guard (100...999).contains(status) else { return LabelNames.other }
        if self.statusIDs[status] == LabelNames.none { self.statusIDs[status] = self.state.names.id(String(status)) }
        return self.statusIDs[status]
    }
}

import GatewayContract
import GatewayCore

/// What a shard counts, and what it remembers of the label values that it saw last.
struct ShardCounters {
    var state: MetricsSnapshot
    private var orgMemo = LabelMemo()
    private var teamMemo = LabelMemo()
    private var routeMemo = LabelMemo()
    private var versionMemo = LabelMemo()
    private var modelMemo = LabelMemo()
    private var providerMemo = LabelMemo()
    private var inflightMemo = LabelMemo()
    private var statusIDs = [UInt32](repeating: LabelNames.none, count: 1000)
    private var deploymentMemo = LabelMemo()
    private var codeIDs: [ErrorCode: UInt32] = [:]
    private let words: Words
    private var lastNames = RecordLabels()
    private var lastSeries = RecordSeries()
    private var lastAttempt = AttemptSeries()

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
        if !self.lastNames.areOf(record) { self.findSeries(of: record) }
        let series = self.lastSeries
        self.state.requests.add(1, at: series.requests)
        self.state.durations.record(record.elapsed, at: series.durations)
        self.state.overhead.record(record.overhead, at: series.overhead)
        if record.isStream, let firstContent = record.firstContent {
            self.state.firstTokens.record(firstContent, to: .init(series.model, series.provider))
        }
        if record.usageSource != .none { self.record(record.usage, of: series) }
        if !record.attempts.isEmpty { self.record(record.attempts) }
    }

    /// Finds the series that every record has, and remembers them for the next one, unless one of them is the series
    /// `other` for want of room: that is counted every time.
    @inline(never)
    private mutating func findSeries(of record: UsageRecord) {
        let org = self.orgMemo.id(record.owner?.org, in: &self.state.names)
        let team = self.teamMemo.id(record.owner?.team, in: &self.state.names)
        let route = self.routeMemo.id(record.route, in: &self.state.names)
        let version = self.versionMemo.id(record.version, in: &self.state.names)
        let model = self.modelMemo.id(record.model, in: &self.state.names)
        let provider = self.providerMemo.id(record.provider, in: &self.state.names)
        let outcome = self.words.id(record.outcome)
        let overflowed = self.overflowed
        let request = SeriesKey(
            labels: .init(org, team, route, version, model, provider, self.statusID(record.status), outcome))
        self.lastSeries = .init(
            org: org, team: team, model: model, provider: provider, requests: self.state.requests.offset(of: request),
            durations: self.state.durations.place(of: .init(route, model, provider)),
            overhead: self.state.overhead.place(of: .init(self.words.total)))
        self.lastNames = self.overflowed == overflowed ? .init(record) : .init()
    }

    private var overflowed: UInt64 {
        self.state.requests.index.overflowed &+ self.state.durations.index.overflowed
            &+ self.state.overhead.index.overflowed
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

    private mutating func record(_ usage: UsageUnits, of series: RecordSeries) {
        if self.lastSeries.tokens < 0 {
            let overflowed = self.state.tokens.index.overflowed
            let offset = self.state.tokens.offset(of: .init(series.org, series.team, series.model))
            self.state.tokens.add(TokenType.counts(in: usage), at: offset)
            if self.state.tokens.index.overflowed == overflowed { self.lastSeries.tokens = offset }
        } else {
            self.state.tokens.add(TokenType.counts(in: usage), at: self.lastSeries.tokens)
        }
    }

    private mutating func record(_ attempts: [AttemptRecord]) {
        attempts.withUnsafeBufferPointer { attempts in
            if attempts.count == 1, self.lastAttempt.isOf(attempts[0]) {
                return self.state.attempts.add(1, at: self.lastAttempt.offset)
            }
            var previous: (deployment: UInt32, result: UInt32)?
            for index in attempts.indices {
                let deployment = self.deploymentMemo.id(attempts[index].deployment.text, in: &self.state.names)
                let result = self.resultID(attempts[index].error, status: attempts[index].status)
                let overflowed = self.state.attempts.index.overflowed
                let offset = self.state.attempts.offset(of: .init(deployment, result))
                self.state.attempts.add(1, at: offset)
                let isKept = self.state.attempts.index.overflowed == overflowed
                self.lastAttempt = isKept ? .init(attempts[index], offset: offset) : .init()
                if let previous, previous.deployment != deployment {
                    self.state.fallbacks.add(1, to: .init(previous.deployment, deployment, previous.result))
                }
                previous = (deployment, result)
            }
        }
    }

    private mutating func resultID(_ error: ErrorCode?, status: Int) -> UInt32 {
        if let error {
            if let known = self.codeIDs[error] { return known }
            let id = self.state.names.id(error.row.label)
            self.codeIDs[error] = id
            return id
        }
        return self.words.id(status: status)
    }

    /// A status outside 100 to 999 is `other`: the label stays bounded whatever a provider answers.
    private mutating func statusID(_ status: Int) -> UInt32 {
        guard (100...999).contains(status) else { return LabelNames.other }
        if self.statusIDs[status] == LabelNames.none { self.statusIDs[status] = self.state.names.id(String(status)) }
        return self.statusIDs[status]
    }
}

/// The labels of a record that decide on its series.
private struct RecordLabels {
    private var owner: KeyOwner?
    private var route = ""
    private var version = ""
    private var model = ""
    private var provider = ""
    /// Below 0 for no record.
    private var status = -1
    private var outcome = ExchangeOutcome.refused

    init() {}

    init(_ record: UsageRecord) {
        self.owner = record.owner
        self.route = record.route?.text ?? ""
        self.version = record.version?.text ?? ""
        self.model = record.model?.text ?? ""
        self.provider = record.provider?.text ?? ""
        self.status = record.status
        self.outcome = record.outcome
    }

    @inline(__always)
    func areOf(_ record: UsageRecord) -> Bool {
        self.status == record.status && self.outcome == record.outcome && Self.isSame(record.route, self.route)
            && Self.isSame(record.model, self.model) && Self.isSame(record.provider, self.provider)
            && Self.isSame(record.version, self.version) && self.status >= 0
            && (self.owner === record.owner || self.isSameOwner(record.owner))
    }

    private func isSameOwner(_ owner: KeyOwner?) -> Bool {
        self.owner?.org == owner?.org && self.owner?.team == owner?.team
    }

    /// The empty text stands for a name that there is not.
    @inline(__always)
    private static func isSame<Kind>(_ name: Name<Kind>?, _ text: String) -> Bool {
        guard let name else { return text.isEmpty }
        return name.text == text
    }
}

/// Where the numbers of a record stand, and the labels that it takes to find the rest.
private struct RecordSeries {
    var org = LabelNames.none
    var team = LabelNames.none
    var model = LabelNames.none
    var provider = LabelNames.none
    var requests = 0
    var durations = 0
    var overhead = 0
    /// Below 0 until tokens are counted.
    var tokens = -1
}

/// The attempt that was counted last, and where its number stands.
private struct AttemptSeries {
    private var deployment = ""
    /// Below 0 for no attempt, and for one with an error of ours.
    private var status = -1
    var offset = 0

    init() {}

    init(_ attempt: AttemptRecord, offset: Int) {
        self.deployment = attempt.deployment.text
        self.status = attempt.error == nil ? attempt.status : -1
        self.offset = offset
    }

    @inline(__always)
    func isOf(_ attempt: AttemptRecord) -> Bool {
        self.status == attempt.status && self.status >= 0 && attempt.error == nil
            && self.deployment == attempt.deployment.text
    }
}

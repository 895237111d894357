import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayHTTP
import GatewayPolicy
import GatewayUpstream
import GatewayWire

/// Chooses a deployment, sends, and tries the next one while nothing has reached the client.
extension Exchange {
    /// The request is admitted, and whole unless it is a form that streams through.
    func dispatch() {
        guard self.machine.admitted(), let config = self.config else { return }
        let now = self.eventAt
        self.loop.retryBudget.request(at: now)
        self.deadlineSlot = self.loop.deadlines.register(self)
        guard let target = self.chooseTarget(config, at: now) else {
            self.answer(LocalReply(GatewayError(.upstreamUnreachable, detail: "no deployment can take it")))
            return
        }
        self.totalDeadline = now + (self.match?.compiled.spec.totalTimeout ?? target.provider.timeouts.total)
        self.begin(target, at: now)
    }

    func begin(_ target: Target, at now: MonotonicTime) {
        self.machine.attemptBegan()
        if self.nextTier != self.tier { self.attemptsInTier = 0 }
        self.tier = self.nextTier
        self.attemptsInTier += 1
        var attempt = Attempt(target: target, startedAt: now)
        self.updateHealth(of: target) {
            attempt.isProbe = $0.needsProbe
            $0.startProbe(at: now)
        }
        self.attempt = attempt
        self.dropAnswer()
        self.record.deployment = target.name
        self.record.provider = target.provider.name
        self.connect(to: target, fresh: false)
    }

    /// Asks the pool for a connection, or the built-in provider for an answer.
    func connect(to target: Target, fresh: Bool) {
        guard let address = target.address else { return self.startEcho(target) }
        self.attempt?.isFresh = fresh
        self.form?.beginAgain()
        self.call = .none
        self.ticketWasAnswered = false
        let ticket = self.loop.pool.acquire(
            address, connectTimeout: target.provider.timeouts.connect, fresh: fresh, for: self)
        // The pool may have called back already: then the call stands, or the exchange is over.
        if case .none = self.call, !self.machine.isOver, self.attempt?.sentAt == nil, !self.ticketWasAnswered {
            self.call = .waiting(ticket)
            self.armDeadline()
        }
        self.ticketWasAnswered = false
    }

    // MARK: Choosing

    /// The next candidate: the first time any, later one that the policy and the retry budget allow.
    func chooseTarget(_ config: LoopSnapshot, at now: MonotonicTime) -> Target? {
        guard let model = self.model else { return nil }
        if let provider = model.passthroughProvider {
            return self.machine.attempts == 0 ? self.wildcardTarget(model, provider, config) : nil
        }
        let endpoint = self.endpoint
        let mute =
            config.service(model, endpoint) == .all ? [] : self.mutedDeployments(model, config, endpoint)
        return self.chooseDeployment(model, config, mute: mute, at: now)
            .flatMap { config.target(deployment: $0, endpoint: endpoint) }
    }

    /// The first attempt may go anywhere from the first tier on. After a failure the tier gets as many more as
    /// `retry.attempts` says, untried deployments before tried ones, and then the next tier has its turn.
    private func chooseDeployment(
        _ model: Model, _ config: LoopSnapshot, mute: [Int], at now: MonotonicTime
    ) -> Int? {
        guard self.machine.attempts > 0 else {
            return self.chooseDeployment(model, config, from: 0, without: mute, at: now)
        }
        if self.attemptsInTier <= model.retry.attempts {
            let others = mute + model.tiers.indices.filter { $0 != self.tier }.flatMap { model.tiers[$0] }
            let again =
                self.chooseDeployment(model, config, from: self.tier, without: others + self.tried, at: now)
                ?? self.chooseDeployment(model, config, from: self.tier, without: others, at: now)
            if let again { return again }
        }
        return self.chooseDeployment(model, config, from: self.tier + 1, without: mute + self.tried, at: now)
    }

    private func chooseDeployment(
        _ model: Model, _ config: LoopSnapshot, from tier: Int, without: [Int], at now: MonotonicTime
    ) -> Int? {
        var tier = tier
        let chosen = DeploymentSelection.choose(
            model: model, snapshot: config.routing, tier: &tier, tried: without,
            isUsable: { config.health[$0].health.isUsable(at: now) },
            random: self.loop.nextRandom())
        if chosen != nil { self.nextTier = tier }
        return chosen
    }

    /// Deployments that do not speak this endpoint's dialect are never candidates.
    private func mutedDeployments(_ model: Model, _ config: LoopSnapshot, _ endpoint: Endpoint) -> [Int] {
        var muted: [Int] = []
        for tier in model.tiers {
            for deployment in tier {
                if config.target(deployment: deployment, endpoint: endpoint) == nil { muted.append(deployment) }
            }
        }
        return muted
    }

    private func wildcardTarget(_ model: Model, _ provider: Int, _ config: LoopSnapshot) -> Target? {
        let name = ModelName(
            String(decoding: self.modelName.utf8.dropFirst(model.passthroughPrefixCount), as: UTF8.self))
        return Target(
            wildcard: model, provider: config.routing.providers[provider], upstreamModel: name,
            endpoint: self.endpoint, address: config.endpoints[provider])
    }

    /// A wildcard's target has no health.
    func updateHealth(of target: Target, _ change: (inout DeploymentHealth) -> Void) {
        guard let cell = target.health else { return }
        self.loop.updateHealth(cell, of: target.name, change)
    }

    // MARK: Failing

    /// Whether a failure of that kind is worth another attempt, and if so, at what.
    func nextTarget(after kind: RetryPolicy.Conditions, at now: MonotonicTime) -> Target? {
        if let deployment = self.attempt?.target.deployment { self.tried.append(deployment) }
        guard self.machine.mayTryAgain, let model = self.model, let config = self.config,
            model.retry.on.contains(kind), now < (self.totalDeadline ?? now),
            let target = self.chooseTarget(config, at: now), self.loop.retryBudget.mayRetry(at: now)
        else { return nil }
        return target
    }

    /// An attempt is over without an answer that could be passed on.
    /// - Parameter health: how it counts against the deployment; `nil` when it is not to blame.
    func attemptFailed(_ error: GatewayError, kind: RetryPolicy.Conditions, health: HealthFailure?) {
        let now = self.loop.now()
        self.eventAt = now
        if let attempt = self.attempt {
            self.updateHealth(of: attempt.target) { state in
                if let health {
                    state.failed(health, at: now)
                } else if attempt.isProbe {
                    state.abandonedProbe(at: now)
                }
            }
        }
        let next = self.nextTarget(after: kind, at: now)
        self.closeAttempt(error: error.code, at: now)
        switch self.machine.attemptFailed(hasNext: next != nil) {
        case .tryNext:
            if let next { self.begin(next, at: now) }
        case .reply:
            self.dropAnswer()
            self.answer(LocalReply(error))
        case .breakOff: self.breakOff(error)
        case .ignore: break
        }
    }

    /// Forgets what an attempt has answered so far: nothing of it reached the client, so nobody pays for it (M-5).
    func dropAnswer() {
        self.relay = .none
        self.pendingAnswer = nil
        self.lastProgressAt = nil
        self.firstContentAt = nil
        if self.isStreamCounted { self.loop.shared.streamEnded() }
        self.isStreamCounted = false
    }

    /// Writes the attempt into the record.
    func closeAttempt(error: ErrorCode?, at now: MonotonicTime) {
        guard let attempt = self.attempt else { return }
        self.record.attempts.append(
            AttemptRecord(
                deployment: attempt.target.name, status: attempt.status, error: error,
                elapsed: now - attempt.startedAt))
        self.attempt = nil
    }

    /// Lets go of whatever answers, at once; nothing of it is heard afterwards.
    func abandonCall() {
        switch self.call {
        case .none: break
        case .waiting(let ticket): self.loop.pool.cancel(ticket)
        case .connection(let connection): connection.abandon()
        case .echo(let echo): echo.abandon()
        }
        self.call = .none
    }
}

extension Exchange: UpstreamRequester {
    func upstreamAcquired(_ connection: UpstreamConnection, reused: Bool) {
        self.ticketWasAnswered = true
        if case .waiting = self.call { self.eventAt = self.loop.now() }
        guard !self.machine.isOver, self.attempt != nil else {
            connection.giveBack()
            return
        }
        self.call = .connection(connection)
        self.attempt?.isReused = reused
        self.send(on: connection)
    }

    func upstreamUnavailable(_ error: GatewayError) {
        self.ticketWasAnswered = true
        self.call = .none
        guard !self.machine.isOver else { return }
        switch error.code {
        case .upstreamTimeout: self.attemptFailed(error, kind: .timeout, health: .timeout)
        // All of our own connections are busy: the deployment is not at fault.
        case .overloaded, .draining: self.attemptFailed(error, kind: .connect, health: nil)
        default: self.attemptFailed(error, kind: .connect, health: .connection)
        }
    }
}

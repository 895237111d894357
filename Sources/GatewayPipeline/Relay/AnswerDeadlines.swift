import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayHTTP
import GatewayPolicy
import GatewayUpstream

/// The coarse timeouts of an attempt (DESIGN 13.8): one deadline at a time, the nearest.
extension Exchange: DeadlineOwner {
    func armDeadline() {
        self.needsDeadline = false
        guard let slot = self.deadlineSlot, let total = self.totalDeadline else { return }
        let phase = self.phaseDeadline()
        self.loop.deadlines.set(slot, phase.map { min($0, total) } ?? total)
    }

    /// `nil`: only the total counts. While the client reads slowly the provider is not to blame.
    private func phaseDeadline() -> MonotonicTime? {
        guard let attempt = self.attempt, !self.isPausedByClient else { return nil }
        let timeouts = attempt.target.provider.timeouts
        guard let sentAt = attempt.sentAt else { return self.form?.stalledSince.map { $0 + timeouts.interContent } }
        let isStream = self.record.isStream
        guard attempt.headAt != nil else {
            return sentAt + (timeouts.head ?? (isStream ? timeouts.firstContent : timeouts.total))
        }
        guard case .stream = self.relay else { return (self.lastProgressAt ?? sentAt) + timeouts.interContent }
        guard self.firstContentAt != nil else { return sentAt + timeouts.firstContent }
        return (self.lastProgressAt ?? sentAt) + timeouts.interContent
    }

    /// Bytes were passed on. On a stream only content counts: comments and role-only deltas do not (pitfall S-3). The
    /// deadline is set anew at the end of the burst, if there is still something to wait for.
    func noteProgress() {
        if case .stream(let stream) = self.relay {
            guard stream.watch.contentEvents > self.seenContentEvents else { return }
            self.seenContentEvents = stream.watch.contentEvents
        }
        if self.firstContentAt == nil { self.firstContentAt = self.eventAt }
        self.lastProgressAt = self.eventAt
        self.needsDeadline = true
    }

    func deadlinePassed(at now: MonotonicTime) {
        guard !self.machine.isOver, let attempt = self.attempt else { return }
        self.eventAt = now
        // The provider has taken all that came of the request.
        if let form = self.form, form.isWaitingForClient {
            return self.refuse(LocalReply(GatewayError(.requestTimeout)))
        }
        self.abandonCall()
        // A client that reads slowly has used up the time: the provider is not to blame.
        let health: HealthFailure? = self.isPausedByClient ? nil : .timeout
        let isStalled = self.form?.stalledSince != nil
        let phase =
            isStalled ? "reading" : attempt.sentAt == nil ? "connect" : attempt.headAt == nil ? "head" : "content"
        self.attemptFailed(
            GatewayError(.upstreamTimeout, detail: "\(attempt.target.name): no \(phase) in time"), kind: .timeout,
            health: health)
    }
}

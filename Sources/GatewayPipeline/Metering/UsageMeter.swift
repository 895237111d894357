import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayHTTP
import GatewayPolicy
import GatewayTelemetry
import GatewayUpstream

/// The one terminal transition: whatever way an exchange ends, it ends here, once. Reservations are settled, the record
/// is written, the log line and the metrics follow from it. There is no second place where any of these happens.
extension Exchange {
    func finish(_ outcome: ExchangeOutcome, status: Int, error: GatewayError?) {
        let hadAnswer = self.machine.hasBegunAnswer
        guard self.machine.end() else { return }
        self.abandonCall()
        let now = self.eventAt
        if outcome == .clientLeft || outcome == .failed, let attempt = self.attempt, attempt.isProbe {
            self.updateHealth(of: attempt.target) { $0.abandonedProbe(at: now) }
        }
        self.closeAttempt(error: error?.code, at: now)
        // A whole answer was metered at its end. An error costs nothing, whatever a provider had begun before (M-17).
        let isMeteredHere = outcome == .truncated || outcome == .clientLeft || self.isStreamCounted
        if hadAnswer, outcome != .failed, outcome != .refused, isMeteredHere { self.meter() }
        self.settle(at: now)
        self.writeRecord(outcome, status: status, error: error, at: now)
        self.release()
    }

    /// Who pays: nothing until one content event was written to the client; from then on what was written (DESIGN 6).
    private func meter() {
        switch self.relay {
        case .stream(let stream)
        where stream.watch.sawContent && !(stream.watch.sawError && stream.watch.outputTextBytes == 0):
            (self.record.usage, self.record.usageSource) = stream.watch.settlement(estimatedInput: self.estimatedInput)
        case .whole where self.record.responseBytes > 0:
            guard let reading = self.pendingAnswer?.reading() else { return }
            (self.record.usage, self.record.usageSource) = reading.settlement(estimatedInput: self.estimatedInput)
        default: break
        }
    }

    private func settle(at now: MonotonicTime) {
        guard !self.reservation.isEmpty else { return }
        LimitGate.settle(
            &self.reservation, usedTokens: self.record.usageSource == .none ? 0 : self.record.usage.total, at: now,
            slab: self.loop.shared.limits)
    }

    private func writeRecord(_ outcome: ExchangeOutcome, status: Int, error: GatewayError?, at now: MonotonicTime) {
        self.record.outcome = outcome
        self.record.status = status
        self.record.error = error?.code
        self.record.errorDetail = error?.detail
        self.record.clientAddress = self.sink.clientAddress
        self.record.elapsed = now - self.startedAt
        if let firstContentAt = self.firstContentAt { self.record.firstContent = firstContentAt - self.startedAt }
        self.record.overhead = self.overhead(at: now)
        if let route = self.record.route { self.loop.metrics.exchangeLeft(route) }
        self.loop.write(&self.record)
    }

    /// Time that was ours: neither the client's body nor a provider was waited for.
    private func overhead(at now: MonotonicTime) -> TimeSpan {
        var waited: Int64 = 0
        for attempt in self.record.attempts { waited += attempt.elapsed.nanoseconds }
        let received = self.bodyEndedAt.map { ($0 - self.startedAt).nanoseconds } ?? 0
        return TimeSpan(nanoseconds: max(0, (now - self.startedAt).nanoseconds - waited - received))
    }

    private func release() {
        self.releaseBody()
        self.resumeClient()
        self.form = nil
        if let slot = self.deadlineSlot.take() { self.loop.deadlines.release(slot) }
        if self.isStreamCounted { self.loop.shared.streamEnded() }
        self.isStreamCounted = false
        self.loop.shared.exchangeEnded()
        self.relay = .none
        self.pendingAnswer = nil
    }
}

import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayPolicy
import GatewayTelemetry

extension Exchange {
    /// Output tokens charged in advance when the request names no cap.
    private static let outputEstimate: Int64 = 256

    /// Takes from every bucket on the path, or from none. Tokens by an estimate: four bytes of the request are one
    /// token, and the output cap in full; trued up by the terminal transition, debt included (pitfall B-13).
    func reserveLimits() -> Outcome {
        guard let modelLimits = self.model?.limits else { return .proceed }
        self.record.admitted = true
        let keyLimits = self.grant?.limits ?? LimitCells.none
        if keyLimits.isEmpty, modelLimits.isEmpty { return .proceed }
        let output = (self.inspection?.outputCap ?? Self.outputEstimate)
            .multipliedReportingOverflow(by: self.inspection?.choiceCount ?? 1)
        let tokens = output.overflow ? Int64.max / 2 : min(self.estimatedInput &+ output.partialValue, Int64.max / 2)
        switch LimitGate.take(
            key: keyLimits, model: modelLimits, tokens: tokens, at: self.eventAt, slab: self.loop.shared.limits)
        {
        case .admitted(let reservation):
            self.reservation = reservation
            return .proceed
        case .refused(let refusal):
            self.record.admitted = false
            self.loop.metrics.limitRejected(LimitRejectionKind(refusal.kind), scope: refusal.scope.text)
            let message = "\(refusal.code.row.message) It is \(refusal.limit) for this \(refusal.scope.text)."
            return .reply(
                LocalReply(GatewayError(refusal.code, message, retry: .after(refusal.retryAfter))))
        }
    }

    /// Hands out the `x-ratelimit-*` lines of the most constrained buckets.
    func withLimitLines(_ body: (UnsafeRawBufferPointer) -> Void) {
        guard let modelLimits = self.model?.limits else { return }
        let keyLimits = self.grant?.limits ?? LimitCells.none
        if keyLimits.isEmpty, modelLimits.isEmpty { return }
        LimitHeaders.read(key: keyLimits, model: modelLimits, at: self.eventAt, slab: self.loop.shared.limits)
            .render(body)
    }
}

extension LimitRejectionKind {
    init(_ kind: LimitKind) {
        switch kind {
        case .requests: self = .rpm
        case .tokens: self = .tpm
        case .concurrency: self = .concurrency
        }
    }
}

import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayHTTP
import GatewayUpstream
import GatewayWire
import NIOCore

/// Plays an answer of the built-in `echo` provider to an exchange, as a connection to a provider would: same calls,
/// same order, on the same loop.
final class EchoBackend {
    private let script: EchoScript
    private let faults: EchoFaults
    private let eventLoop: any EventLoop
    private var responder: (any UpstreamResponder)?
    private var next = 0
    private var headSent = false
    private var isPaused = false
    private var timer: Scheduled<Void>?
    private var burstBytes = 0
    /// As much as one read of a connection brings: then the exchange may pause.
    private static let burstBytesMax = 64 << 10

    init(script: EchoScript, faults: EchoFaults, eventLoop: any EventLoop, responder: any UpstreamResponder) {
        self.script = script
        self.faults = faults
        self.eventLoop = eventLoop
        self.responder = responder
    }

    func start() {
        self.after(self.faults.delay) { $0.play() }
    }

    func pause() {
        self.isPaused = true
    }

    func resume() {
        guard self.isPaused else { return }
        self.isPaused = false
        if self.timer == nil { self.play() }
    }

    func abandon() {
        self.timer?.cancel()
        self.timer = nil
        self.responder = nil
    }

    /// As many pieces as there are, or one when events are spaced out.
    private func play() {
        guard self.responder != nil else { return }
        if self.faults.resetAfter == 0, !self.headSent { return self.reset() }
        if !self.headSent { self.sendHead() }
        while self.next < self.script.pieces.count, !self.isPaused {
            if let limit = self.faults.resetAfter, self.script.isStream, self.next >= limit { return self.reset() }
            let piece = self.script.pieces[self.next]
            self.next += 1
            self.responder?.upstreamBody(ByteBuffer(bytes: piece))
            self.burstBytes += piece.count
            if self.burstBytes > Self.burstBytesMax {
                self.burstBytes = 0
                self.responder?.upstreamReadComplete()
            }
            if self.script.isStream, self.faults.eventDelay > .zero, self.next < self.script.pieces.count {
                self.responder?.upstreamReadComplete()
                return self.after(self.faults.eventDelay) { $0.play() }
            }
        }
        guard self.responder != nil else { return }
        if self.next == self.script.pieces.count {
            let responder = self.responder.take()
            responder?.upstreamEnd()
        } else {
            self.responder?.upstreamReadComplete()
        }
    }

    private func sendHead() {
        self.headSent = true
        var fields = HeaderFields()
        fields.append(.contentType, self.script.contentType)
        if let seconds = self.script.retryAfter { fields.append(.retryAfter, String(seconds)) }
        let count = self.script.pieces.reduce(0) { $0 + $1.count }
        self.responder?.upstreamHead(
            ResponseHead(
                status: self.script.status, framing: self.script.isStream ? .chunked : .length(Int64(count)),
                fields: fields))
    }

    private func reset() {
        let responder = self.responder.take()
        responder?.upstreamFailed(
            UpstreamFault(
                code: self.headSent ? .upstreamTruncated : .upstreamReset, headArrived: self.headSent,
                anyByteArrived: self.headSent, detail: "echo: reset_after"))
    }

    private func after(_ span: TimeSpan, _ body: @escaping (EchoBackend) -> Void) {
        guard span > .zero else { return body(self) }
        self.timer = self.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(span.nanoseconds)) {
            self.timer = nil
            body(self)
        }
    }
}

extension Exchange {
    func startEcho(_ target: Target) {
        guard let inspection = self.inspection else { return }
        let faults = target.provider.faults
        let script = self.body.withUnsafeReadableBytes { bytes in
            EchoScript.answer(
                endpoint: self.endpoint, model: target.upstreamModel.text, body: bytes,
                isStream: inspection.isStream, includeUsage: inspection.wantsUsage || self.addsUsage,
                faults: faults, requestID: self.record.requestID,
                created: self.record.startedAt.unixSeconds)
        }
        let echo = EchoBackend(
            script: script, faults: faults, eventLoop: self.loop.eventLoop, responder: self)
        self.call = .echo(echo)
        self.attempt?.sentAt = self.eventAt
        self.armDeadline()
        echo.start()
    }
}

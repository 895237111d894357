import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayHTTP
import GatewayUpstream
import GatewayWire
import NIOCore

/// The answer's body: passed on as it comes, read on the way, bounded in every direction.
extension Exchange: UpstreamResponder {
    /// An error body beyond this is of no use to anyone.
    private static let errorBytesMax = 256 << 10

    func upstreamBody(_ bytes: ByteBuffer) {
        guard !self.machine.isOver, self.attempt != nil else { return }
        guard let inflater = self.pendingAnswer?.inflater else { return self.receive(bytes) }
        var plain = ByteBuffer()
        do throws(InflateFault) {
            try bytes.withUnsafeReadableBytesTyped { raw throws(InflateFault) in
                try inflater.feed(raw) { plain.writeBytes($0) }
            }
        } catch {
            return self.discardAnswer(GatewayError(.upstreamGarbage, detail: "content-encoding: \(error)"))
        }
        if plain.readableBytes > 0 { self.receive(plain) }
    }

    private func receive(_ bytes: ByteBuffer) {
        switch self.relay {
        case .none: break
        case .error(let status, var body):
            self.relay = .none
            let room = Self.errorBytesMax - body.readableBytes
            if let part = bytes.getSlice(at: bytes.readerIndex, length: min(room, bytes.readableBytes)) {
                body.writeImmutableBuffer(part)
            }
            self.relay = .error(status: status, body: body)
        case .whole:
            self.pendingAnswer?.feed(bytes)
            self.emit(bytes)
        case .stream(let stream):
            do throws(SSEFault) {
                try stream.feed(bytes) { self.emit($0) }
            } catch {
                self.discardAnswer(GatewayError(.upstreamGarbage, detail: "an event of the stream is too large"))
            }
        }
    }

    private func emit(_ bytes: ByteBuffer) {
        if self.machine.hasBegunAnswer {
            self.passOn(bytes)
        } else {
            self.pendingAnswer?.hold(bytes)
        }
    }

    func upstreamReadComplete() {
        guard !self.machine.isOver else { return }
        self.eventAt = self.loop.now()
        if self.answersTooMuchAhead {
            return self.discardAnswer(
                GatewayError(.upstreamGarbage, detail: "it answers at length before it was asked"))
        }
        if self.shouldCommit { self.commitAnswer() }
        guard self.machine.hasBegunAnswer else {
            if self.needsDeadline { self.armDeadline() }
            return
        }
        self.sink.flush()
        // The flush may have met a client that is gone.
        guard !self.machine.isOver else { return }
        self.noteProgress()
        if !self.sink.isWritable, !self.isPausedByClient {
            self.isPausedByClient = true
            self.call.pause()
            self.needsDeadline = true
        }
        if self.needsDeadline { self.armDeadline() }
    }

    /// A whole answer is begun with its first bytes, a stream with its first content: until then another deployment can
    /// answer in its place (pitfall S-2). What is held meanwhile is bounded. An answer that comes before the request is
    /// whole waits for that, or for its own end: the client's connection does not read on beside an answer.
    private var shouldCommit: Bool {
        guard !self.machine.hasBegunAnswer, self.machine.isRequestWhole, let pending = self.pendingAnswer,
            pending.heldBytes > 0
        else { return false }
        guard case .stream(let stream) = self.relay, !stream.watch.sawContent else { return true }
        return pending.heldBytes > Self.heldBytesMax
    }

    private static let heldBytesMax = 64 << 10

    private var answersTooMuchAhead: Bool {
        !self.machine.isRequestWhole && self.pendingAnswer?.heldBytes ?? 0 > Self.heldBytesMax
    }

    func upstreamEnd() {
        self.call = .none
        guard !self.machine.isOver, self.attempt != nil else { return }
        self.eventAt = self.loop.now()
        if let inflater = self.pendingAnswer?.inflater, !inflater.isFinished {
            return self.attemptFailed(
                GatewayError(.upstreamTruncated, detail: "the compressed answer ends early"), kind: .connect,
                health: .garbage)
        }
        switch self.relay {
        case .none: break
        case .error(let status, let body): self.answerError(status, body)
        case .whole: self.endWhole()
        case .stream(let stream): self.endStream(stream)
        }
    }

    func upstreamFailed(_ fault: UpstreamFault) {
        self.call = .none
        guard !self.machine.isOver, let attempt = self.attempt else { return }
        self.eventAt = self.loop.now()
        if attempt.isReused, !attempt.isFresh, !fault.anyByteArrived, self.machine.isReplayable {
            // The provider had closed a pooled connection: nothing of this request was seen (DESIGN 13.9).
            self.attempt?.sentAt = nil
            return self.connect(to: attempt.target, fresh: true)
        }
        let isGarbage = fault.code == .upstreamGarbage
        self.attemptFailed(
            GatewayError(fault.code, detail: fault.detail), kind: isGarbage ? .serverError : .connect,
            health: isGarbage ? .garbage : .connection)
    }

    func upstreamWritability(_ writable: Bool) {
        if writable { self.sendOn() }
    }

    // MARK: Ends

    private func answerError(_ status: Int, _ body: ByteBuffer) {
        let bytes = Array(body.readableBytesView)
        let answer = ProviderErrorReading.read(
            status: status, body: bytes, family: self.family, requestID: self.record.requestID,
            credential: self.providerCredential)
        var fields = FieldLines()
        if let source = self.pendingAnswer?.head.fields {
            if let text = source.text(.xShouldRetry) { fields.append(.xShouldRetry, text) }
            if status == 429 || status == 503 {
                fields.appendRetryAfter(RetryAfter.read(source, at: .now()) ?? .seconds(1))
            }
        }
        self.closeAttempt(error: nil, at: self.eventAt)
        self.answer(LocalReply(answer, lines: fields.bytes))
    }

    private func endWhole() {
        guard let pending = self.pendingAnswer, let reading = pending.reading() else { return }
        if pending.isJSON, !reading.isWholeJSON {
            return self.attemptFailed(
                GatewayError(.upstreamGarbage, detail: "the body is not one JSON object"), kind: .serverError,
                health: .garbage)
        }
        self.relay = .none
        self.commitAnswer()
        self.noteProgress()
        if !reading.isError {
            (self.record.usage, self.record.usageSource) = reading.settlement(estimatedInput: self.estimatedInput)
        }
        self.complete()
    }

    private func endStream(_ stream: StreamRelay) {
        let endedByFraming = self.pendingAnswer?.head.framing != .untilClose
        let end = stream.watch.end(endedByFraming: endedByFraming)
        switch end {
        case .complete: break
        case .completeSupplying(let bytes): self.emit(ByteBuffer(bytes: bytes))
        case .failed:
            return self.endWithProvidersError()
        case .truncated:
            return self.attemptFailed(
                GatewayError(.upstreamTruncated, detail: "the stream ended without its last event"), kind: .connect,
                health: .connection)
        }
        self.commitAnswer()
        self.noteProgress()
        self.complete()
    }

    /// The provider's own error event was its last word: another deployment may still answer, else it is passed on.
    private func endWithProvidersError() {
        let now = self.eventAt
        let error = GatewayError(.upstreamError, detail: "the stream ended with an error event")
        if let next = self.nextTarget(after: .serverError, at: now) {
            self.closeAttempt(error: error.code, at: now)
            return self.begin(next, at: now)
        }
        self.commitAnswer()
        self.sink.flush()
        self.finish(.truncated, status: self.pendingAnswer?.head.status ?? 200, error: error)
        self.sink.abort(.upstreamBroke)
    }

    /// What was held is given back before the client can know that its answer is complete.
    private func complete() {
        self.finish(.completed, status: self.pendingAnswer?.head.status ?? 200, error: nil)
        self.sink.end()
    }

    /// The client has the event after which nothing more comes (`[DONE]` and its like): an error after it would be a
    /// second end (invariant 11). Image streams have such an event per image and prove nothing by it.
    private var hasPassedLastEvent: Bool {
        guard case .stream(let stream) = self.relay, self.endpoint != .imagesGenerations, self.endpoint != .imagesEdits
        else { return false }
        var watch = stream.watch
        return watch.end(endedByFraming: false) == .complete
    }

    /// The client has a part of the answer: the rest is ended where it can see it (pitfalls S-4, S-8).
    func breakOff(_ error: GatewayError) {
        self.abandonCall()
        if self.hasPassedLastEvent { return self.complete() }
        if case .stream(let stream) = self.relay, !stream.watch.sawError {
            let event = ErrorBody.streamEvent(
                error, endpoint: self.endpoint, requestID: self.record.requestID,
                sequenceNumber: stream.watch.nextSequenceNumber)
            self.passOn(ByteBuffer(bytes: event))
            self.sink.flush()
        }
        self.finish(.truncated, status: self.pendingAnswer?.head.status ?? 200, error: error)
        self.sink.abort(AbortReason(error.code))
    }
}

extension AbortReason {
    init(_ code: ErrorCode) {
        switch code {
        case .upstreamTimeout: self = .timedOut
        case .draining: self = .shuttingDown
        default: self = .upstreamBroke
        }
    }
}

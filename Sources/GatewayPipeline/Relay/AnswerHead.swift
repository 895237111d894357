import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayHTTP
import GatewayPolicy
import GatewayUpstream
import GatewayWire
import NIOCore

/// The answer's head: is it one that may be passed on, and how?
extension Exchange {
    func upstreamHead(_ head: ResponseHead) {
        guard !self.machine.isOver, let attempt = self.attempt else { return }
        let now = self.loop.now()
        self.eventAt = now
        self.attempt?.status = head.status
        self.attempt?.headAt = now
        self.lastProgressAt = now
        self.needsDeadline = true
        switch head.status {
        case 200..<300: self.beginAnswer(head, attempt)
        case 400...: self.receiveError(head, attempt, at: now)
        default:
            self.discardAnswer(
                GatewayError(.upstreamGarbage, detail: "status \(head.status): redirects are not followed"))
        }
    }

    /// 429 and 5xx may be worth another attempt; everything else is the provider's word to the client.
    private func receiveError(_ head: ResponseHead, _ attempt: Attempt, at now: MonotonicTime) {
        let retryAfter = RetryAfter.read(head.fields, at: .now())
        self.updateHealth(of: attempt.target) { health in
            switch head.status {
            case 429: health.failed(.rateLimited, retryAfter: retryAfter, at: now)
            case 500...: health.failed(.serverError, at: now)
            default: health.succeeded(at: now)
            }
        }
        let kind: RetryPolicy.Conditions =
            head.status == 429 ? .tooManyRequests : head.status >= 500 ? .serverError : []
        if !kind.isEmpty, let next = self.nextTarget(after: kind, at: now) {
            self.abandonCall()
            self.closeAttempt(error: nil, at: now)
            self.begin(next, at: now)
            return
        }
        self.pendingAnswer = PendingAnswer(head: head, framing: .none)
        self.relay = .error(status: head.status, body: ByteBuffer())
    }

    private func beginAnswer(_ head: ResponseHead, _ attempt: Attempt) {
        guard head.fields.count(.contentType) <= 1, head.fields.count(.contentEncoding) <= 1 else {
            return self.discardAnswer(GatewayError(.upstreamGarbage, detail: "two content-type or content-encoding"))
        }
        var inflater: Inflater?
        if let encoding = head.fields.withValue(
            .contentEncoding,
            { bytes in
                bytes.elementsEqual("identity".utf8) ? EncodingKind.identity : EncodingKind(bytes)
            })
        {
            switch encoding {
            case .identity: break
            case .inflatable(let format): inflater = Inflater(format: format, outputBytesMax: Self.inflatedBytesMax)
            case .unknown:
                return self.discardAnswer(GatewayError(.upstreamGarbage, detail: "unknown content-encoding"))
            }
        }
        guard let kind = self.answerKind(head) else {
            let type = head.fields.text(.contentType) ?? "none"
            return self.discardAnswer(
                GatewayError(.upstreamGarbage, detail: "status \(head.status) with media type \(type)"))
        }
        var framing = AnswerFraming.stream
        if inflater == nil, case .length(let count) = head.framing { framing = .length(Int(clamping: count)) }
        if head.status == 204 { framing = .none }
        switch kind {
        case .stream:
            framing = .stream
            let choices = self.inspection?.choiceCount ?? 1
            self.relay = .stream(
                StreamRelay(
                    watch: StreamWatch(
                        endpoint: self.endpoint, dropUsageEvent: self.addsUsage, choiceCount: choices,
                        requestID: self.record.requestID, credential: self.providerCredential)))
            if !self.isStreamCounted { self.loop.shared.streamBegan() }
            self.isStreamCounted = true
        case .json, .other: self.relay = .whole
        }
        let isWhole = kind != .stream
        self.pendingAnswer = PendingAnswer(
            head: head, framing: framing, inflater: inflater,
            reader: isWhole ? AnswerReader(endpoint: self.endpoint) : nil, isJSON: kind == .json && head.status != 204)
    }

    /// The provider's own key, so that it is taken out of every error text.
    var providerCredential: Secret? {
        self.attempt?.target.provider.apiKey
    }

    /// What an encoded answer may grow to.
    private static let inflatedBytesMax = 256 << 20

    /// The answer cannot be passed on, and its connection is not used again.
    func discardAnswer(_ error: GatewayError) {
        self.abandonCall()
        self.attemptFailed(error, kind: .serverError, health: .garbage)
    }

    private enum AnswerKind {
        case json, stream, other
    }

    private enum EncodingKind {
        case identity, inflatable(InflateFormat), unknown

        init(_ bytes: UnsafeRawBufferPointer) {
            self = InflateFormat(contentEncoding: bytes).map { .inflatable($0) } ?? .unknown
        }
    }

    /// `nil`: a 2xx of another media type than the endpoint and the request call for (reference: wire-formats 3.6).
    private func answerKind(_ head: ResponseHead) -> AnswerKind? {
        if head.status == 204 { return .json }
        guard let field = head.fields.first(.contentType) else { return nil }
        let (isJSON, isStream, isText) = head.fields.withBytes(field.value) {
            (
                Self.hasMediaType($0, "application/json"), Self.hasMediaType($0, "text/event-stream"),
                Self.hasMediaType($0, "text/html")
            )
        }
        let wantsStream = self.record.isStream
        switch self.endpoint {
        case .audioSpeech: return isStream ? .stream : isJSON || isText ? nil : .other
        case .audioTranscriptions, .audioTranslations:
            return isStream ? .stream : isJSON ? .json : isText ? nil : .other
        default:
            if isStream { return wantsStream ? .stream : nil }
            return isJSON && !wantsStream ? .json : nil
        }
    }

    // MARK: Commit

    /// Sends the head, and what was held of the body. Afterwards no other attempt is possible.
    func commitAnswer() {
        guard let pending = self.pendingAnswer, self.machine.answerBegan() else { return }
        var fields = self.loop.takeFieldLines()
        let source = pending.head.fields
        let hopByHop = ForwardedHeaders.namedByConnection(source)
        source.bytes.withUnsafeBytes { bytes in
            for field in source.fields
            where ForwardedHeaders.towardsClient(field.id) && hopByHop & field.id.mask == 0 {
                fields.append(field.id, bytes.slice(field.value))
            }
        }
        self.appendOwnFields(to: &fields)
        if let target = self.attempt?.target, let model = self.model {
            fields.append("x-penstock-model: ", model.name.text)
            fields.append(lines: target.answerLines)
            fields.append("x-penstock-attempts: ", decimal: UInt64(self.machine.attempts))
            self.updateHealth(of: target) { $0.succeeded(at: self.eventAt) }
        }
        self.sink.head(status: pending.head.status, fields: fields, framing: pending.framing)
        self.loop.giveFieldLines(consume fields)
        pending.releaseHeld { self.passOn($0) }
    }

    /// To the client, counted.
    func passOn(_ bytes: ByteBuffer) {
        self.record.responseBytes += Int64(bytes.readableBytes)
        self.sink.body(bytes)
    }
}

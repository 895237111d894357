import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayHTTP
import GatewayPolicy
import GatewayWire
import NIOCore

/// An answer that the gateway gives itself: an error, or a list of models. An object, so that the stages of admission
/// hand one word to each other.
final class LocalReply {
    enum Content {
        case error(GatewayError)
        case json([UInt8])
        /// A provider's error that was read and cleaned.
        case providerError(ProviderErrorAnswer)
        /// 308 to that place.
        case redirect(String)
    }

    let content: Content
    /// Further fields, as whole lines.
    let lines: [UInt8]

    init(_ error: GatewayError, lines: [UInt8] = []) {
        self.content = .error(error)
        self.lines = lines
    }

    init(json: [UInt8]) {
        self.content = .json(json)
        self.lines = []
    }

    init(_ answer: ProviderErrorAnswer, lines: [UInt8]) {
        self.content = .providerError(answer)
        self.lines = lines
    }

    init(redirectTo place: String) {
        self.content = .redirect(place)
        self.lines = []
    }
}

extension Exchange {
    /// Answers in the caller's dialect and ends the exchange. Only while nothing has reached the client.
    func answer(_ reply: LocalReply) {
        guard self.machine.answerBegan() else { return }
        self.eventAt = self.loop.now()
        switch reply.content {
        case .error(let error):
            let body = ErrorBody.json(error, family: self.family, requestID: self.record.requestID)
            self.write(status: error.status, body: body, retry: error.retry, lines: reply.lines)
            let outcome: ExchangeOutcome = self.machine.attempts > 0 ? .failed : .refused
            self.finish(outcome, status: error.status, error: error)
        case .json(let body):
            self.write(status: 200, body: body, retry: .never, lines: reply.lines)
            self.finish(.completed, status: 200, error: nil)
        case .providerError(let answer):
            self.write(status: answer.status, body: answer.body, retry: .never, lines: reply.lines)
            self.finish(
                .failed, status: answer.status, error: GatewayError(answer.code, detail: answer.detail))
        case .redirect(let place):
            self.writeRedirect(to: place)
            self.finish(.refused, status: 308, error: nil)
        }
        // Last: what was held is given back before the client can know that it got its answer, and the end may begin
        // the next request of the connection.
        self.sink.end()
    }

    private func write(status: Int, body: [UInt8], retry: RetrySafety, lines: [UInt8]) {
        var fields = FieldLines()
        fields.append(.contentType, "application/json")
        self.appendOwnFields(to: &fields)
        if case .after(let span) = retry, lines.isEmpty { fields.appendRetryAfter(span) }
        fields.append(lines: lines)
        self.sink.head(status: status, fields: fields, framing: .length(body.count))
        self.record.responseBytes += Int64(body.count)
        self.sink.body(ByteBuffer(bytes: body))
    }

    private func writeRedirect(to place: String) {
        var fields = FieldLines()
        fields.append(.location, place)
        self.appendOwnFields(to: &fields)
        self.sink.head(status: 308, fields: fields, framing: .length(0))
    }

    /// What every answer carries, whoever made it: request id, generation, the version's life, what is left of limits.
    func appendOwnFields(to fields: inout FieldLines) {
        fields.append(.xRequestID, self.record.requestID)
        fields.append("x-penstock-generation: ", decimal: self.record.generation)
        if let lines = self.match?.lifecycleHeaders { fields.append(lines: lines) }
        self.withLimitLines { fields.append(lines: $0) }
    }
}

extension FieldLines {
    /// `retry-after` in whole seconds, at least 1, and `retry-after-ms` (reference: wire-formats 1.3).
    mutating func appendRetryAfter(_ span: TimeSpan) {
        let milliseconds = max(1, (span.nanoseconds + 999_999) / 1_000_000)
        self.append(.retryAfter, String(max(1, (milliseconds + 999) / 1000)))
        self.append(.retryAfterMs, String(milliseconds))
    }
}

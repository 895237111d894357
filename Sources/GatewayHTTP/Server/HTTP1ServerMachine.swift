import GatewayCore

/// The life of one inbound HTTP/1.1 connection as a value: what was read, what was answered, what comes next.
///
/// One request is answered at a time; pipelined ones wait in the decoder (RFC 9112 section 9.3.2).
struct HTTP1ServerMachine {
    enum State: Equatable {
        /// Between requests. Leaves for `exchanging` with a head, for `closed` when the peer or the idle time ends it.
        case idle
        /// A request is being read or answered. Leaves for `idle`, `lingering` or `closed` when both are over.
        case exchanging
        /// The answer is out, the request was not read to its end: what still comes is discarded, within bounds,
        /// so that the client can read its answer before the reset. Leaves for `closed`.
        case lingering
        /// The last answer is on its way out and nothing more is read. Leaves for `closed` when it is out, or when the
        /// client takes none of it any more.
        case closing
        case closed
    }

    /// What follows the end of an answer.
    enum Next: Equatable {
        case wait, readNextRequest, linger, close
    }

    private(set) var state = State.idle
    private(set) var requestEnded = false
    private(set) var headWritten = false
    private(set) var answerEnded = false
    private(set) var isHTTP10 = false
    private(set) var isHead = false
    private(set) var framing = AnswerFraming.none
    private var keepAlive = true
    private var awaitsContinue = false

    var mayRead: Bool { self.state != .closed && self.state != .closing }
    var isBetweenRequests: Bool { self.state == .idle }
    var mayDeliverRequest: Bool { self.state == .exchanging && !self.answerEnded }

    mutating func requestHead(_ head: RequestHead) {
        self.state = .exchanging
        self.requestEnded = false
        self.headWritten = false
        self.answerEnded = false
        self.isHTTP10 = head.version == .http10
        self.isHead = head.method == .head
        self.keepAlive = head.keepAlive
        self.awaitsContinue = head.expectsContinue && !self.isHTTP10
    }

    /// A head that could not be read: there is an answer to give, and nothing is read after it.
    mutating func requestUnreadable() {
        if self.state == .idle {
            self.state = .exchanging
            self.headWritten = false
            self.answerEnded = false
            self.isHTTP10 = false
            self.isHead = false
        }
        self.requestEnded = false
        self.keepAlive = false
        self.awaitsContinue = false
    }

    mutating func requestEnd() -> Next {
        self.requestEnded = true
        self.awaitsContinue = false
        return self.answerEnded ? self.conclude() : .wait
    }

    mutating func requestBody() {
        self.awaitsContinue = false
    }

    /// - Returns: true once, when the client waits for `100 Continue`.
    mutating func takeContinue() -> Bool {
        defer { self.awaitsContinue = false }
        return self.awaitsContinue && !self.headWritten
    }

    mutating func mustClose() {
        self.keepAlive = false
    }

    /// - Returns: whether the connection stays open after this answer, as its head has to say.
    mutating func answerHead(_ framing: AnswerFraming) -> Bool {
        self.headWritten = true
        self.framing = framing
        if framing == .stream, self.isHTTP10 { self.keepAlive = false }
        if !self.requestEnded { self.keepAlive = false }
        return self.keepAlive
    }

    mutating func answerEnd() -> Next {
        self.answerEnded = true
        return self.conclude()
    }

    mutating func close() {
        self.state = .closed
    }

    /// Nothing more is read; what was written still goes out.
    mutating func closeAfterWrites() {
        if self.state != .closed { self.state = .closing }
    }

    private mutating func conclude() -> Next {
        // The connection may have died while its answer was written: it does not come back to life.
        guard self.state == .exchanging else { return .wait }
        guard self.keepAlive else {
            if self.requestEnded {
                self.state = .closing
                return .close
            }
            self.state = .lingering
            return .linger
        }
        guard self.requestEnded else { return .wait }
        self.state = .idle
        return .readNextRequest
    }
}

import GatewayCore
import GatewayWire
import NIOCore

/// How the body of an answer is delimited, in terms of the exchange, not of a protocol version.
public enum AnswerFraming: Equatable, Sendable {
    /// No body at all (204, 304).
    case none
    /// Exactly so many bytes follow; 0 is allowed.
    case length(Int)
    /// As many as come, until `end`.
    case stream
}

/// Why an answer is broken off.
public enum AbortReason: String, Sendable {
    case upstreamBroke, timedOut, shuttingDown, internalState
}

/// Where an exchange sends its answer. An exchange sees no channel and no HTTP/1 bytes: it drives this.
///
/// Order: `head`, any number of `body`, then `end` or `abort`, each at most once. Nothing reaches the client before
/// `flush` or `end`. Every call is on the loop of the exchange.
public enum DownstreamSink {
    case http1(HTTP1ServerConnection)
    /// For exchanges that have no client: probes, warm-up, tests.
    case `internal`(any InternalSink)

    /// `100 Continue`, if the client waits for it and has not sent its body yet.
    public func continueRequest() {
        guard case .http1(let connection) = self else { return }
        connection.writeContinue()
    }

    /// - Parameter fields: without framing fields (`content-length`, `transfer-encoding`, `connection`).
    public func head(status: Int, fields: FieldLines, framing: AnswerFraming) {
        switch self {
        case .http1(let connection): connection.writeHead(status: status, fields: fields, framing: framing)
        case .internal(let sink): sink.head(status: status, fields: fields, framing: framing)
        }
    }

    /// Adds bytes of the body, without framing; after `AnswerFraming.length` that many in all. To a `HEAD` request none
    /// are sent, and after the client has left they are dropped. Small pieces are copied, larger ones passed on as they
    /// are.
    public func body(_ bytes: ByteBuffer) {
        switch self {
        case .http1(let connection): connection.writeBody(bytes)
        case .internal(let sink): sink.body(bytes)
        }
    }

    /// Sends what was written so far.
    public func flush() {
        switch self {
        case .http1(let connection): connection.flushOutput()
        case .internal(let sink): sink.flush()
        }
    }

    /// The answer is complete. The exchange gets no further call.
    public func end() {
        switch self {
        case .http1(let connection): connection.endAnswer()
        case .internal(let sink): sink.end()
        }
    }

    /// Breaks the answer off so that the client can see it: no last chunk and a close. No further call follows.
    public func abort(_ reason: AbortReason) {
        switch self {
        case .http1(let connection): connection.abortAnswer(reason)
        case .internal(let sink): sink.abort(reason)
        }
    }

    /// Back-pressure on the request's body.
    public func pauseRequest() {
        switch self {
        case .http1(let connection): connection.pauseReading()
        case .internal(let sink): sink.pauseRequest()
        }
    }

    /// The body is read on. Nothing happens without a `pauseRequest` before.
    public func resumeRequest() {
        switch self {
        case .http1(let connection): connection.resumeReading()
        case .internal(let sink): sink.resumeRequest()
        }
    }

    /// False while the client reads slower than the provider sends.
    public var isWritable: Bool {
        switch self {
        case .http1(let connection): connection.isWritable
        case .internal(let sink): sink.isWritable
        }
    }

    /// When the first byte of the request was read; `nil` inside the process.
    public var requestBeganAt: MonotonicTime? {
        guard case .http1(let connection) = self else { return nil }
        return connection.requestBeganAt
    }

    /// Whatever the exchanges of one connection want to remember from one to the next.
    public var memo: AnyObject? {
        get {
            guard case .http1(let connection) = self else { return nil }
            return connection.memo
        }
        nonmutating set {
            guard case .http1(let connection) = self else { return }
            connection.memo = newValue
        }
    }

    /// Who the client is by its certificate: verified, and `nil` unless the listener asks for certificates.
    public var clientCertificate: ClientCertificate? {
        guard case .http1(let connection) = self else { return nil }
        return connection.clientCertificate
    }

    /// The peer of the connection, which may be a proxy; `nil` on a Unix socket and inside the process.
    public var clientAddress: IPAddress? {
        guard case .http1(let connection) = self else { return nil }
        return connection.clientAddress
    }
}

/// A receiver inside the process.
public protocol InternalSink: AnyObject {
    func head(status: Int, fields: FieldLines, framing: AnswerFraming)
    func body(_ bytes: ByteBuffer)
    func flush()
    func end()
    func abort(_ reason: AbortReason)
    var isWritable: Bool { get }
    /// No more of the request's body, until `resumeRequest`. What is on its way still comes.
    func pauseRequest()
    func resumeRequest()
}

extension InternalSink {
    /// For those that take every byte at once.
    public func flush() {}
    /// For those whose request is whole from the beginning.
    public func pauseRequest() {}
    /// Nothing was paused.
    public func resumeRequest() {}
}

/// One inbound request, told of everything that its client does. All calls are on the connection's loop.
public protocol DownstreamExchange: AnyObject {
    /// First call. The exchange may answer at once.
    func requestHead(_ head: RequestHead)
    /// A slice of the body. Not called after the answer has ended.
    func requestBody(_ bytes: ByteBuffer)
    func requestEnd()
    /// The request cannot be read on, or did not come in time: answer with this error; the connection then closes.
    /// Without a head before it when the head itself was at fault.
    func requestFault(_ error: GatewayError)
    func downstreamWritability(_ isWritable: Bool)
    /// The daemon ends and waits no longer: end the answer at once, visibly.
    func downstreamShutdown()
    /// The client left before its answer was complete. Last call.
    func downstreamClosed()
}

/// Makes the exchange for each request of a connection.
public protocol ExchangeFactory: AnyObject {
    func makeExchange(_ sink: DownstreamSink) -> any DownstreamExchange
    /// False once the daemon drains: answers then say `connection: close`.
    var acceptsMore: Bool { get }
}

import GatewayCore
import GatewayWire
import NIOCore

/// What comes out of a `ResponseDecoder`: for each answer any number of interim ones, one head, any number of bodies,
/// one end.
public enum ResponseEvent: Sendable {
    /// Nothing more until bytes are fed.
    case needMore
    /// The status of an interim answer, 100 to 199 but not 101. Its fields are dropped.
    case informational(Int)
    case head(ResponseHead)
    /// Never empty. Shares its storage with what was fed.
    case body(ByteBuffer)
    case end
    /// The last event: afterwards there is only `needMore`.
    case fault(HTTPFault)
}

/// Answers out of the bytes of one HTTP/1 connection to a provider, as strict as `RequestDecoder`.
///
/// `begin` before each answer says what was asked; between `end` and the next `begin` nothing is expected, and bytes
/// that come then are surplus. Switching protocols (101) is never asked for and therefore a fault. Costs are those of
/// `RequestDecoder`. Used on the connection's loop only.
public struct ResponseDecoder: Sendable {
    private enum State {
        /// No answer is due. Leaves for `head` with `begin`.
        case idle
        /// Leaves for `body` with the empty line of a final head, for `ended` when no body follows.
        case head
        /// Leaves for `idle` with the last byte of the message.
        case body
        /// The head was handed out and no body follows. Leaves for `idle`.
        case ended
        /// Behind a fault. Final.
        case failed
    }

    /// Interim answers before one final answer. `100 Continue` and `103 Early Hints` come once each in practice.
    static let informationalMax = 8

    private let limits: HeadLimits
    private var pending = ByteBuffer()
    private var state = State.idle
    private var parser = HeadParser(.answer)
    private var body = BodyReader(.none)
    private var requestWasHead = false
    private var informationalCount = 0
    /// Bytes were there before the request was sent.
    private var isUnasked = false

    /// - Parameter limits: kept for the life of the decoder; brought into the same range as those of a
    ///   `RequestDecoder`.
    public init(limits: HeadLimits) {
        self.limits = limits.clamped
    }

    /// Called before each answer, at the latest when its request is written. Bytes that came earlier are nobody's
    /// answer: the next event is then a fault.
    public mutating func begin(requestWasHead: Bool) {
        guard case .idle = self.state else { return }
        self.requestWasHead = requestWasHead
        self.informationalCount = 0
        self.parser = HeadParser(.answer)
        self.state = .head
        self.isUnasked = self.pending.readableBytes > 0
    }

    /// Adds what came from the peer. Call `next` until it asks for more before the next `feed`: bytes are copied only
    /// if some are left over.
    public mutating func feed(_ bytes: ByteBuffer) {
        if case .failed = self.state { return }
        if self.pending.readableBytes == 0 {
            self.pending = bytes
        } else {
            self.pending.writeImmutableBuffer(bytes)
        }
    }

    /// The next event of what was fed. `UpstreamConnection` asks until `needMore`, or stops earlier while its reader is
    /// paused; after a `fault` the connection is closed.
    public mutating func next() -> ResponseEvent {
        do throws(Breach) {
            switch self.state {
            case .head: return try self.readHead()
            case .body: return try self.readBody()
            case .ended: return self.endMessage()
            case .idle, .failed: return .needMore
            }
        } catch {
            return self.fail(HTTPFault(answer: error))
        }
    }

    /// The peer ended the connection, after `next` has asked for more.
    ///
    /// - Returns: `end` for a body that ends with the connection, `fault` with `upstreamTruncated` inside any other
    ///   answer or before it, `needMore` when no answer was due.
    public mutating func finish() -> ResponseEvent {
        switch self.state {
        case .idle, .failed:
            return .needMore
        case .ended:
            return self.endMessage()
        case .body where self.body.isUntilClose:
            return self.endMessage()
        case .body:
            return self.fail(HTTPFault(code: .upstreamTruncated, detail: "connection ended inside the body"))
        case .head:
            return self.fail(HTTPFault(code: .upstreamTruncated, detail: "connection ended before the end of the head"))
        }
    }

    /// Bytes came after the end of an answer, or before `begin`: the connection must not be used again.
    public var hasSurplusBytes: Bool {
        if case .idle = self.state { self.pending.readableBytes > 0 } else { false }
    }

    private mutating func readHead() throws(Breach) -> ResponseEvent {
        if self.isUnasked { throw .malformed("bytes came before they were asked for") }
        guard self.pending.readableBytes > 0 else { return .needMore }
        var count = 0
        let framing = try BodyReader.read(self.pending) { bytes throws(Breach) -> BodyFraming? in
            count = try self.parser.advance(bytes, self.limits)
            guard count >= 0, let base = bytes.baseAddress else { return nil }
            let line = self.parser.statusLine
            if line.status < 200 {
                try self.checkInterim()
                return nil
            }
            return try BodyFraming.ofAnswer(self.parser.facts, line, requestWasHead: self.requestWasHead, base)
        }
        guard count >= 0 else { return .needMore }
        self.pending.moveReaderIndex(forwardBy: count)
        let line = self.parser.statusLine
        guard let framing else {
            self.parser = HeadParser(.answer)
            return .informational(line.status)
        }
        switch framing {
        case .none, .length(0):
            self.state = .ended
        default:
            self.body = BodyReader(framing)
            self.state = .body
        }
        let keepAlive = line.version == .http11 && !self.parser.facts.closes && framing != .untilClose
        return .head(
            ResponseHead(
                status: line.status, version: line.version, framing: framing, keepAlive: keepAlive,
                fields: self.parser.takeFields()))
    }

    private mutating func checkInterim() throws(Breach) {
        let line = self.parser.statusLine
        guard line.status != 101 else { throw .malformed("101 was not asked for") }
        guard line.version == .http11 else { throw .malformed("interim answer on HTTP/1.0") }
        try BodyFraming.checkInterim(self.parser.facts)
        self.informationalCount += 1
        guard self.informationalCount <= Self.informationalMax else { throw .malformed("too many interim answers") }
    }

    private mutating func readBody() throws(Breach) -> ResponseEvent {
        switch try self.body.next(&self.pending, self.limits, &self.parser) {
        case .needMore: return .needMore
        case .bytes(let bytes): return .body(bytes)
        case .end: return self.endMessage()
        }
    }

    private mutating func endMessage() -> ResponseEvent {
        self.state = .idle
        return .end
    }

    private mutating func fail(_ fault: HTTPFault) -> ResponseEvent {
        self.state = .failed
        self.pending = ByteBuffer()
        return .fault(fault)
    }
}

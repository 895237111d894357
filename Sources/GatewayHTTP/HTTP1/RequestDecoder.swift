import GatewayCore
import GatewayWire
import NIOCore

/// What comes out of a `RequestDecoder`: for each request one head, any number of bodies, one end.
public enum RequestEvent: Sendable {
    /// Nothing more until bytes are fed.
    case needMore
    case head(RequestHead)
    /// Never empty. Shares its storage with what was fed.
    case body(ByteBuffer)
    case end
    /// The last event: afterwards there is only `needMore`.
    case fault(HTTPFault)
}

/// Requests out of the bytes of one HTTP/1 connection, under the strict grammar of RFC 9112.
///
/// Bytes may arrive cut anywhere; the events are the same. Requests may follow each other in one buffer. One empty line
/// before each request line is passed over (RFC 9112 section 2.2), a second one is a fault. After a request that is not
/// to be followed by another (`RequestHead.keepAlive` is false), whatever comes is left unread.
///
/// Cost: one walk over the bytes of a head, one copy of it and two allocations; body bytes are neither read nor copied.
/// A head that comes in several pieces is put together by copying. Used on the connection's loop only.
public struct RequestDecoder: Sendable {
    private enum State {
        /// Nothing of the next head is accepted yet; true once an empty line was passed over.
        /// Leaves for `head` with the first byte of a request line.
        case between(Bool)
        /// Leaves for `body` with the empty line, for `ended` when no body follows.
        case head
        /// Leaves for `between` or `closed` with the last byte of the message.
        case body
        /// The head was handed out and no body follows. Leaves like `body`.
        case ended
        /// Behind the last request of the connection. Final.
        case closed
        /// Behind a fault. Final.
        case failed
    }

    /// Of every head from the next one on. At most 1 GiB counts, because places are kept in 32 bits; at least one byte
    /// and one field.
    public var limits: HeadLimits {
        didSet { self.limits = self.limits.clamped }
    }
    private var pending = ByteBuffer()
    private var state = State.between(false)
    private var parser = HeadParser(.request)
    private var body = BodyReader(.none)
    private var keepAlive = true

    /// - Parameter limits: of the first head, and of all until others are set.
    public init(limits: HeadLimits) {
        self.limits = limits.clamped
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

    /// The next event of what was fed. The connection asks until `needMore`, or stops earlier to hold back what a
    /// client pipelines; a `fault` is to be answered with its code and followed by a close.
    public mutating func next() -> RequestEvent {
        do throws(Breach) {
            switch self.state {
            case .between(let isAfterEmptyLine): return try self.begin(isAfterEmptyLine)
            case .head: return try self.readHead()
            case .body: return try self.readBody()
            case .ended: return self.endMessage()
            case .closed, .failed: return .needMore
            }
        } catch {
            self.state = .failed
            self.pending = ByteBuffer()
            return .fault(HTTPFault(request: error))
        }
    }

    /// Some bytes of a head came, not all of them: the head's deadline runs.
    public var isInsideHead: Bool {
        switch self.state {
        case .between, .head: self.pending.readableBytes > 0
        default: false
        }
    }

    /// Bytes were fed that are not part of any event yet.
    public var hasUnreadBytes: Bool { self.pending.readableBytes > 0 }

    private mutating func begin(_ isAfterEmptyLine: Bool) throws(Breach) -> RequestEvent {
        guard let first = self.pending.getInteger(at: self.pending.readerIndex, as: UInt8.self) else {
            return .needMore
        }
        if first == HeadGrammar.carriageReturn {
            guard !isAfterEmptyLine else { throw .malformed("more than one empty line before a request line") }
            let second = self.pending.readerIndex + 1
            guard let next = self.pending.getInteger(at: second, as: UInt8.self) else { return .needMore }
            guard next == HeadGrammar.lineFeed else { throw .malformed("bare CR") }
            self.pending.moveReaderIndex(forwardBy: 2)
            self.state = .between(true)
            return try self.begin(true)
        }
        self.parser = HeadParser(.request)
        self.state = .head
        return try self.readHead()
    }

    private mutating func readHead() throws(Breach) -> RequestEvent {
        var count = 0
        let decision = try BodyReader.read(self.pending) { bytes throws(Breach) -> RequestDecision? in
            count = try self.parser.advance(bytes, self.limits)
            guard count >= 0, let base = bytes.baseAddress else { return nil }
            return try RequestDecision(self.parser.requestLine, self.parser.facts, base)
        }
        guard let decision else { return .needMore }
        self.pending.moveReaderIndex(forwardBy: count)
        self.keepAlive = decision.keepAlive
        switch decision.framing {
        case .none, .length(0):
            self.state = .ended
        default:
            self.body = BodyReader(decision.framing)
            self.state = .body
        }
        let line = self.parser.requestLine
        return .head(
            RequestHead(
                method: line.method, version: line.version, target: HeadParser.place(line.target),
                path: HeadParser.place(line.path), query: HeadParser.place(line.query), framing: decision.framing,
                keepAlive: decision.keepAlive, expectsContinue: decision.expectsContinue,
                fields: self.parser.takeFields()))
    }

    private mutating func readBody() throws(Breach) -> RequestEvent {
        switch try self.body.next(&self.pending, self.limits, &self.parser) {
        case .needMore: return .needMore
        case .bytes(let bytes): return .body(bytes)
        case .end: return self.endMessage()
        }
    }

    private mutating func endMessage() -> RequestEvent {
        self.state = self.keepAlive ? .between(false) : .closed
        return .end
    }
}

/// What follows from a whole head, in the order in which faults answer: `Host`, framing, expectation.
private struct RequestDecision {
    let framing: BodyFraming
    let keepAlive: Bool
    let expectsContinue: Bool

    init(_ line: RequestLine, _ facts: HeadFacts, _ base: UnsafeRawPointer) throws(Breach) {
        try Self.checkHost(facts, line, base)
        self.framing = try BodyFraming.ofRequest(facts, line.version, base)
        if facts.hasExpect, !HeadGrammar.equals(base, facts.expect, "100-continue") {
            throw Breach(.expectation, "expectation other than 100-continue")
        }
        self.keepAlive = line.version == .http11 && !facts.closes
        self.expectsContinue =
            facts.hasExpect && line.version == .http11 && self.framing != .none && self.framing != .length(0)
    }

    private static func checkHost(_ facts: HeadFacts, _ line: RequestLine, _ base: UnsafeRawPointer) throws(Breach) {
        guard facts.hasHost else {
            guard line.version == .http10 else { throw .malformed("no Host") }
            if line.isOriginForm || HostGrammar.parts(base, line.authority) != nil { return }
            throw .malformed("authority of the target is not valid")
        }
        guard let host = HostGrammar.parts(base, facts.host) else { throw .malformed("Host is not valid") }
        if line.isOriginForm { return }
        guard let authority = HostGrammar.parts(base, line.authority) else {
            throw .malformed("authority of the target is not valid")
        }
        guard HostGrammar.agree(base, host, authority, defaultPort: line.defaultPort) else {
            throw .malformed("target and Host disagree")
        }
    }
}

import GatewayCore
import GatewayHTTP
import NIOCore
import NIOSSL
import NIOTLS

/// Who reads an answer. All calls come on the connection's loop, in the order of the names here.
public protocol UpstreamResponder: AnyObject {
    func upstreamHead(_ head: ResponseHead)
    /// Bytes of the body without chunk framing, never empty; they share the storage of what was read.
    func upstreamBody(_ bytes: ByteBuffer)
    /// The end of a burst of bytes: what was gathered should be flushed. Not called after `upstreamEnd`.
    func upstreamReadComplete()
    /// The whole answer is there. The connection is back in its pool or closed by itself: it must not be touched.
    func upstreamEnd()
    /// The answer will not come, or not all of it. The connection is gone: it must not be touched.
    func upstreamFailed(_ fault: UpstreamFault)
    /// The connection's output buffer crossed a mark: write no more, or go on.
    func upstreamWritability(_ writable: Bool)
}

/// How a connection ended in the middle of an exchange.
public struct UpstreamFault: Error, Hashable, Sendable {
    /// `upstreamReset` before a head, `upstreamTruncated` after it, `upstreamGarbage` when the bytes break the grammar.
    public let code: ErrorCode
    /// Whether the responder has had `upstreamHead`. Interim answers do not count.
    public let headArrived: Bool
    /// False on a reused connection means that the peer had closed it: another attempt on a fresh one is safe.
    public let anyByteArrived: Bool
    /// For the log.
    public let detail: String

    public init(code: ErrorCode, headArrived: Bool, anyByteArrived: Bool, detail: String) {
        self.code = code
        self.headArrived = headArrived
        self.anyByteArrived = anyByteArrived
        self.detail = detail
    }
}

/// One connection to a provider, and the last handler of its channel. It belongs to its loop.
///
/// Who got it from the pool calls `begin`, writes the request and calls `requestFinished`; the rest comes through the
/// responder. It goes back to the pool by itself, exactly once, and only if nothing is left over from the exchange on
/// either side: request written, answer whole, `keepAlive`, no surplus byte (pitfall R-2, fault 18).
///
/// While paused it asks the socket for nothing. What still comes (the rest of a burst; when the peer closes, what the
/// kernel held) is kept as it came and handed on after `resumeReading`, the end only after it. So memory is bounded by
/// the socket's receive buffer.
/// Cost per burst beside decoding: no allocation; writes carry no promise.
public final class UpstreamConnection: ChannelInboundHandler {
    /// One read of the socket, cut anywhere, after TLS.
    public typealias InboundIn = ByteBuffer
    /// Bytes of requests that `SocketWriter` leaves to the channel, before TLS.
    public typealias OutboundOut = ByteBuffer

    enum Phase {
        /// Leaves for `.idle` when TCP, and TLS, stand.
        case connecting
        /// In the pool. Any byte or end from the peer closes it.
        case idle
        /// Somebody's, who has not called `begin` yet.
        case leased
        /// Between `begin` and the end of the answer.
        case exchanging
        /// Closed, or closing: nothing is delivered any more.
        case gone
    }

    let id: UpstreamPoolStateMachine.ConnectionID
    let endpoint: UpstreamEndpoint
    /// Told once whether the connection stands; nil afterwards.
    var onReady: ((Result<Void, ConnectFault>) -> Void)?
    /// Its attempt has not decided about it yet.
    var isAwaited = true
    /// Nil once the pool knows that the connection is gone.
    private var pool: UpstreamPool?
    private var context: ChannelHandlerContext?
    private let writer = SocketWriter()
    private(set) var phase = Phase.connecting

    private var responder: (any UpstreamResponder)?
    private var decoder: ResponseDecoder
    private var headArrived = false
    private var anyByteArrived = false
    private var answerKeepsAlive = false
    private var isRequestFinished = false
    private var requestBytes = 0

    /// Bursts that came while nobody wanted them, in order.
    private var stash: [ByteBuffer] = []
    private(set) var stashedBytes = 0
    private var isPaused = false
    private var isDraining = false
    /// Bytes came since the last `upstreamReadComplete`.
    private var hasUnreported = false
    /// A read was asked for and has not ended yet.
    private var isReading = false
    /// The peer's end has come; it counts after what is in `stash`.
    private var sawEnd = false
    /// What went wrong at the socket or in TLS: then an end is not a clean one.
    private var channelError: (any Error)?

    init(
        id: UpstreamPoolStateMachine.ConnectionID, endpoint: UpstreamEndpoint, limits: HeadLimits, pool: UpstreamPool
    ) {
        self.id = id
        self.endpoint = endpoint
        self.decoder = ResponseDecoder(limits: limits)
        self.pool = pool
    }

    // MARK: For the one who leased it

    /// Starts an exchange. If the peer has closed the connection since it was leased, the responder fails at once.
    public func begin(_ responder: any UpstreamResponder, requestIsHead: Bool) {
        guard self.phase != .gone else {
            responder.upstreamFailed(self.fault(.upstreamReset, "closed before the request"))
            return
        }
        guard always(self.phase == .leased, "begin follows a lease") else { return }
        self.phase = .exchanging
        self.responder = responder
        self.headArrived = false
        self.anyByteArrived = false
        self.answerKeepsAlive = false
        self.isRequestFinished = false
        self.requestBytes = 0
        self.isPaused = false
        self.hasUnreported = false
        self.decoder.begin(requestWasHead: requestIsHead)
        self.readIfWanted()
    }

    /// Adds bytes of the request; nothing is sent before `flush`. Dropped when the connection is gone.
    public func write(_ bytes: ByteBuffer) {
        guard self.phase == .exchanging else { return }
        self.requestBytes &+= bytes.readableBytes
        self.writer.write(bytes)
    }

    /// Sends what was written. An error of the socket is not told here: the responder hears of it from the channel.
    public func flush() {
        guard self.phase == .exchanging else { return }
        self.writer.flush()
    }

    /// The same as `write` and then `flush`.
    public func writeAndFlush(_ bytes: ByteBuffer) {
        guard self.phase == .exchanging else { return }
        self.requestBytes &+= bytes.readableBytes
        self.writer.writeAndFlush(bytes)
    }

    /// All of the request has been given to `write`. Without it the connection closes at the end of the answer.
    public func requestFinished() {
        guard self.phase == .exchanging else { return }
        self.isRequestFinished = true
    }

    /// No head, no body, no end and no failure of the answer from now on, until `resumeReading`. A last
    /// `upstreamReadComplete` follows when a burst was being delivered.
    public func pauseReading() {
        guard self.phase == .exchanging else { return }
        self.isPaused = true
    }

    /// What came meanwhile is delivered before this returns, as far as the responder does not pause again.
    public func resumeReading() {
        guard self.phase == .exchanging, self.isPaused else { return }
        self.isPaused = false
        guard !self.isDraining else { return }
        let hadBytes = self.drain()
        if hadBytes, self.phase == .exchanging { self.responder?.upstreamReadComplete() }
        self.readIfWanted()
    }

    /// Closes at once. The responder hears nothing any more.
    public func abandon() {
        self.responder = nil
        self.close()
    }

    /// Gives it back unused, instead of `begin`.
    public func giveBack() {
        guard self.phase == .leased else { return }
        self.phase = .idle
        self.pool?.connectionReleased(self)
    }

    /// False while the output buffer is above its mark.
    public var isWritable: Bool { self.context?.channel.isWritable ?? false }

    // MARK: For the pool

    func becomeLeased() {
        guard self.phase == .idle else { return }
        self.phase = .leased
    }

    /// The pool has forgotten it already.
    func closeForgotten() {
        self.pool = nil
        self.close()
    }

    private func close() {
        guard self.phase != .gone else { return }
        self.phase = .gone
        self.stash = []
        self.stashedBytes = 0
        self.onReady = nil
        self.context?.close(promise: nil)
        self.leavePool()
    }

    private func leavePool() {
        guard let pool = self.pool else { return }
        self.pool = nil
        pool.connectionClosed(self)
    }

    // MARK: For the channel

    /// Takes the channel over, which may not be connected yet. Writes go to the socket in place unless there is TLS.
    public func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.writer.attach(to: context, isPlain: !self.endpoint.tls)
    }

    /// Lets go of the channel. What was kept while paused can still be delivered.
    public func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.writer.detach()
    }

    /// TCP stands. Without TLS that makes it ready; with TLS the handshake has to follow.
    public func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        if !self.endpoint.tls { self.becomeReady() }
        self.readIfWanted()
    }

    /// After the handshake: a host that is a name has to be named by the certificate (RFC 9525), or the connection
    /// fails.
    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            if self.isPeerNamed(context) {
                self.becomeReady()
            } else {
                self.phase = .gone
                self.pool = nil
                context.close(promise: nil)
                self.becomeReady(.failure(.init(detail: "the certificate is for another name")))
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Decodes one read for the responder before it returns, or keeps it while paused. What comes between two exchanges
    /// was not asked for and closes the connection.
    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        switch self.phase {
        case .exchanging:
            self.anyByteArrived = true
            self.hasUnreported = true
            guard !self.isPaused, !self.isDraining, self.stash.isEmpty else {
                self.stash.append(bytes)
                self.stashedBytes += bytes.readableBytes
                return
            }
            self.decoder.feed(bytes)
            self.drain()
        case .idle, .leased:
            // Bytes that nobody asked for: no answer on this connection can be trusted any more.
            self.close()
        case .connecting, .gone:
            break
        }
    }

    /// Tells the responder that a burst is over, also while paused, and asks for the next read if not.
    public func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        // While paused too: what was written downstream before the pause has to be flushed, or it would last for ever.
        if self.phase == .exchanging, self.hasUnreported {
            self.hasUnreported = false
            self.responder?.upstreamReadComplete()
        }
        self.readIfWanted()
    }

    /// Tells the responder that the output buffer crossed a mark.
    public func channelWritabilityChanged(context: ChannelHandlerContext) {
        if self.phase == .exchanging { self.responder?.upstreamWritability(context.channel.isWritable) }
        context.fireChannelWritabilityChanged()
    }

    /// Keeps the first error, for the log and so that the end is not taken for a clean one, and closes.
    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if self.channelError == nil { self.channelError = error }
        context.close(promise: nil)
    }

    /// The connection has ended. A connect fails, one that is idle or leased leaves the pool, and of an answer what is
    /// left is delivered first, now or after `resumeReading`; then it ends or fails.
    public func channelInactive(context: ChannelHandlerContext) {
        self.writer.detach()
        self.sawEnd = true
        switch self.phase {
        case .connecting:
            let detail = self.channelError.map { "\($0)" } ?? "closed by the peer"
            self.phase = .gone
            self.pool = nil  // the attempt reports to the pool; it may try another address
            self.becomeReady(.failure(.init(detail: detail)))
        case .idle, .leased:
            self.close()
        case .exchanging:
            if !self.isPaused { self.drain() }
        case .gone:
            break
        }
        context.fireChannelInactive()
    }

    private func isPeerNamed(_ context: ChannelHandlerContext) -> Bool {
        // An address is compared by NIOSSL.
        guard IPAddress(self.endpoint.host) == nil else { return true }
        guard let leaf = try? context.channel.pipeline.syncOperations.nioSSL_peerCertificate() else { return false }
        return CertificateName.isNamed(self.endpoint.host, by: leaf)
    }

    private func becomeReady(_ result: Result<Void, ConnectFault> = .success(())) {
        if case .success = result, self.phase == .connecting { self.phase = .idle }
        let onReady = self.onReady
        self.onReady = nil
        onReady?(result)
    }

    /// One read is always under way, but while paused: so an idle connection notices its end.
    private func readIfWanted() {
        guard !self.isReading, !self.isPaused, !self.sawEnd, self.phase != .gone, let context = self.context
        else { return }
        self.isReading = true
        context.read()
    }

    // MARK: The answer

    /// Hands on what was fed and stashed, until it is used up or somebody pauses.
    /// - Returns: whether there was anything.
    @discardableResult
    private func drain() -> Bool {
        guard !self.isDraining else { return false }
        self.isDraining = true
        var delivered = false
        while self.phase == .exchanging, !self.isPaused {
            switch self.decoder.next() {
            case .needMore:
                if self.feedFromStash() { continue }
                self.isDraining = false
                if self.sawEnd { self.finishAtEnd() }
                return delivered
            case .informational:
                continue
            case .head(let head):
                self.headArrived = true
                self.answerKeepsAlive = head.keepAlive
                self.responder?.upstreamHead(head)
                delivered = true
            case .body(let bytes):
                self.responder?.upstreamBody(bytes)
                delivered = true
            case .end:
                self.isDraining = false
                self.answerEnded()
                return delivered
            case .fault(let fault):
                self.isDraining = false
                self.fail(self.fault(fault.code, fault.detail))
                return delivered
            }
        }
        self.isDraining = false
        return delivered
    }

    /// Bursts are fed one by one, so that a pause leaves the rest as it is.
    private func feedFromStash() -> Bool {
        guard !self.stash.isEmpty else { return false }
        let bytes = self.stash.removeFirst()
        self.stashedBytes -= bytes.readableBytes
        self.decoder.feed(bytes)
        return true
    }

    /// The peer has closed and nothing that it sent is left.
    private func finishAtEnd() {
        switch self.decoder.finish() {
        case .end where self.channelError == nil:
            self.answerEnded()
        case .fault(let fault) where self.headArrived || fault.code != .upstreamTruncated:
            self.fail(self.fault(fault.code, self.channelError.map { "\($0)" } ?? fault.detail))
        default:
            let detail = self.channelError.map { "\($0)" } ?? "closed by the peer"
            self.fail(self.fault(self.headArrived ? .upstreamTruncated : .upstreamReset, detail))
        }
    }

    private func answerEnded() {
        let responder = self.responder
        self.responder = nil
        if self.isReusable {
            self.phase = .idle
            self.pool?.connectionReleased(self)
        } else {
            self.close()
        }
        responder?.upstreamEnd()
    }

    private var isReusable: Bool {
        self.isRequestFinished && self.answerKeepsAlive && !self.decoder.hasSurplusBytes && self.stash.isEmpty
            && !self.sawEnd && self.channelError == nil && self.isRequestOnItsWay
    }

    /// Whether the socket has taken all of the request. A small one always fits into an empty send buffer.
    private var isRequestOnItsWay: Bool {
        guard self.requestBytes > 16 << 10 else { return true }
        guard let options = self.context?.channel.syncOptions,
            let waiting = try? options.getOption(ChannelOptions.bufferedWritableBytes)
        else { return false }
        return waiting == 0
    }

    private func fail(_ fault: UpstreamFault) {
        let responder = self.responder
        self.responder = nil
        self.close()
        responder?.upstreamFailed(fault)
    }

    private func fault(_ code: ErrorCode, _ detail: String) -> UpstreamFault {
        .init(
            code: code, headArrived: self.headArrived, anyByteArrived: self.anyByteArrived,
            detail: "\(self.endpoint): \(detail)")
    }
}

@available(*, unavailable)
extension UpstreamConnection: Sendable {}

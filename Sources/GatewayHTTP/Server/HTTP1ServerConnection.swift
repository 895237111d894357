import GatewayCore
import Glibc
import NIOCore
import NIOSSL

/// One inbound HTTP/1.1 connection: bytes to request events, answers to bytes.
///
/// The machine decides, this runs: it owns the channel, the decoder and the output buffer of the loop. Requests are
/// answered one after the other; what a client pipelines waits, unread beyond one read. All of it on one event loop.
public final class HTTP1ServerConnection: ChannelInboundHandler, DeadlineOwner {
    /// One read of the socket, cut anywhere.
    public typealias InboundIn = ByteBuffer
    /// What `SocketWriter` leaves to the channel, and empty buffers whose completion tells that all before them is out.
    public typealias OutboundOut = ByteBuffer

    let loop: ServerLoop
    var machine = HTTP1ServerMachine()
    var context: ChannelHandlerContext?
    var output: ByteBuffer?
    let writer = SocketWriter()
    private let isPlain: Bool
    /// Verified in the handshake; `nil` without TLS, and when the client showed none.
    let clientCertificate: ClientCertificate?
    var memo: AnyObject?
    /// Follows the channel, which tells every change within the write or flush that makes it.
    private(set) var isWritable = true
    private var decoder: RequestDecoder
    private var exchange: (any DownstreamExchange)?
    private var slot: DeadlineTable.Slot?
    private var isProcessing = false
    private var isPaused = false
    private var pausedByPipeline = false
    private var bodyBytes = 0
    private var bodyBytesAtMark = 0
    private var discardedBytes = 0
    private(set) var clientAddress: IPAddress?
    /// When the first byte of the current request was read; of a pipelined one, when its turn came.
    private(set) var requestBeganAt = MonotonicTime.now()

    /// - Parameter isPlain: bytes leave the channel as they are written, so that no TLS stands between.
    public init(loop: ServerLoop, isPlain: Bool, clientCertificate: ClientCertificate? = nil) {
        self.loop = loop
        self.isPlain = isPlain
        self.clientCertificate = clientCertificate
        self.decoder = RequestDecoder(limits: loop.limits.head)
    }

    // MARK: Channel events

    /// The connection stands: it joins its loop's connections and has the idle time to send a first byte.
    public func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.writer.attach(to: context, isPlain: self.isPlain)
        self.isWritable = context.channel.isWritable
        self.clientAddress = context.channel.remoteAddress.flatMap(IPAddress.init(socketAddress:))
        self.loop.add(self)
        let slot = self.loop.deadlines.register(self)
        self.slot = slot
        self.loop.deadlines.set(slot, .now() + self.loop.limits.idleTimeout)
    }

    /// As `channelInactive`, for a channel that loses its handlers first. Whichever comes second does nothing.
    public func handlerRemoved(context: ChannelHandlerContext) {
        self.finish()
    }

    /// The connection is gone, whoever ended it: slot and buffer are given back, and an exchange whose answer is not
    /// complete hears `downstreamClosed`.
    public func channelInactive(context: ChannelHandlerContext) {
        self.finish()
        context.fireChannelInactive()
    }

    /// Decodes one read and delivers its events before it returns. Dropped once the last answer is on its way out.
    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        guard self.machine.mayRead else { return }
        if self.machine.isBetweenRequests, !self.decoder.isInsideHead { self.requestBeganAt = .now() }
        self.decoder.feed(bytes)
        self.process()
    }

    /// Sends in one write what exchanges have written while a burst was read.
    public func channelReadComplete(context: ChannelHandlerContext) {
        self.flushOutput()
    }

    /// Tells the exchange that the output buffer crossed a mark: a provider's answer that was held back may go on.
    public func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.isWritable = context.channel.isWritable
        self.exchange?.downstreamWritability(self.isWritable)
    }

    /// A broken socket closes; what follows from it comes with `channelInactive`.
    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    // MARK: Requests

    private func process() {
        guard !self.isProcessing else { return }
        self.isProcessing = true
        defer { self.isProcessing = false }
        reading: while self.context != nil {
            switch self.machine.state {
            case .closed, .closing: break reading
            case .exchanging where self.machine.requestEnded: break reading
            case .idle, .exchanging, .lingering: break
            }
            switch self.decoder.next() {
            case .needMore: break reading
            case .head(let head): self.deliverHead(head)
            case .body(let bytes): self.deliverBody(bytes)
            case .end: self.deliverEnd()
            case .fault(let fault): self.deliverFault(GatewayError(fault.code, detail: fault.detail))
            }
        }
        self.armReadDeadline()
        self.boundPipeline()
    }

    private func deliverHead(_ head: RequestHead) {
        self.machine.requestHead(head)
        self.bodyBytes = 0
        self.bodyBytesAtMark = 0
        self.bodyDeadlineIsSet = false
        self.headDeadlineIsSet = false
        self.discardedBytes = 0
        let exchange = self.loop.factory.makeExchange(.http1(self))
        self.exchange = exchange
        exchange.requestHead(head)
    }

    private func deliverBody(_ bytes: ByteBuffer) {
        self.machine.requestBody()
        self.bodyBytes += bytes.readableBytes
        if self.machine.mayDeliverRequest {
            self.exchange?.requestBody(bytes)
        } else {
            self.discard(bytes.readableBytes)
        }
    }

    private func deliverEnd() {
        let exchange = self.machine.mayDeliverRequest ? self.exchange : nil
        if self.machine.state == .lingering {
            self.closeNow()
            return
        }
        self.run(self.machine.requestEnd())
        exchange?.requestEnd()
    }

    private func deliverFault(_ error: GatewayError) {
        guard self.machine.state != .lingering else {
            self.closeNow()
            return
        }
        let hadAnswer = self.machine.state == .exchanging && self.machine.headWritten
        self.machine.requestUnreadable()
        if hadAnswer {
            // The head of an answer is out: nothing true can follow on this connection.
            self.closeNow()
            return
        }
        let exchange = self.exchange ?? self.loop.factory.makeExchange(.http1(self))
        self.exchange = exchange
        exchange.requestFault(error)
    }

    private func discard(_ count: Int) {
        self.discardedBytes += count
        if self.discardedBytes > self.loop.limits.discardBytesMax { self.closeNow() }
    }

    /// An early answer to a request whose body has already arrived need not cost the connection.
    func discardBufferedBody() {
        guard self.machine.state == .exchanging, !self.machine.requestEnded else { return }
        while true {
            switch self.decoder.next() {
            case .body(let bytes):
                self.discardedBytes += bytes.readableBytes
                if self.discardedBytes > self.loop.limits.discardBytesMax { return }
            case .end:
                _ = self.machine.requestEnd()
                return
            case .needMore, .head: return
            case .fault:
                self.machine.mustClose()
                return
            }
        }
    }

    func run(_ next: HTTP1ServerMachine.Next) {
        switch next {
        case .wait: break
        case .readNextRequest:
            self.exchange = nil
            self.decoder.limits = self.loop.limits.head
            if self.decoder.hasUnreadBytes { self.requestBeganAt = .now() }
            if self.loop.factory.acceptsMore {
                self.resumeAfterPipeline()
                self.process()
            } else {
                self.closeAfterWrites()
            }
        case .close:
            self.exchange = nil
            self.closeAfterWrites()
        case .linger:
            self.exchange = nil
            self.startLingering()
        }
    }

    // MARK: Deadlines and back-pressure

    private func armReadDeadline() {
        guard let slot = self.slot else { return }
        switch self.machine.state {
        case .idle where self.decoder.isInsideHead:
            if !self.headDeadlineIsSet { self.loop.deadlines.set(slot, .now() + self.loop.limits.headTimeout) }
            self.headDeadlineIsSet = true
        case .idle:
            self.headDeadlineIsSet = false
            // What is still going out is looked at when the time is over, not per request.
            self.pendingBytesAtMark = Int.max
            self.loop.deadlines.set(slot, afterNextTick: self.loop.limits.idleTimeout)
        case .closing:
            self.armWriteDeadline(slot)
        case .exchanging:
            self.headDeadlineIsSet = false
            if self.machine.requestEnded || self.isPaused {
                self.loop.deadlines.clear(slot)
                self.bodyDeadlineIsSet = false
            } else if !self.bodyDeadlineIsSet
                || self.bodyBytes - self.bodyBytesAtMark >= self.loop.limits.bodyProgressBytes
            {
                self.bodyBytesAtMark = self.bodyBytes
                self.bodyDeadlineIsSet = true
                self.loop.deadlines.set(slot, .now() + self.loop.limits.bodyTimeout)
            }
        case .lingering, .closed: break
        }
    }

    /// An answer that is still going out has to make progress.
    private func armWriteDeadline(_ slot: DeadlineTable.Slot) {
        self.pendingBytesAtMark = self.pendingBytes
        self.loop.deadlines.set(slot, .now() + self.loop.limits.bodyTimeout)
    }

    /// Written by us and not yet taken by the socket.
    var pendingBytes: Int {
        guard let context = self.context else { return 0 }
        return (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    private var pendingBytesAtMark = 0
    private var headDeadlineIsSet = false
    private var bodyDeadlineIsSet = false

    /// The one deadline of the state it is in. A head or body that came too slowly is answered with 408, or with a
    /// close when the head of an answer is out. An idle connection closes, and so does one whose client took nothing of
    /// its answer since the last look, or did not end a body that is thrown away.
    public func deadlinePassed(at now: MonotonicTime) {
        switch self.machine.state {
        case .idle where self.decoder.isInsideHead, .exchanging:
            self.bodyDeadlineIsSet = false
            self.deliverFault(GatewayError(.requestTimeout))
        case .idle, .closing:
            // An answer is still going out, and the client took some of it since the last look: it gets its time.
            let pending = self.pendingBytes
            if let slot = self.slot, pending > 0, pending < self.pendingBytesAtMark {
                self.armWriteDeadline(slot)
            } else {
                self.closeNow()
            }
        case .lingering, .closed:
            self.closeNow()
        }
    }

    func pauseReading() {
        guard !self.isPaused else { return }
        self.isPaused = true
        self.setAutoRead(false)
        self.armReadDeadline()
    }

    func resumeReading() {
        guard self.isPaused else { return }
        self.isPaused = false
        if !self.pausedByPipeline { self.setAutoRead(true) }
        self.armReadDeadline()
    }

    /// A client that pipelines is read no further than what came with the request that is being answered.
    private func boundPipeline() {
        guard self.machine.state == .exchanging, self.machine.requestEnded, self.decoder.hasUnreadBytes,
            !self.pausedByPipeline
        else { return }
        self.pausedByPipeline = true
        self.setAutoRead(false)
    }

    private func resumeAfterPipeline() {
        guard self.pausedByPipeline else { return }
        self.pausedByPipeline = false
        if !self.isPaused { self.setAutoRead(true) }
    }

    private func setAutoRead(_ isOn: Bool) {
        try? self.context?.channel.syncOptions?.setOption(.autoRead, value: isOn)
        if isOn { self.context?.read() }
    }

    // MARK: Ends

    func closeIfIdle() {
        guard self.machine.isBetweenRequests, !self.decoder.isInsideHead else { return }
        if self.pendingBytes > 0 { self.closeAfterWrites() } else { self.closeNow() }
    }

    /// For the end of a drain: the exchange ends its answer, then the connection goes.
    func shutDown() {
        if self.machine.mayDeliverRequest { self.exchange?.downstreamShutdown() }
        self.closeNow()
    }

    func closeNow() {
        self.machine.close()
        self.context?.close(promise: nil)
    }

    /// A close that no client can take for the end of an answer: a reset, and no `close_notify` of TLS before it.
    func resetNow() {
        guard let context = self.context else { return }
        self.machine.close()
        // Zero seconds of SO_LINGER: the peer sees ECONNRESET, not an end of file (socket(7)).
        _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        // From the place of the TLS handler outwards it does not see the close.
        let outwards =
            self.isPlain
            ? nil : try? context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        (outwards ?? context).close(promise: nil)
    }

    /// Reads and throws away what still comes, so that the answer is read before the connection is reset.
    private func startLingering() {
        self.flushOutput()
        guard let context = self.context else { return }
        if let slot = self.slot { self.loop.deadlines.set(slot, .now() + self.loop.limits.discardTimeout) }
        if self.isPaused || self.pausedByPipeline {
            self.isPaused = false
            self.pausedByPipeline = false
            self.setAutoRead(true)
        }
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            connection.value.context?.close(mode: .output, promise: nil)
        }
        self.process()
    }

    func closeAfterWrites() {
        self.flushOutput()
        guard let context = self.context else { return }
        self.machine.closeAfterWrites()
        self.armReadDeadline()
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            connection.value.context?.close(promise: nil)
        }
    }

    private func finish() {
        guard self.context != nil else { return }
        self.context = nil
        self.writer.detach()
        self.isWritable = false
        self.machine.close()
        self.loop.remove(self)
        if let slot = self.slot { self.loop.deadlines.release(slot) }
        self.slot = nil
        if let output = self.output.take() { self.loop.buffers.give(output) }
        if let exchange = self.exchange.take(), !self.machine.answerEnded { exchange.downstreamClosed() }
    }

    func dropExchange() {
        self.exchange = nil
    }
}

extension IPAddress {
    init?(socketAddress: SocketAddress) {
        // The family, the port, for IPv6 the flow label, then the address (ip(7), ipv6(7)).
        switch socketAddress {
        case .v4(let address):
            self.init(bytes: withUnsafeBytes(of: address.address) { Array($0[4..<8]) })
        case .v6(let address):
            self.init(bytes: withUnsafeBytes(of: address.address) { Array($0[8..<24]) })
        case .unixDomainSocket:
            return nil
        }
    }
}

import GatewayCore
import GatewayHTTP
import GatewayTesting
import GatewayWire
import NIOCore
import NIOEmbedded

@testable import GatewayUpstream

/// The network towards the providers: every channel that the pool has opened, and what their peers will do next.
final class Network {
    let loop: EmbeddedEventLoop
    var random: SeededRandom
    /// Told of each request that a provider has read in full, or answers without.
    var onRequest: (_ tag: String, _ body: String, _ isWhole: Bool) -> Void = { _, _, _ in }
    var onAnswer: (_ tag: String, Answer) -> Void = { _, _ in }
    private(set) var peers: [Peer] = []
    private(set) var complaint: String?
    /// Hosts whose answers are mostly bad just now.
    var troubled: Set<String> = []
    /// Requests that met a connection which its peer had closed already.
    var staleCount = 0

    init(loop: EmbeddedEventLoop, random: SeededRandom) {
        self.loop = loop
        self.random = random
    }

    /// Where the pool gets its channels from.
    var dialer: UpstreamDialer {
        UpstreamDialer { [unowned self] target, _, _, prepare in self.dial(target, prepare) }
    }

    private func dial(
        _ target: SocketAddress, _ prepare: @escaping UpstreamDialer.Preparation
    ) -> EventLoopFuture<any Channel> {
        let peer = Peer(network: self, host: target.ipAddress ?? "", target: target)
        self.peers.append(peer)
        return peer.open(prepare)
    }

    func closed(_ peer: Peer) { self.peers.removeAll { $0 === peer } }

    func complain(_ text: String) {
        if self.complaint == nil { self.complaint = text }
    }

    /// Peers with something to do, in order of their age.
    var busy: [Peer] { self.peers.filter(\.canAct) }
    var open: Int { self.peers.count }
}

/// The far end of one connection: the last handler before the wire.
final class Peer: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        case dialed, open, closed
    }

    let host: String
    private unowned let network: Network
    private let target: SocketAddress
    private let connected: EventLoopPromise<any Channel>
    private var channel: EmbeddedChannel?
    private var phase = Phase.dialed
    private var decoder = RequestDecoder(limits: HeadLimits(bytesMax: 8192, fieldsMax: 32))
    private var requestTag: String?
    private var requestText = ""
    private var answer: Answer?
    private var sent = 0
    /// It answers and does not look at what still comes of the request.
    private var isEarly = false
    /// It has closed already; the gateway will learn of it after the next request.
    private var isDoomed = false
    /// It swallows the packets of the connect.
    private let isMute: Bool
    /// The gateway has asked for bytes.
    private(set) var wantsRead = false

    init(network: Network, host: String, target: SocketAddress) {
        self.network = network
        self.host = host
        self.target = target
        self.connected = network.loop.makePromise()
        self.isMute = network.random.oneIn(25)
    }

    func open(_ prepare: UpstreamDialer.Preparation) -> EventLoopFuture<any Channel> {
        let channel = EmbeddedChannel(handlers: [self], loop: self.network.loop)
        self.channel = channel
        _ = prepare(channel)
        return self.connected.futureResult
    }

    func isOf(_ connection: UpstreamConnection) -> Bool {
        guard let context = try? self.channel?.pipeline.syncOperations.context(handlerType: UpstreamConnection.self)
        else { return false }
        return context.handler === connection
    }

    // MARK: What it does

    var canAct: Bool {
        switch self.phase {
        case .dialed: !self.isMute
        case .open where self.answer == nil: false
        case .open: self.answer.map { self.sent < $0.bursts.count ? self.wantsRead : $0.ending != .hang } ?? false
        case .closed: false
        }
    }

    /// Its window is closed: the gateway's output piles up.
    var isStalled: Bool { self.phase == .open && self.channel?.isWritable == false }
    var mayStall: Bool { self.phase == .open && !self.isStalled }

    func setStalled(_ isStalled: Bool) {
        self.channel?.isWritable = !isStalled
        self.channel?.pipeline.fireChannelWritabilityChanged()
    }

    var isIdle: Bool { self.phase == .open && self.answer == nil }

    /// One step of whatever it is doing.
    func act() {
        switch self.phase {
        case .dialed: self.decideDial()
        case .open: self.sendNext()
        case .closed: break
        }
    }

    private func decideDial() {
        guard let channel else { return }
        if self.network.random.oneIn(self.network.troubled.contains(self.host) ? 3 : 20) {
            self.connected.fail(IOError(errnoCode: 111, reason: "connect"))
            self.leave()
        } else {
            self.phase = .open
            channel.connect(to: self.target, promise: nil)
            self.connected.succeed(channel)
        }
    }

    private func sendNext() {
        guard let answer, let channel else { return }
        guard self.sent < answer.bursts.count else { return self.endAnswer(answer.ending) }
        guard self.wantsRead else { return }
        self.sent += 1
        let isLast = self.sent == answer.bursts.count
        // The next request may come while this one's last bytes are being delivered.
        if isLast, answer.ending == .keepOpen { self.answer = nil }
        self.deliver(answer.bursts[self.sent - 1], on: channel)
    }

    private func deliver(_ bytes: [UInt8], on channel: EmbeddedChannel) {
        self.wantsRead = false
        channel.pipeline.syncOperations.fireChannelRead(NIOAny(ByteBuffer(bytes: bytes)))
        channel.pipeline.syncOperations.fireChannelReadComplete()
    }

    private func endAnswer(_ ending: Answer.Ending) {
        switch ending {
        case .keepOpen: self.answer = nil
        case .close: self.leave()
        case .reset:
            self.channel?.pipeline.syncOperations.fireErrorCaught(IOError(errnoCode: 104, reason: "read"))
            self.leave()
        case .hang: break
        }
    }

    /// Closes. What it has sent and nobody has read yet arrives before the end.
    func leave() {
        guard self.phase != .closed, let channel else { return }
        self.phase = .closed
        channel.close(promise: nil)
        self.network.closed(self)
    }

    /// Sends on although nobody reads, then closes: the kernel held the rest.
    func leaveInTheMiddle() {
        guard self.phase == .open, let answer, let channel else { return }
        let kept = answer.bursts[self.sent...].prefix(3)
        self.sent += kept.count
        if self.sent == answer.bursts.count, answer.ending == .keepOpen { self.answer = nil }
        for burst in kept { self.deliver(burst, on: channel) }
        self.leave()
    }

    func doom() { self.isDoomed = true }

    // MARK: ChannelOutboundHandler

    func read(context: ChannelHandlerContext) { self.wantsRead = true }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        self.decoder.feed(Self.unwrapOutboundIn(data))
        self.readRequest()
        promise?.succeed(())
    }

    func flush(context: ChannelHandlerContext) {}

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if self.phase == .dialed { self.connected.fail(ChannelError.connectTimeout(.nanoseconds(0))) }
        self.phase = .closed
        self.network.closed(self)
        context.close(mode: mode, promise: promise)
    }

    private func readRequest() {
        while true {
            switch self.decoder.next() {
            case .needMore: return
            case .head(let head):
                if self.answer != nil || self.requestTag != nil { self.network.complain("a request inside another") }
                self.requestTag = head.fields.text(.xRequestID)
                self.requestText = ""
            case .body(let bytes):
                self.requestText += String(buffer: bytes)
                guard !self.isEarly, self.requestText.hasPrefix("--"), self.network.random.oneIn(30) else { continue }
                self.begin(isWhole: false)
                self.isEarly = true
            case .end where self.isEarly: self.isEarly = false
            case .end: self.begin(isWhole: true)
            case .fault(let fault): return self.network.complain("a malformed request: \(fault.detail)")
            }
        }
    }

    private func begin(isWhole: Bool) {
        guard let tag = self.requestTag.take() else { return self.network.complain("a request without an id") }
        self.sent = 0
        guard !self.isDoomed else {
            self.network.staleCount += 1
            self.answer = Answer(ending: .close)
            return
        }
        self.network.onRequest(tag, self.requestText, isWhole)
        let answer = Answer.make(
            tag: tag, isStream: self.requestText.contains(#""stream":true"#),
            reportsUsage: self.requestText.contains(#""include_usage":true"#),
            isTroubled: self.network.troubled.contains(self.host), random: &self.network.random)
        self.network.onAnswer(tag, answer)
        self.answer = answer
    }
}

import GatewayCore
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What a server does with each of its connections, in order.
enum ServerStep: Sendable {
    /// Waits until that many bytes of requests have come since the last wait.
    case awaitBytes(Int)
    case send(String)
    /// One byte per write.
    case drip(String)
    case sendZeros(count: Int)
    /// FIN after everything was written; what still comes is read.
    case halfClose
    case close
    /// FIN after everything was written, below TLS: without its own end.
    case cut
    /// RST.
    case reset
    /// Says nothing more, for ever.
    case hang
}

/// A server on the loopback that plays scripts: the n-th connection the n-th script, and the last script from then on.
final class ScriptedServer: Sendable {
    let port: Int
    private let channel: any Channel
    private let seen: SeenConnections

    init(
        group: any EventLoopGroup, host: String = "127.0.0.1", port: Int = 0, tls: NIOSSLContext? = nil,
        scripts: [[ServerStep]]
    ) async throws {
        let seen = SeenConnections()
        self.seen = seen
        self.channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = seen.add(channel)
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    let script = scripts[min(number, scripts.count - 1)]
                    try channel.pipeline.syncOperations.addHandler(
                        ScriptHandler(script: script, number: number, seen: seen))
                }
            }
            .bind(host: host, port: port).get()
        self.port = self.channel.localAddress?.port ?? 0
    }

    /// Connections that were accepted so far, and those whose end the server has seen.
    var accepted: Int { self.seen.accepted }
    var ended: Int { self.seen.ended }
    /// Bytes of requests on one connection.
    func bytes(of connection: Int) -> Int { self.seen.bytes(of: connection) }

    /// Stops listening and closes every connection.
    func stop() async {
        try? await self.channel.close().get()
        for channel in self.seen.channels { try? await channel.close().get() }
    }
}

private final class SeenConnections: Sendable {
    private struct State {
        var channels: [any Channel] = []
        var bytes: [Int] = []
        var ended = 0
    }

    private let state = Mutex(State())

    var accepted: Int { self.state.withLock { $0.channels.count } }
    var ended: Int { self.state.withLock { $0.ended } }
    var channels: [any Channel] { self.state.withLock { $0.channels } }
    func bytes(of connection: Int) -> Int {
        self.state.withLock { connection < $0.bytes.count ? $0.bytes[connection] : 0 }
    }

    func add(_ channel: any Channel) -> Int {
        self.state.withLock { state in
            state.channels.append(channel)
            state.bytes.append(0)
            return state.channels.count - 1
        }
    }

    func received(_ count: Int, of connection: Int) { self.state.withLock { $0.bytes[connection] += count } }
    func end() { self.state.withLock { $0.ended += 1 } }
}

private final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var script: ArraySlice<ServerStep>
    private let number: Int
    private let seen: SeenConnections
    private var received = 0
    private var isBusy = false

    init(script: [ServerStep], number: Int, seen: SeenConnections) {
        self.script = script[...]
        self.number = number
        self.seen = seen
    }

    func channelActive(context: ChannelHandlerContext) {
        self.play(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let count = Self.unwrapInboundIn(data).readableBytes
        self.received += count
        self.seen.received(count, of: self.number)
        self.play(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.seen.end()
        self.script = []
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func play(_ context: ChannelHandlerContext) {
        guard !self.isBusy else { return }
        while let step = self.script.first {
            if case .awaitBytes(let count) = step {
                guard self.received >= count else { return }
                self.received -= count
                self.script = self.script.dropFirst()
                continue
            }
            if case .hang = step { return }
            self.script = self.script.dropFirst()
            self.run(step, context)
            if self.isBusy { return }
        }
    }

    private func run(_ step: ServerStep, _ context: ChannelHandlerContext) {
        switch step {
        case .send(let text):
            context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        case .drip(let text):
            for byte in text.utf8 {
                context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: [byte])), promise: nil)
            }
        case .sendZeros(let count):
            context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(repeating: 0x30, count: count)), promise: nil)
        case .halfClose: self.afterWrites(context) { context.close(mode: .output, promise: nil) }
        case .close: self.afterWrites(context) { context.close(promise: nil) }
        case .cut:
            self.afterWrites(context) {
                // From the place of TLS' own handler outwards, so that it cannot say goodbye.
                let operations = context.channel.pipeline.syncOperations
                let outwards = try? operations.context(handlerType: NIOSSLServerHandler.self)
                (outwards ?? context).close(mode: .output, promise: nil)
            }
        case .reset:
            let provider = context.channel as? any SocketOptionProvider
            provider?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure { Issue.record($0) }
            context.close(promise: nil)
        case .hang, .awaitBytes: break
        }
    }

    private func afterWrites(_ context: ChannelHandlerContext, _ body: @escaping () -> Void) {
        self.isBusy = true
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: written)
        written.futureResult.assumeIsolated().whenComplete { _ in body() }
    }
}

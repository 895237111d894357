import GatewayCore
import NIOCore
import NIOPosix
import NIOSSL

/// The loops of the process and what their inbound connections share.
public struct ServerLoops: Sendable {
    private let byLoop: [ObjectIdentifier: NIOLoopBound<ServerLoop>]

    /// - Parameter loops: every loop of the group that a `Listener` is bound with, each once, and the state that lives
    ///   on it. A connection that lands on any other loop is closed.
    public init(_ loops: [(any EventLoop, NIOLoopBound<ServerLoop>)]) {
        self.byLoop = Dictionary(loops.map { (ObjectIdentifier($0.0), $0.1) }) { first, _ in first }
    }

    func bound(to loop: any EventLoop) -> NIOLoopBound<ServerLoop>? { self.byLoop[ObjectIdentifier(loop)] }
}

/// One listening socket. Connections are spread over the loops of the group.
public final class Listener: Sendable {
    private let channel: any Channel
    private let security: ListenerSecurity

    private init(channel: any Channel, security: ListenerSecurity) {
        self.channel = channel
        self.security = security
    }

    /// Where it listens: tells the port when the system chose it. `nil` once it is closed.
    public var localAddress: SocketAddress? { self.channel.localAddress }

    /// Binds and starts to accept. Called from the composition root, off the loops.
    ///
    /// - Parameter tls: `nil`: HTTP in the clear.
    public static func bind(
        host: String, port: Int, tls: ServerTLS? = nil, group: any EventLoopGroup, loops: ServerLoops,
        limit: ConnectionLimit
    ) -> EventLoopFuture<Listener> {
        let security = ListenerSecurity(tls)
        return self.bootstrap(group, loops, limit, security).bind(host: host, port: port).map {
            Listener(channel: $0, security: security)
        }
    }

    /// Listens on a Unix socket; the caller has made sure that only its owner may reach the folder.
    public static func bind(
        unixPath: String, group: any EventLoopGroup, loops: ServerLoops, limit: ConnectionLimit
    ) -> EventLoopFuture<Listener> {
        let security = ListenerSecurity(nil)
        return self.bootstrap(group, loops, limit, security)
            .bind(unixDomainSocketPath: unixPath, cleanupExistingSocketFile: true)
            .map { Listener(channel: $0, security: security) }
    }

    /// What connections from now on are served with; open ones keep what they have. Equal settings change nothing.
    ///
    /// - Returns: whether it is something else than before.
    public func secure(with tls: ServerTLS?) -> Bool {
        self.security.take(tls) == .exchanged
    }

    /// Stops accepting; open connections live on.
    public func close() -> EventLoopFuture<Void> {
        self.channel.close()
    }

    private static func bootstrap(
        _ group: any EventLoopGroup, _ loops: ServerLoops, _ limit: ConnectionLimit, _ security: ListenerSecurity
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 2)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.start(channel, loops, limit, security.current)
                }
            }
    }

    private static func start(
        _ channel: any Channel, _ loops: ServerLoops, _ limit: ConnectionLimit, _ tls: ServerTLS?
    ) throws {
        guard let loop = loops.bound(to: channel.eventLoop)?.value else {
            throw ChannelError.inappropriateOperationForState
        }
        guard limit.take() else {
            try channel.pipeline.syncOperations.addHandler(RefuseConnection(isPlain: tls == nil))
            return
        }
        channel.closeFuture.whenComplete { _ in limit.giveBack() }
        if channel.remoteAddress?.protocol != .unix {
            // It fails only on a socket that is dead already, and the first read tells that. Were it ever to fail on a
            // live one, answers would be as right, and some of them later.
            try? channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
        }
        guard let tls else {
            return try channel.pipeline.syncOperations.addHandler(HTTP1ServerConnection(loop: loop, isPlain: true))
        }
        let handlers: [any ChannelHandler] = [
            ClearTextRefusal(), NIOSSLServerHandler(context: tls.context), ALPNHandler(loop: loop),
        ]
        try channel.pipeline.syncOperations.addHandlers(handlers)
    }
}

/// Beyond the limit on connections there is one answer, whatever was asked. Where TLS is spoken it is a close: a
/// handshake is what must not be paid for.
final class RefuseConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let isPlain: Bool

    init(isPlain: Bool) {
        self.isPlain = isPlain
    }

    func channelActive(context: ChannelHandlerContext) {
        guard self.isPlain else { return context.close(promise: nil) }
        let answer = ByteBuffer(
            string:
                "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        let channel = context.channel
        context.writeAndFlush(self.wrapOutboundOut(answer)).whenComplete { _ in channel.close(promise: nil) }
    }
}

import GatewayCore
import NIOCore
import NIOPosix

/// Opens the channel of one connection: a TCP socket, or in a simulation whatever stands for one.
struct UpstreamDialer {
    /// Readies a channel before it connects. Called once, on the loop.
    typealias Preparation = @Sendable (any Channel) -> EventLoopFuture<Void>

    /// Called on the loop; the future belongs to it. It fails when there is no connection within the span; whoever
    /// closes the channel before that gives up.
    let dial:
        (
            _ target: SocketAddress, _ loop: any EventLoop, _ within: TimeSpan, _ prepare: @escaping Preparation
        ) -> EventLoopFuture<any Channel>

    /// - Parameter receiveBufferBytes: 0 leaves it to the kernel.
    static func socket(receiveBufferBytes: Int) -> Self {
        Self { target, loop, span, prepare in
            Self.bootstrap(on: loop, receiveBufferBytes: receiveBufferBytes)
                .channelInitializer(prepare)
                .connectTimeout(.nanoseconds(span.nanoseconds))
                .connect(to: target)
        }
    }

    /// What every socket towards a provider has in common.
    private static func bootstrap(on loop: any EventLoop, receiveBufferBytes: Int) -> ClientBootstrap {
        let bootstrap = ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Finds peers that vanished during a long silence.
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.autoRead, value: false)
            // At most one buffer of 64 KiB per read: what a pause cannot stop any more is bounded by it.
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 8192, maximum: 65536))
        guard receiveBufferBytes > 0 else { return bootstrap }
        let bytes = SocketOptionValue(clamping: receiveBufferBytes)
        return bootstrap.channelOption(.socketOption(.so_rcvbuf), value: bytes)
    }
}

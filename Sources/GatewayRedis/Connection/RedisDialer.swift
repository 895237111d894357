import GatewayCore
import NIOCore
import NIOPosix
import NIOSSL

/// Opens the channel of one connection: a TCP socket, with TLS or without, or in a test whatever stands for one. The
/// last handler of the channel is a `RedisChannelHandler`.
public struct RedisDialer: Sendable {
    /// Called on the loop; the future belongs to it.
    let dial: @Sendable (_ settings: RedisSettings, _ loop: any EventLoop) -> EventLoopFuture<any Channel>

    /// - Parameter tls: shared by all connections to one server; used if the settings ask for TLS.
    public static func socket(tls: RedisTLS) -> Self {
        Self { settings, loop in
            guard (1...65535).contains(settings.port) else {
                return loop.makeFailedFuture(RedisDialFault(detail: "there is no port \(settings.port)"))
            }
            guard settings.tls else { return Self.connect(settings, loop, nil) }
            return tls.context(on: loop).flatMap { Self.connect(settings, loop, $0) }
        }
    }

    private static func connect(
        _ settings: RedisSettings, _ loop: any EventLoop, _ context: NIOSSLContext?
    ) -> EventLoopFuture<any Channel> {
        let serverName = IPAddress(settings.host) == nil ? settings.host : nil
        return ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            // Beyond the upper mark commands are refused: the server does not read.
            .channelOption(.writeBufferWaterMark, value: .init(low: 1 << 20, high: 4 << 20))
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 8192, maximum: 65536)
            )
            .connectTimeout(.nanoseconds(settings.connectTimeout.nanoseconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: serverName))
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        RedisChannelHandler(awaitsTLS: context != nil, serverName: serverName))
                }
            }
            .connect(host: settings.host, port: settings.port)
    }
}

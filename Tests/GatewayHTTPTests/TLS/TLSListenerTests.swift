import GatewayCore
import GatewayTesting
import GatewayWire
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import GatewayHTTP

/// Tells every request who its client is.
private final class WhoFactory: ExchangeFactory {
    func makeExchange(_ sink: DownstreamSink) -> any DownstreamExchange { WhoExchange(sink) }
    var acceptsMore: Bool { true }
}

private final class WhoExchange: DownstreamExchange {
    private let sink: DownstreamSink

    init(_ sink: DownstreamSink) {
        self.sink = sink
    }

    func requestHead(_ head: RequestHead) {
        let client = self.sink.clientCertificate
        let text = client.map { "\($0.commonName) \($0.dnsNames)" } ?? "nobody"
        self.sink.head(status: 200, fields: FieldLines(), framing: .length(text.utf8.count))
        self.sink.body(ByteBuffer(string: text))
        self.sink.end()
    }

    func requestBody(_ bytes: ByteBuffer) {}
    func requestEnd() {}
    func requestFault(_ error: GatewayError) {}
    func downstreamWritability(_ isWritable: Bool) {}
    func downstreamShutdown() {}
    func downstreamClosed() {}
}

/// What a client receives until the end of the connection.
private final class Collector: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let received = Mutex("")
    var text: String { self.received.withLock { $0 } }

    func channelActive(context: ChannelHandlerContext) {
        let request = "GET / HTTP/1.1\r\nhost: provider.test\r\nconnection: close\r\n\r\n"
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let text = String(buffer: self.unwrapInboundIn(data))
        self.received.withLock { $0 += text }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// A listener on the loopback, with the parts that a loop of the daemon has.
private struct Server {
    let listener: Listener
    let group: MultiThreadedEventLoopGroup
    private let parts: NIOLoopBound<(WhoFactory, ServerLoop)>

    init(_ tls: ServerTLS?) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let parts = try await loop.submit {
            let factory = WhoFactory()
            let limits = ConnectionLimits(
                head: HeadLimits(bytesMax: 65536, fieldsMax: 100), idleTimeout: .minutes(1), headTimeout: .minutes(1),
                bodyTimeout: .minutes(1))
            let server = ServerLoop(deadlines: DeadlineTable(), limits: limits, factory: factory)
            return NIOLoopBound((factory, server), eventLoop: loop)
        }.get()
        let loops = try await loop.submit {
            ServerLoops([(loop, NIOLoopBound(parts.value.1, eventLoop: loop))])
        }.get()
        self.group = group
        self.parts = parts
        self.listener = try await Listener.bind(
            host: "127.0.0.1", port: 0, tls: tls, group: group, loops: loops, limit: ConnectionLimit(max: 10)
        ).get()
    }

    /// One request on a connection of its own.
    func ask(_ context: NIOSSLContext?) async throws -> String {
        let port = self.listener.localAddress?.port ?? 0
        let collector = Collector()
        let channel = try await ClientBootstrap(group: self.group).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                if let context {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: "provider.test"))
                }
                try channel.pipeline.syncOperations.addHandler(collector)
            }
        }.connect(host: "127.0.0.1", port: port).get()
        try await channel.closeFuture.get()
        return collector.text
    }

    func stop() async throws {
        try await self.listener.close().get()
        try await self.group.shutdownGracefully()
        withExtendedLifetime(self.parts) {}
    }
}

@Suite struct TLSListenerTests {
    private static func tls(asking: Bool, requires: Bool = false) throws -> ServerTLS {
        let pair = ServerTLSSettings.Pair(
            chain: Array(TestCertificates.server.utf8), key: Secret(TestCertificates.serverKey))
        let settings = ServerTLSSettings(
            pairs: [pair], clientAuthorities: asking ? Array(TestCertificates.clientAuthority.utf8) : nil,
            requiresClientCertificate: requires)
        return try ServerTLS.make(
            settings, certificates: [ServerCertificate.read(chain: pair.chain, key: pair.key).get()]
        ).get()
    }

    private static func client(certificate: String? = nil) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMBytes(Array(TestCertificates.authority.utf8)))
        if let certificate {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8))
                .map { .certificate($0) }
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(bytes: Array(TestCertificates.clientKey.utf8), format: .pem))
        }
        return try NIOSSLContext(configuration: configuration)
    }

    /// Guarantee: an exchange learns who its client is, and only from a certificate that was asked for and verified.
    @Test func exchangesLearnTheirClient() async throws {
        let server = try await Server(Self.tls(asking: true))
        let known = try await server.ask(Self.client(certificate: TestCertificates.client))
        #expect(known.hasPrefix("HTTP/1.1 200 ") && known.hasSuffix("ci [\"ci.test\"]"))
        let nobody = try await server.ask(Self.client())
        #expect(nobody.hasSuffix("nobody"))
        _ = server.listener.secure(with: try Self.tls(asking: false))
        let unasked = try await server.ask(Self.client(certificate: TestCertificates.client))
        #expect(unasked.hasSuffix("nobody"))
        _ = server.listener.secure(with: try Self.tls(asking: true, requires: true))
        #expect(try await server.ask(Self.client()) == "")
        try await server.stop()
    }

    /// Guarantee: one listener changes between TLS and HTTP in the clear for the connections to come.
    @Test func aListenerIsSecuredAndUnsecured() async throws {
        let server = try await Server(nil)
        #expect(try await server.ask(nil).hasPrefix("HTTP/1.1 200 "))
        #expect(server.listener.secure(with: try Self.tls(asking: false)))
        #expect(!server.listener.secure(with: try Self.tls(asking: false)))
        #expect(try await server.ask(Self.client()).hasPrefix("HTTP/1.1 200 "))
        #expect(try await server.ask(nil).hasPrefix("HTTP/1.1 400 "))
        #expect(server.listener.secure(with: nil))
        #expect(try await server.ask(nil).hasPrefix("HTTP/1.1 200 "))
        try await server.stop()
    }
}

@Suite struct ALPNHandlerTests {
    /// Guarantee: what is offered is what can be driven; a client without ALPN speaks HTTP/1.1.
    @Test func everyOfferHasAMachine() {
        for name in ALPNHandler.protocols { #expect(ALPNHandler.machine(for: name) != nil, "\(name)") }
        #expect(ALPNHandler.machine(for: nil) == .http1)
        #expect(ALPNHandler.machine(for: "h2") == nil)
        #expect(ALPNHandler.machine(for: "") == nil)
    }
}

import AsyncHTTPClient
import Hummingbird
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL

/// One call into each library of the network.
enum Networking {
    /// Binds a port on loopback and lets it go.
    static func nio() async throws -> String {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        let channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        let address = channel.localAddress
        try await channel.close()
        return "bound \(address?.ipAddress ?? "nothing")"
    }

    static func tls() throws -> String {
        _ = try NIOSSLContext(configuration: .makeClientConfiguration())
        return "made a context"
    }

    static func http2() throws -> String {
        var encoder = HPACKEncoder(allocator: .init())
        var buffer = ByteBuffer()
        try encoder.encode(headers: [":method": "GET"], to: &buffer)
        return "\(buffer.readableBytes) byte of HPACK, stream \(HTTP2StreamID.rootStream)"
    }

    static func httpClient() async throws -> String {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        try await client.shutdown()
        return "made a client"
    }

    static func hummingbird() -> String {
        let router = Router()
        router.get("/health/live") { _, _ in "live" }
        _ = router.buildResponder()
        return "built a responder"
    }
}

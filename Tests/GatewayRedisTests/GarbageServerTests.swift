import GatewayCore
import NIOCore
import NIOPosix
import Testing

@testable import GatewayRedis

/// A server that is no Redis.
private final class GarbageServer: Sendable {
    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let first: String
        private let answers: [String]
        private var answered = 0

        init(first: String, answers: [String]) {
            self.first = first
            self.answers = answers
        }

        func channelActive(context: ChannelHandlerContext) {
            if !self.first.isEmpty { context.writeAndFlush(NIOAny(ByteBuffer(string: self.first)), promise: nil) }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard self.answered < self.answers.count else { return }
            context.writeAndFlush(NIOAny(ByteBuffer(string: self.answers[self.answered])), promise: nil)
            self.answered += 1
        }
    }

    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let channel: any Channel

    /// - Parameters:
    ///   - first: said before anything was asked.
    ///   - answers: one for each read.
    init(first: String = "", answers: [String]) async throws {
        self.channel = try await ServerBootstrap(group: self.group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(first: first, answers: answers))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var port: Int { self.channel.localAddress?.port ?? 0 }

    func stop() async throws {
        try await self.channel.close()
        try await self.group.shutdownGracefully()
    }
}

@Suite struct GarbageServerTests {
    @Test(arguments: [
        "HTTP/1.1 400 Bad Request\r\n\r\n", "\0\0\0\0", "*3\r\n*x\r\n", "$-5\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "*2147483647\r\n",
        "%1\r\n+server\r\n+redis\r\n", "+OK\r\n+PONG\r\n+extra\r\n",
    ])
    func neverBecomesReadyForLong(answer: String) async throws {
        let server = try await GarbageServer(answers: [answer])
        let driver = try await RedisDriver(RedisDriver.settings(server.port))
        try await eventually {
            let counters = try await driver.counters()
            return counters.connectFailures + counters.losses >= 3
        }
        try await driver.stop()
        try await server.stop()
    }

    /// It greets as a Redis would, and then answers a command with nonsense.
    @Test func aCommandThatIsAnsweredWithGarbageFails() async throws {
        let server = try await GarbageServer(answers: ["+OK\r\n+PONG\r\n", "<html>"])
        let driver = try await RedisDriver.ready(RedisDriver.settings(server.port))
        #expect(try await driver.send("GET", .text("kk")) == .fault(.malformedReply))
        #expect(try await driver.counters().losses == 1)
        try await driver.stop()
        try await server.stop()
    }

    @Test func aServerThatSpeaksFirstIsLeft() async throws {
        let server = try await GarbageServer(first: "220 mail.test ESMTP\r\n", answers: [])
        let driver = try await RedisDriver(RedisDriver.settings(server.port))
        try await eventually { try await driver.counters().connectFailures >= 2 }
        #expect(try await driver.counters().connects == 0)
        try await driver.stop()
        try await server.stop()
    }

    /// Accepts and stays silent: the greeting ends with the connect timeout.
    @Test func aSilentServerIsLeft() async throws {
        let server = try await GarbageServer(answers: [])
        var settings = RedisDriver.settings(server.port)
        settings.connectTimeout = .milliseconds(20)
        let driver = try await RedisDriver(settings)
        try await eventually { try await driver.counters().connectFailures >= 2 }
        try await driver.stop()
        try await server.stop()
    }
}

import GatewayCore
import GatewayTesting
import NIOCore
import NIOEmbedded
import Testing

@testable import GatewayRedis

/// What a responder was told, in order.
struct Told: Equatable {
    let tag: UInt64
    let outcome: Outcome
}

enum Outcome: Hashable, Sendable {
    case reply(RedisValue)
    case fault(RedisFault)
}

/// A connection over channels in memory, with the test as the server.
final class EmbeddedRedis: RedisResponder {
    let loop = EmbeddedEventLoop()
    private let sockets: Sockets
    private(set) var connection: RedisConnection
    private(set) var told: [Told] = []
    /// What to do when told, before it is noted.
    var onTold: ((RedisConnection, UInt64) -> Void)?

    // SAFETY: the embedded loop and everything on it belong to the one thread of the test.
    private final class Sockets: @unchecked Sendable {
        var opened: [EmbeddedChannel] = []
        var refuses = false
    }

    init(
        _ settings: RedisSettings = RedisSettings(host: "redis.test"), seed: UInt64 = 1, starts: Bool = true
    ) {
        let sockets = Sockets()
        let dialer = RedisDialer { _, loop in
            guard !sockets.refuses, let embedded = loop as? EmbeddedEventLoop else {
                return loop.makeFailedFuture(RedisDialFault(detail: "refused"))
            }
            let channel = EmbeddedChannel(
                handler: RedisChannelHandler(awaitsTLS: false, serverName: nil), loop: embedded)
            sockets.opened.append(channel)
            let address = try? SocketAddress(ipAddress: "127.0.0.1", port: 6379)
            if let address { channel.connect(to: address, promise: nil) }
            return loop.makeSucceededFuture(channel)
        }
        let loop = self.loop
        self.sockets = sockets
        self.connection = RedisConnection(
            settings: settings, loop: loop, dialer: dialer, random: SeededRandom(seed: seed),
            now: { MonotonicTime(nanoseconds: Int64(loop.now.uptimeNanoseconds) + 1_000_000_000) })
        if starts { self.start() }
    }

    /// Starts, and answers the greeting.
    func start() {
        self.connection.start()
        self.loop.run()
        _ = self.sent()
        self.answer("+OK\r\n+PONG\r\n")
    }

    var now: MonotonicTime { .init(nanoseconds: Int64(self.loop.now.uptimeNanoseconds) + 1_000_000_000) }
    var channel: EmbeddedChannel? { self.sockets.opened.last }
    var dials: Int { self.sockets.opened.count }
    var refusesDials: Bool {
        get { self.sockets.refuses }
        set { self.sockets.refuses = newValue }
    }

    func advance(_ milliseconds: Int64) {
        self.loop.advanceTime(by: .milliseconds(milliseconds))
    }

    /// What the connection has written since the last call, one element per flush.
    func flushes() -> [String] {
        self.loop.run()
        var all: [String] = []
        while let bytes = try? self.channel?.readOutbound(as: ByteBuffer.self) { all.append(String(buffer: bytes)) }
        return all
    }

    func sent() -> String { self.flushes().joined() }

    func answer(_ text: String) {
        self.answer(Array(text.utf8))
    }

    func answer(_ bytes: [UInt8]) {
        _ = try? self.channel?.writeInbound(ByteBuffer(bytes: bytes))
        self.loop.run()
    }

    func hangUp() {
        self.channel?.close(promise: nil)
        self.loop.run()
    }

    func get(_ tag: UInt64, deadline: TimeSpan? = nil) -> RedisFault? {
        self.connection.send(
            "GET", [.integer(Int64(tag))], as: .cache, at: self.now, deadline: deadline.map { self.now + $0 },
            responder: self, tag: tag)
    }

    func run(_ script: RedisScript, _ tag: UInt64) -> RedisFault? {
        self.connection.run(
            script, keys: [RedisKey(bytes: Array("k".utf8))], arguments: [.integer(Int64(tag))], at: self.now,
            responder: self, tag: tag)
    }

    func takeTold() -> [Told] {
        defer { self.told = [] }
        return self.told
    }

    func redisReplied(_ reply: borrowing RedisReply, tag: UInt64) {
        self.told.append(.init(tag: tag, outcome: .reply(reply.value)))
        self.onTold?(self.connection, tag)
    }

    func redisFailed(_ fault: RedisFault, tag: UInt64) {
        self.told.append(.init(tag: tag, outcome: .fault(fault)))
        self.onTold?(self.connection, tag)
    }
}

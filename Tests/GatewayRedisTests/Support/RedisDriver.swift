import GatewayCore
import GatewayTesting
import NIOCore
import NIOPosix
import Testing

@testable import GatewayRedis

struct Late: Error {}

/// Waits for a condition; the deadline only bounds a failing test.
func eventually(
    _ condition: @Sendable () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("the condition did not come true", sourceLocation: sourceLocation)
            throw Late()
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// A connection on a loop of its own, for use from a test's task.
final class RedisDriver: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let loop: any EventLoop
    private let connection: NIOLoopBound<RedisConnection>

    /// Settings with which no command is overdue because the machine is busy.
    static func settings(_ port: Int, host: String = "127.0.0.1") -> RedisSettings {
        var settings = RedisSettings(host: host, port: port)
        settings.timeout = .seconds(10)
        settings.connectTimeout = .seconds(20)
        settings.stallTimeout = .seconds(30)
        settings.outstandingMax = 20_000
        return settings
    }

    init(_ settings: RedisSettings) async throws {
        let loop = self.group.any()
        self.loop = loop
        self.connection = try await loop.submit {
            let dialer = RedisDialer.socket(tls: RedisTLS(caFile: settings.caFile))
            let connection = RedisConnection(
                settings: settings, loop: loop, dialer: dialer, random: SeededRandom(seed: 1))
            connection.start()
            return NIOLoopBound(connection, eventLoop: loop)
        }.get()
    }

    /// Connected and greeted.
    static func ready(_ settings: RedisSettings) async throws -> RedisDriver {
        let driver = try await RedisDriver(settings)
        try await driver.becomesReady()
        return driver
    }

    func becomesReady(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await eventually({ try await self.status() == .ready }, sourceLocation: sourceLocation)
    }

    func status() async throws -> RedisConnectionStatus { try await self.with { $0.status } }
    func counters() async throws -> RedisCounters { try await self.with { $0.counters } }
    func problem() async throws -> String { try await self.with { $0.problem } }

    func with<Result: Sendable>(_ body: @escaping @Sendable (RedisConnection) throws -> Result) async throws -> Result {
        try await self.loop.submit { try body(self.connection.value) }.get()
    }

    func send(
        _ name: StaticString, _ arguments: RedisArgument..., within span: TimeSpan? = nil
    ) async throws -> Outcome {
        try await self.burst(1) { connection, responder, tag in
            let now = MonotonicTime.now()
            return connection.send(
                name, arguments, as: .cache, at: now, deadline: span.map { now + $0 }, responder: responder, tag: tag)
        }[0]
    }

    func run(
        _ script: RedisScript, _ key: String, _ arguments: RedisArgument..., within span: TimeSpan? = nil
    ) async throws -> Outcome {
        try await self.burst(1) { connection, responder, tag in
            let now = MonotonicTime.now()
            return connection.run(
                script, keys: [RedisKey(bytes: Array(key.utf8))], arguments: arguments, at: now,
                deadline: span.map { now + $0 }, responder: responder, tag: tag)
        }[0]
    }

    /// Commands of one tick; what each came to, by its tag. The order of the answers is checked.
    func burst(
        _ count: Int, _ command: @escaping @Sendable (RedisConnection, any RedisResponder, UInt64) -> RedisFault?
    ) async throws -> [Outcome] {
        let loop = self.loop
        return try await loop.flatSubmit {
            let burst = Burst(count: count, promise: loop.makePromise(of: [Outcome].self))
            for tag in 0..<UInt64(count) {
                if let fault = command(self.connection.value, burst, tag) { burst.tell(.fault(fault), tag) }
            }
            return burst.promise.futureResult
        }.get()
    }

    func stop() async throws {
        try await self.with { $0.stop() }
        try await self.group.shutdownGracefully()
    }
}

/// Gathers what the commands of a burst came to.
private final class Burst: RedisResponder {
    let promise: EventLoopPromise<[Outcome]>
    private var outcomes: [Outcome?]
    private var open: Int

    init(count: Int, promise: EventLoopPromise<[Outcome]>) {
        self.promise = promise
        self.outcomes = Array(repeating: nil, count: count)
        self.open = count
    }

    func tell(_ outcome: Outcome, _ tag: UInt64) {
        if self.outcomes[Int(tag)] != nil { Issue.record("told twice") }
        self.outcomes[Int(tag)] = outcome
        self.open -= 1
        if self.open == 0 { self.promise.succeed(self.outcomes.compactMap { $0 }) }
    }

    func redisReplied(_ reply: borrowing RedisReply, tag: UInt64) { self.tell(.reply(reply.value), tag) }
    func redisFailed(_ fault: RedisFault, tag: UInt64) { self.tell(.fault(fault), tag) }
}

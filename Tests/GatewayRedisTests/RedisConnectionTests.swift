import GatewayCore
import GatewayTesting
import NIOCore
import NIOEmbedded
import Testing

@testable import GatewayRedis

@Suite struct RedisConnectionTests {
    private func script() throws -> RedisScript {
        try #require(RedisScript(name: "take/1", commandClass: .limits, source: "return 1"))
    }

    private func text(_ value: String) -> Outcome { .reply(.text(value)) }

    @Test func theGreeting() {
        var settings = RedisSettings(host: "redis.test")
        settings.user = "gate"
        settings.password = Secret("test-password")
        settings.database = 3
        let redis = EmbeddedRedis(settings, starts: false)
        redis.connection.start()
        #expect(
            redis.flushes() == [
                "*3\r\n$4\r\nAUTH\r\n$4\r\ngate\r\n$13\r\ntest-password\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
                    + "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$8\r\npenstock\r\n*1\r\n$4\r\nPING\r\n"
            ])
        #expect(redis.connection.status == .authenticating)
        #expect(redis.get(1) == .notConnected)
        redis.answer("+OK\r\n+OK\r\n+OK\r\n+PONG\r\n")
        #expect(redis.connection.status == .ready)
        #expect(redis.connection.counters.connects == 1)
    }

    @Test func aRefusedGreetingSaysWhyAndBacksOff() {
        var settings = RedisSettings(host: "redis.test")
        settings.password = Secret("test-password")
        let redis = EmbeddedRedis(settings, starts: false)
        redis.connection.start()
        _ = redis.sent()
        redis.answer("-WRONGPASS invalid username-password pair\r\n")
        #expect(redis.connection.status == .backingOff)
        #expect(redis.connection.problem == "authenticate: WRONGPASS invalid username-password pair")
        #expect(redis.connection.counters.connectFailures == 1)
        redis.advance(20)
        #expect(redis.dials == 2)
    }

    @Test func commandsOfOneTickGoOutTogether() throws {
        let redis = EmbeddedRedis()
        #expect(redis.get(1) == nil)
        #expect(redis.get(2) == nil)
        #expect(redis.flushes() == ["*2\r\n$3\r\nGET\r\n$1\r\n1\r\n*2\r\n$3\r\nGET\r\n$1\r\n2\r\n"])
        #expect(redis.get(3) == nil)
        redis.connection.flush()
        #expect(try redis.channel?.readOutbound(as: ByteBuffer.self)?.readableBytes == 20)
        #expect(redis.flushes() == [])
        redis.answer("$1\r\na\r\n$1\r\nb\r\n$-1\r\n")
        #expect(
            redis.takeTold() == [
                .init(tag: 1, outcome: self.text("a")), .init(tag: 2, outcome: self.text("b")),
                .init(tag: 3, outcome: .reply(.null)),
            ])
    }

    @Test func whoFlushesHimselfHasNoTaskOfTheLoop() {
        let redis = EmbeddedRedis()
        redis.connection.flushesItself = false
        #expect(redis.get(1) == nil)
        #expect(redis.flushes() == [])
        redis.connection.flush()
        #expect(redis.flushes().count == 1)
    }

    /// Between two ticks nothing piles up: what is gathered is bounded.
    @Test func aLargeBurstGoesOutBeforeTheTickEnds() throws {
        let redis = EmbeddedRedis()
        let large = RedisArgument.bytes(Array(repeating: 1, count: 300_000))
        #expect(redis.connection.send("SET", [.text("kk"), large], as: .cache, at: redis.now, responder: redis) == nil)
        #expect(try redis.channel?.readOutbound(as: ByteBuffer.self) != nil)
    }

    @Test func whatAReplyCausesGoesOutWithTheEndOfTheBurst() throws {
        let redis = EmbeddedRedis()
        redis.onTold = { connection, tag in
            guard tag < 10 else { return }
            _ = connection.send(
                "GET", [.integer(0)], as: .cache, at: redis.now, responder: redis, tag: tag + 10)
        }
        _ = redis.get(1)
        _ = redis.get(2)
        _ = redis.sent()
        _ = try redis.channel?.writeInbound(ByteBuffer(string: "$1\r\na\r\n$1\r\nb\r\n"))
        let written = try redis.channel?.readOutbound(as: ByteBuffer.self)
        #expect(written?.readableBytes == 40)
    }

    @Test func aScriptCall() throws {
        let redis = EmbeddedRedis()
        let script = try self.script()
        #expect(redis.run(script, 7) == nil)
        #expect(
            redis.sent() == "*5\r\n$7\r\nEVALSHA\r\n$40\r\n\(script.digest)\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\n7\r\n")
        redis.answer("*2\r\n:1\r\n:0\r\n")
        #expect(redis.takeTold() == [.init(tag: 7, outcome: .reply(.array([.integer(1), .integer(0)])))])
        #expect(redis.connection.counters[.limits].calls == 1)
        #expect(redis.connection.counters[.limits].answered == 1)
    }

    /// The same call goes out with the source; its caller sees one reply. Other commands keep their own.
    @Test func noScriptIsRecoveredFromOnce() throws {
        let redis = EmbeddedRedis()
        let script = try self.script()
        _ = redis.run(script, 1)
        _ = redis.get(2)
        _ = redis.run(script, 3)
        _ = redis.sent()
        redis.answer("-NOSCRIPT No matching script.\r\n$1\r\nb\r\n-NOSCRIPT No matching script.\r\n")
        func call(_ tag: Int) -> String {
            "*5\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\n\(tag)\r\n"
        }
        #expect(redis.flushes() == [call(1) + call(3)])
        #expect(redis.takeTold() == [.init(tag: 2, outcome: self.text("b"))])
        redis.answer(":1\r\n-NOSCRIPT again\r\n")
        #expect(
            redis.takeTold() == [
                .init(tag: 1, outcome: .reply(.integer(1))), .init(tag: 3, outcome: .reply(.error("NOSCRIPT again"))),
            ])
        #expect(redis.flushes() == [])
        #expect(redis.connection.counters.scriptRecoveries == 2)
        #expect(redis.connection.outstandingCount == 0)
    }

    @Test func anOverdueCommandFailsAtOnceAndItsLateReplyIsNobodys() {
        let redis = EmbeddedRedis()
        _ = redis.get(1)
        redis.advance(20)
        _ = redis.get(2)
        _ = redis.get(3, deadline: .milliseconds(10))
        redis.advance(10)
        #expect(redis.takeTold() == [.init(tag: 3, outcome: .fault(.timeout))])
        redis.advance(19)
        #expect(redis.takeTold() == [])
        redis.advance(1)
        #expect(redis.takeTold() == [.init(tag: 1, outcome: .fault(.timeout))])
        redis.answer("$4\r\nlate\r\n$3\r\nown\r\n$4\r\nlate\r\n")
        #expect(redis.takeTold() == [.init(tag: 2, outcome: self.text("own"))])
        #expect(redis.connection.counters.lateReplies == 2)
        #expect(redis.connection.counters[.cache].timeouts == 2)
        #expect(redis.connection.counters[.cache].answered == 1)
        #expect(redis.connection.counters[.cache].microseconds == 30_000)
        #expect(redis.connection.status == .ready)
    }

    @Test func whatWouldBeTooMuchIsRefused() {
        var settings = RedisSettings(host: "redis.test")
        settings.outstandingMax = 2
        settings.commandBytesMax = 1024
        let redis = EmbeddedRedis(settings)
        let large = RedisArgument.bytes(Array(repeating: 1, count: 1024))
        #expect(
            redis.connection.send("SET", [large], as: .cache, at: redis.now, responder: redis) == .commandTooLarge)
        #expect(redis.get(1) == nil)
        #expect(redis.get(2) == nil)
        #expect(redis.get(3) == .queueFull)
        // An overdue command still holds its place: its reply will come.
        redis.advance(50)
        #expect(redis.get(4) == .queueFull)
        redis.answer("$1\r\na\r\n")
        #expect(redis.get(5) == nil)
        #expect(redis.get(6, deadline: .zero) == .queueFull)
        redis.answer("$1\r\nb\r\n")
        #expect(redis.get(6, deadline: .zero) == .timeout)
        #expect(redis.connection.counters.refused == 5)
        #expect(redis.takeTold().map(\.tag) == [1, 2])
    }

    @Test func timeoutsOpenTheBreakerAndAProbeClosesIt() {
        var settings = RedisSettings(host: "redis.test")
        settings.stallTimeout = .seconds(60)
        let redis = EmbeddedRedis(settings)
        for tag in 0..<5 { #expect(redis.get(UInt64(tag)) == nil) }
        redis.advance(50)
        #expect(redis.connection.isBreakerOpen)
        #expect(redis.connection.counters.breakerOpenings == 1)
        #expect(redis.get(5) == .breakerOpen)
        redis.answer(String(repeating: "$-1\r\n", count: 5))
        #expect(redis.get(6) == .breakerOpen)
        redis.advance(1000)
        #expect(redis.get(7) == nil)
        #expect(redis.get(8) == .breakerOpen)
        redis.answer("$-1\r\n")
        #expect(redis.get(9) == nil)
        #expect(!redis.connection.isBreakerOpen)
    }

    /// A server without memory refuses script after script: after some the gateway stops asking (fault 26).
    @Test func repliesThatSayOutageOpenTheBreakerToo() throws {
        let redis = EmbeddedRedis()
        let script = try self.script()
        for tag in 0..<5 {
            #expect(redis.run(script, UInt64(tag)) == nil)
            redis.answer("-OOM command not allowed when used memory > 'maxmemory'.\r\n")
        }
        #expect(redis.run(script, 9) == .breakerOpen)
        #expect(redis.connection.counters[.limits].errors == 5)
    }

    @Test func anOrdinaryErrorIsAReplyAndNoFailure() {
        let redis = EmbeddedRedis()
        for tag in 0..<20 {
            #expect(redis.get(UInt64(tag)) == nil)
            redis.answer("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n")
        }
        #expect(redis.takeTold().count == 20)
        #expect(!redis.connection.isBreakerOpen)
    }

    @Test func aLossFailsWhatIsOutstandingAndReconnects() {
        let redis = EmbeddedRedis()
        _ = redis.get(1)
        _ = redis.get(2, deadline: .milliseconds(5))
        redis.advance(5)
        _ = redis.takeTold()
        redis.onTold = { connection, _ in
            #expect(connection.send("GET", [], as: .cache, at: redis.now, responder: redis) == .notConnected)
        }
        redis.hangUp()
        #expect(redis.takeTold() == [.init(tag: 1, outcome: .fault(.connectionLost))])
        #expect(redis.connection.status == .backingOff)
        #expect(redis.connection.counters.losses == 1)
        #expect(redis.get(3) == .notConnected)
        redis.advance(20)
        #expect(redis.dials == 2)
        redis.answer("+OK\r\n+PONG\r\n")
        #expect(redis.connection.status == .ready)
        #expect(redis.connection.problem == "")
    }

    /// After a failover the old master answers READONLY (fault 25).
    @Test func readOnlyIsToldAndReconnects() {
        let redis = EmbeddedRedis()
        _ = redis.get(1)
        _ = redis.get(2)
        redis.answer("-READONLY You can't write against a read only replica.\r\n")
        #expect(
            redis.takeTold() == [
                .init(tag: 1, outcome: .reply(.error("READONLY You can't write against a read only replica."))),
                .init(tag: 2, outcome: .fault(.connectionLost)),
            ])
        #expect(redis.connection.status == .backingOff)
        #expect(redis.channel?.isActive == false)
    }

    @Test(arguments: [
        ("HTTP/1.1 400 Bad Request\r\n", RedisFault.malformedReply), ("*1000000\r\n", .replyTooLarge),
        ("$-2\r\n", .malformedReply),
    ])
    func garbageEndsTheConnection(text: String, fault: RedisFault) {
        let redis = EmbeddedRedis()
        _ = redis.get(1)
        redis.answer(text)
        #expect(redis.takeTold() == [.init(tag: 1, outcome: .fault(fault))])
        #expect(redis.connection.status == .backingOff)
        #expect(redis.channel?.isActive == false)
        #expect(!redis.connection.problem.isEmpty)
    }

    @Test func aReplyThatNobodyAskedForEndsTheConnection() {
        let redis = EmbeddedRedis()
        redis.answer("+surprise\r\n")
        #expect(redis.connection.status == .backingOff)
    }

    /// A peer that vanished without a word: the connection is given up, so that the next one can find another server.
    @Test func aStalledConnectionIsGivenUp() {
        let redis = EmbeddedRedis()
        _ = redis.get(1)
        redis.advance(999)
        #expect(redis.takeTold() == [.init(tag: 1, outcome: .fault(.timeout))])
        #expect(redis.connection.status == .ready)
        redis.advance(1)
        #expect(redis.connection.status != .ready)
        #expect(redis.connection.counters.losses == 1)
        #expect(redis.takeTold() == [])
    }

    @Test func anIdleConnectionStays() {
        let redis = EmbeddedRedis()
        redis.advance(3_600_000)
        #expect(redis.connection.status == .ready)
        #expect(redis.dials == 1)
    }

    @Test func refusedDialsAreRepeated() {
        let redis = EmbeddedRedis(starts: false)
        redis.refusesDials = true
        redis.connection.start()
        redis.advance(10_000)
        #expect(redis.connection.counters.connectFailures > 5)
        #expect(redis.connection.problem == "refused")
        redis.refusesDials = false
        redis.advance(1000)
        redis.answer("+OK\r\n+PONG\r\n")
        #expect(redis.connection.status == .ready)
    }

    @Test func stopFailsWhatIsOutstandingAndStaysStopped() {
        let redis = EmbeddedRedis()
        _ = redis.get(1)
        redis.onTold = { connection, _ in connection.stop() }
        redis.connection.stop()
        #expect(redis.takeTold() == [.init(tag: 1, outcome: .fault(.connectionLost))])
        redis.advance(60_000)
        #expect(redis.connection.status == .stopped)
        #expect(redis.dials == 1)
        redis.start()
        #expect(redis.connection.status == .ready)
    }

    @Test func aResponderMayStopInTheMiddleOfABurst() {
        let redis = EmbeddedRedis()
        _ = redis.get(1)
        _ = redis.get(2)
        redis.onTold = { connection, _ in connection.stop() }
        redis.answer("$1\r\na\r\n$1\r\nb\r\n")
        #expect(
            redis.takeTold() == [
                .init(tag: 1, outcome: self.text("a")), .init(tag: 2, outcome: .fault(.connectionLost)),
            ])
    }
}

/// Seeded walks over everything that can happen to a connection.
@Suite struct RedisConnectionWalkTests {
    /// Whoever was accepted is told exactly once, a reply never goes to another caller, and nothing grows.
    @Test(arguments: 0..<60)
    func everyAcceptedCommandIsToldExactlyOnce(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var settings = RedisSettings(host: "redis.test")
        settings.outstandingMax = 20
        let redis = EmbeddedRedis(settings, seed: seed)
        let script = try #require(RedisScript(name: "take/1", commandClass: .limits, source: "return 1"))
        var server = WalkServer()
        var accepted: Set<UInt64> = []
        var told: Set<UInt64> = []
        for tag in 1...600 as ClosedRange<UInt64> {
            let fault = random.oneIn(2) ? redis.get(tag) : redis.run(script, tag)
            if fault == nil { accepted.insert(tag) }
            if random.oneIn(3) { redis.advance(Int64(random.int(1...30))) }
            server.receive(redis.sent(), on: redis.dials)
            for _ in 0..<random.int(0...3) where redis.channel?.isActive == true {
                if let answer = server.answer(&random) { redis.answer(answer) }
                server.receive(redis.sent(), on: redis.dials)
            }
            if random.oneIn(40) { redis.hangUp() }
            if random.oneIn(60) { redis.answer("?") }
            for each in redis.takeTold() {
                #expect(accepted.contains(each.tag))
                #expect(told.insert(each.tag).inserted)
                if case .reply(.integer(let number)) = each.outcome { #expect(number == Int64(each.tag)) }
            }
            #expect(redis.connection.outstandingCount <= 20)
        }
        redis.connection.stop()
        for each in redis.takeTold() { #expect(told.insert(each.tag).inserted) }
        #expect(told == accepted)
        #expect(redis.connection.outstandingCount == 0)
    }
}

/// Answers each command with its last argument as a number, sometimes with an error.
private struct WalkServer {
    private var socket = 0
    private var queue: [[String]] = []

    mutating func receive(_ text: String, on socket: Int) {
        if socket != self.socket { self.queue = [] }
        self.socket = socket
        // No argument of these walks holds a line end.
        for command in text.split(separator: "*").map({ $0.split(separator: "\r\n") }) {
            self.queue.append(command.dropFirst().filter { $0.first != "$" }.map(String.init))
        }
    }

    mutating func answer(_ random: inout SeededRandom) -> String? {
        guard !self.queue.isEmpty else { return nil }
        let command = self.queue.removeFirst()
        switch command.first {
        case "CLIENT": return "+OK\r\n"
        case "PING": return "+PONG\r\n"
        case "EVALSHA" where random.oneIn(3): return "-NOSCRIPT No matching script.\r\n"
        default: break
        }
        switch random.int(0...30) {
        case 0: return "-READONLY You can't write against a read only replica.\r\n"
        case 1...3: return "-OOM no\r\n"
        default: return ":\(command.last ?? "")\r\n"
        }
    }
}

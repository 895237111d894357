import Foundation
import GatewayCore
import NIOCore
import Testing

@testable import GatewayRedis

/// Against a real `redis-server` per test.
@Suite struct RedisConformanceTests {
    private let ok = Outcome.reply(.status("OK"))

    private func count() throws -> RedisScript {
        let source = "redis.call('INCRBY', KEYS[1], ARGV[1]) return tonumber(redis.call('GET', KEYS[1]))"
        return try #require(RedisScript(name: "count/1", commandClass: .limits, source: source))
    }

    /// Runs the body with a server and a connection that is ready.
    private func withServer(
        _ extra: [String] = [], change: (inout RedisSettings) -> Void = { _ in },
        _ body: (RedisServer, RedisDriver) async throws -> Void
    ) async throws {
        let server = try RedisServer(extra)
        defer { server.stop() }
        var settings = RedisDriver.settings(server.port)
        change(&settings)
        let driver = try await RedisDriver.ready(settings)
        try await body(server, driver)
        try await driver.stop()
    }

    @Test func thousandsOfCommandsOfOneTickKeepTheirOrder() async throws {
        try await self.withServer { _, driver in
            let outcomes = try await driver.burst(10_000) { connection, responder, tag in
                connection.send(
                    "ECHO", [.integer(Int64(tag))], as: .cache, at: .now(), responder: responder, tag: tag)
            }
            #expect(outcomes == (0..<10_000).map { .reply(.text("\($0)")) })
        }
    }

    @Test func largeValuesComeBackWhole() async throws {
        try await self.withServer { _, driver in
            let value = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
            let stored = try await driver.send("SET", .text("large"), .bytes(value))
            #expect(stored == self.ok)
            #expect(try await driver.send("GET", .text("large")) == .reply(.bytes(value)))
        }
    }

    /// Each call runs exactly once, in its place, whether or not the server knew the script.
    @Test func scriptsSurviveAScriptFlush() async throws {
        let script = try self.count()
        try await self.withServer { _, driver in
            #expect(try await driver.run(script, "n", .integer(1)) == .reply(.integer(1)))
            #expect(try await driver.run(script, "n", .integer(1)) == .reply(.integer(2)))
            #expect(try await driver.counters().scriptRecoveries == 1)
            #expect(try await driver.send("SCRIPT", .text("FLUSH")) == self.ok)
            let outcomes = try await driver.burst(200) { connection, responder, tag in
                connection.run(
                    script, keys: [RedisKey(bytes: Array("n".utf8))], arguments: [.integer(1)], at: .now(),
                    responder: responder, tag: tag)
            }
            #expect(outcomes == (3...202).map { .reply(.integer($0)) })
            #expect(try await driver.counters().scriptRecoveries == 201)
            #expect(try await driver.run(script, "n", .integer(1)) == .reply(.integer(203)))
            #expect(try await driver.counters().scriptRecoveries == 201)
        }
    }

    /// Fault 23.
    @Test func f23AKilledServerIsFoundAgain() async throws {
        try await self.withServer { server, driver in
            #expect(try await driver.send("SET", .text("k"), .text("before")) == self.ok)
            server.killAndWait()
            try await eventually { try await driver.status() != .ready }
            #expect(try await driver.send("GET", .text("k")) == .fault(.notConnected))
            try server.start()
            try await driver.becomesReady()
            #expect(try await driver.send("GET", .text("k")) == .reply(.null))
            #expect(try await driver.counters().losses == 1)
            #expect(try await driver.counters().connects == 2)
        }
    }

    /// Fault 24: told in time; the late reply is thrown away and the next command gets its own.
    @Test func f24APauseEndsAtTheDeadline() async throws {
        let script = try self.count()
        try await self.withServer { server, driver in
            let admin = try await RedisDriver.ready(RedisDriver.settings(server.port))
            #expect(try await driver.run(script, "n", .integer(1)) == .reply(.integer(1)))
            #expect(
                try await admin.send("CLIENT", .text("PAUSE"), .integer(600_000), .text("WRITE")) == self.ok)
            let outcome = try await driver.run(script, "n", .integer(1), within: .milliseconds(50))
            #expect(outcome == .fault(.timeout))
            #expect(try await admin.send("CLIENT", .text("UNPAUSE")) == self.ok)
            #expect(try await driver.run(script, "n", .integer(1)) == .reply(.integer(3)))
            #expect(try await driver.counters().lateReplies == 1)
            try await admin.stop()
        }
    }

    /// Fault 24: a stopped process. The breaker opens, the connection is given up, and all of it recovers alone.
    @Test func f24AStoppedServerRecovers() async throws {
        try await self.withServer(change: {
            $0.timeout = .milliseconds(50)
            $0.stallTimeout = .milliseconds(200)
            $0.connectTimeout = .milliseconds(500)
        }) { server, driver in
            server.signal(SIGSTOP)
            let outcomes = try await driver.burst(20) { connection, responder, tag in
                connection.send("INCR", [.text("n")], as: .cache, at: .now(), responder: responder, tag: tag)
            }
            #expect(outcomes == Array(repeating: .fault(.timeout), count: 20))
            #expect(try await driver.counters().breakerOpenings == 1)
            try await eventually { try await driver.counters().losses == 1 }
            try await eventually { try await driver.counters().connectFailures >= 1 }
            server.signal(SIGCONT)
            try await eventually { try await driver.send("GET", .text("k"), within: .seconds(10)) == .reply(.null) }
            #expect(try await driver.with { $0.isBreakerOpen } == false)
        }
    }

    /// Fault 25: as after a failover, then back.
    @Test func f25AReadOnlyServerIsLeft() async throws {
        try await self.withServer { server, driver in
            let admin = try await RedisDriver.ready(RedisDriver.settings(server.port))
            #expect(try await admin.send("REPLICAOF", .text("127.0.0.1"), .integer(1)) == self.ok)
            guard case .reply(.error(let text)) = try await driver.send("SET", .text("kk"), .integer(1)) else {
                Issue.record("no error")
                return
            }
            #expect(text.hasPrefix("READONLY"))
            try await eventually { try await driver.counters().losses == 1 }
            #expect(try await admin.send("REPLICAOF", .text("NO"), .text("ONE")) == self.ok)
            try await eventually { try await driver.send("SET", .text("kk"), .integer(1)) == self.ok }
            try await admin.stop()
        }
    }

    /// Fault 26: refused, then not asked any more, then back.
    @Test func f26AServerWithoutMemory() async throws {
        try await self.withServer(["--maxmemory", "1", "--maxmemory-policy", "noeviction"]) { server, driver in
            for _ in 0..<5 {
                guard case .reply(.error(let text)) = try await driver.send("SET", .text("kk"), .integer(1)) else {
                    Issue.record("no error")
                    return
                }
                #expect(text.hasPrefix("OOM"))
            }
            #expect(try await driver.counters().breakerOpenings == 1)
            let admin = try await RedisDriver.ready(RedisDriver.settings(server.port))
            #expect(
                try await admin.send("CONFIG", .text("SET"), .text("maxmemory"), .integer(0)) == self.ok)
            try await eventually { try await driver.send("SET", .text("kk"), .integer(1)) == self.ok }
            try await admin.stop()
        }
    }

    @Test func aReplyBeyondTheBoundEndsTheConnectionOnly() async throws {
        try await self.withServer(change: { $0.replyBytesMax = 4096 }) { _, driver in
            let value = RedisArgument.bytes(Array(repeating: 7, count: 1 << 20))
            #expect(try await driver.send("SET", .text("large"), value) == self.ok)
            #expect(try await driver.send("GET", .text("large")) == .fault(.replyTooLarge))
            try await driver.becomesReady()
            #expect(try await driver.send("STRLEN", .text("large")) == .reply(.integer(1 << 20)))
        }
    }

    @Test func aPortThatCannotBeIsAnErrorValue() async throws {
        let driver = try await RedisDriver(RedisDriver.settings(65536))
        try await eventually { try await driver.counters().connectFailures >= 1 }
        #expect(try await driver.problem() == "there is no port 65536")
        try await driver.stop()
    }

    @Test func nestedRepliesAndErrorsInside() async throws {
        let source = "return {1, {KEYS[1], false, {ok='FINE'}}, redis.error_reply('MINE not yours'), {}}"
        let script = try #require(RedisScript(name: "nest/1", commandClass: .limits, source: source))
        try await self.withServer { _, driver in
            let outcome = try await driver.run(script, "ab")
            let inner: RedisValue = .array([.text("ab"), .null, .status("FINE")])
            #expect(outcome == .reply(.array([.integer(1), inner, .error("MINE not yours"), .array([])])))
        }
    }
}

/// Who may come in, and to which database.
@Suite struct RedisGreetingTests {
    private func refusal(_ settings: RedisSettings) async throws -> String {
        let driver = try await RedisDriver(settings)
        try await eventually { try await driver.counters().connectFailures >= 2 }
        #expect(try await driver.counters().connects == 0)
        #expect(try await driver.send("GET", .text("k")) == .fault(.notConnected))
        // Between two attempts that failed it still says why the last one did.
        try await eventually { try await !driver.problem().isEmpty }
        let problem = try await driver.problem()
        try await driver.stop()
        return problem
    }

    @Test func aPasswordIsAskedFor() async throws {
        let server = try RedisServer(["--requirepass", "test-password"])
        defer { server.stop() }
        var settings = RedisDriver.settings(server.port)
        settings.password = Secret("test-password")
        let driver = try await RedisDriver.ready(settings)
        #expect(try await driver.send("SET", .text("k"), .integer(1)) == .reply(.status("OK")))
        #expect(
            try await driver.send("CLIENT", .text("GETNAME")) == .reply(.text("penstock")))
        try await driver.stop()

        settings.password = Secret("test-wrong")
        let wrong = try await self.refusal(settings)
        #expect(wrong.contains("WRONGPASS"))
        #expect(!wrong.contains("test-"))
        settings.password = nil
        #expect(try await self.refusal(settings).contains("NOAUTH"))
    }

    /// A user who may run scripts and nothing else: neither a name nor a ping.
    @Test func anACLUserWithFewRights() async throws {
        let server = try RedisServer()
        defer { server.stop() }
        let admin = try await RedisDriver.ready(RedisDriver.settings(server.port))
        let rights: [RedisArgument] = [
            .text("SETUSER"), .text("gate"), .text("on"), .text(">test-password"), .text("~ps:*"), .text("+eval"),
            .text("+evalsha"), .text("+incrby"),
        ]
        let outcome = try await admin.burst(1) { connection, responder, tag in
            connection.send("ACL", rights, as: .control, at: .now(), responder: responder, tag: tag)
        }
        #expect(outcome == [.reply(.status("OK"))])
        try await admin.stop()

        var settings = RedisDriver.settings(server.port)
        settings.user = "gate"
        settings.password = Secret("test-password")
        let driver = try await RedisDriver.ready(settings)
        let script = try #require(
            RedisScript(
                name: "take/1", commandClass: .limits, source: "return redis.call('INCRBY', KEYS[1], ARGV[1])"))
        #expect(try await driver.run(script, "ps:{a}:n", .integer(5)) == .reply(.integer(5)))
        guard case .reply(.error(let text)) = try await driver.send("GET", .text("kk")) else {
            Issue.record("no error")
            return
        }
        #expect(text.hasPrefix("NOPERM"))
        try await driver.stop()
        settings.user = "nobody"
        #expect(try await self.refusal(settings).contains("WRONGPASS"))
    }

    @Test func theDatabaseIsTheOneThatWasAskedFor() async throws {
        let server = try RedisServer()
        defer { server.stop() }
        var settings = RedisDriver.settings(server.port)
        settings.database = 5
        let fifth = try await RedisDriver.ready(settings)
        #expect(try await fifth.send("SET", .text("kk"), .integer(5)) == .reply(.status("OK")))
        settings.database = 0
        let first = try await RedisDriver.ready(settings)
        #expect(try await first.send("GET", .text("kk")) == .reply(.null))
        try await first.stop()
        try await fifth.stop()
        settings.database = 99
        #expect(try await self.refusal(settings).contains("out of range"))
    }

    @Test func aVerifiedTLSServerIsSpokenTo() async throws {
        let server = try RedisServer(tls: true)
        defer { server.stop() }
        var settings = RedisDriver.settings(server.port)
        settings.tls = true
        settings.caFile = server.caFile
        let driver = try await RedisDriver.ready(settings)
        let outcomes = try await driver.burst(1000) { connection, responder, tag in
            connection.send("ECHO", [.integer(Int64(tag))], as: .cache, at: .now(), responder: responder, tag: tag)
        }
        #expect(outcomes == (0..<1000).map { .reply(.text("\($0)")) })
        try await driver.stop()

        // The certificate names the address, and not this name of it.
        settings.host = "localhost"
        #expect(!(try await self.refusal(settings).isEmpty))
        settings.host = "127.0.0.1"
        settings.caFile = nil
        #expect(try await self.refusal(settings).contains("CERTIFICATE_VERIFY_FAILED"))
        settings.caFile = "/nonexistent/ca.pem"
        #expect(try await self.refusal(settings).contains("CA file"))
    }
}

import GatewayCore
import Testing

@testable import GatewayRedis

@Suite struct RedisURLTests {
    private func parsed(_ url: String) throws -> RedisSettings { try RedisSettings.parse(url: url).get() }

    @Test func defaults() throws {
        let settings = try self.parsed("redis://cache.test")
        #expect(settings == RedisSettings(host: "cache.test"))
        #expect(settings.port == 6379)
        #expect(settings.fieldOutOfRange == nil)
    }

    @Test func everyPart() throws {
        let settings = try self.parsed("REDISS://gate%40way:p%2Fw%3A%C3%A4@Cache.Test:6380/3")
        #expect(settings.tls)
        #expect(settings.user == "gate@way")
        #expect(settings.password?.revealed == "p/w:ä")
        #expect(settings.host == "cache.test")
        #expect(settings.port == 6380)
        #expect(settings.database == 3)
    }

    @Test func aPasswordAlone() throws {
        let settings = try self.parsed("redis://:test-password@127.0.0.1/")
        #expect(settings.user == nil)
        #expect(settings.password?.revealed == "test-password")
        #expect(settings.host == "127.0.0.1")
    }

    @Test func anAddressInBrackets() throws {
        #expect(try self.parsed("redis://[::1]:7000/1").host == "::1")
        #expect(try self.parsed("redis://[::1]").port == 6379)
    }

    @Test func aPasswordWithAColonOrAnAtSign() throws {
        let settings = try self.parsed("redis://user:a:b@c@host.test")
        #expect(settings.password?.revealed == "a:b@c")
        #expect(settings.host == "host.test")
    }

    @Test(arguments: [
        ("", RedisURLProblem.scheme), ("cache.test:6379", .scheme), ("http://cache.test", .scheme),
        ("unix:///run/redis.sock", .scheme), ("redis://", .host), ("redis:///0", .host), ("redis://:1", .host),
        ("redis://a b", .character), ("redis://a\u{7f}", .character), ("redis://host:0", .port),
        ("redis://host:65536", .port), ("redis://host:", .port), ("redis://host:+1", .port),
        ("redis://host:٣", .port), ("redis://[::1", .host), ("redis://[::1]x", .host), ("redis://[host]", .host),
        ("redis://ho%73t", .host), ("redis://user@host", .userWithoutPassword),
        ("redis://user:@host", .userWithoutPassword),
        ("redis://user:%zz@host", .escape), ("redis://user:%f@host", .escape), ("redis://user:%ff@host", .escape),
        ("redis://host/x", .database), ("redis://host/65536", .database), ("redis://host/1/2", .database),
        ("redis://host/-1", .database), ("redis://host?db=1", .queryOrFragment), ("redis://host/1#x", .queryOrFragment),
        ("redis://" + String(repeating: "a", count: 4096), .tooLong),
        ("redis://" + String(repeating: "a", count: 256), .host),
    ])
    func problems(url: String, problem: RedisURLProblem) {
        #expect(RedisSettings.parse(url: url) == .failure(problem))
    }

    /// A raw `/` or `#` in a password cuts the URL at the wrong place; the error must not show what stands there.
    @Test(arguments: ["redis://user:hunter2/x@host", "redis://user:hunter2#@host", "redis://:hunter2%@host"])
    func problemsNeverShowThePassword(url: String) throws {
        guard case .failure(let problem) = RedisSettings.parse(url: url) else {
            Issue.record("accepted")
            return
        }
        #expect(!"\(problem) \(String(reflecting: problem))".contains("hunter2"))
        #expect(!problem.description.isEmpty)
    }

    @Test func settingsNeverShowThePassword() throws {
        let settings = try self.parsed("redis://user:hunter2@host")
        var dumped = ""
        dump(settings, to: &dumped)
        #expect(!"\(settings) \(String(reflecting: settings)) \(dumped)".contains("hunter2"))
    }

    @Test func rangesAreChecked() {
        func field(_ change: (inout RedisSettings) -> Void) -> String? {
            var settings = RedisSettings(host: "host")
            change(&settings)
            return settings.fieldOutOfRange
        }
        #expect(field { _ in } == nil)
        #expect(field { $0.host = "" } == "host")
        #expect(field { $0.port = 0 } == "port")
        #expect(field { $0.user = "u" } == "user")
        #expect(field { $0.clientName = "a b" } == "clientName")
        #expect(field { $0.timeout = .zero } == "timeout")
        #expect(field { $0.backoffMax = .milliseconds(1) } == "backoffMax")
        #expect(field { $0.outstandingMax = 0 } == "outstandingMax")
        #expect(field { $0.replyBytesMax = 1 << 30 } == "replyBytesMax")
    }
}

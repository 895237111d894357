import GatewayContract
import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayPolicy

struct RouteTableTests {
    private static let other = Fixture.origin("routes/legacy.yaml", 6)

    private func legacy(_ path: String, hosts: [String] = [], priority: Int = 0) -> RouteSpec {
        RouteSpec(
            name: "legacy", hosts: hosts, priority: priority,
            versions: [
                RouteVersionSpec(
                    name: "v1", path: path, pathOrigin: Self.other, endpoint: .chatCompletions, origin: Self.other)
            ], origin: Self.other)
    }

    private func chat(_ path: String, hosts: [String] = [], priority: Int = 0) -> RouteSpec {
        RouteSpec(
            name: "chat", hosts: hosts, priority: priority,
            versions: [.chat("v1", path, line: 21), .chat("v2", "/v2" + path, line: 30)])
    }

    @Test func aConfiguredRouteReplacesTheBuiltInOne() {
        let (table, problems) = Fixture.table([self.chat("/v1/chat/completions")])
        #expect(problems.isEmpty)
        #expect(table.say(.post, "/v1/chat/completions") == "chat/v1")
        #expect(table.say(.post, "/v2/v1/chat/completions") == "chat/v2")
        #expect(table.say(.get, "/v1/chat/completions") == "405 POST")
        #expect(table.say(.post, "/v1/embeddings") == "embeddings")
    }

    /// Guarantee: a configured route wins over a built-in one whatever its priority.
    @Test func aLowPriorityDoesNotBringTheBuiltInRouteBack() {
        let (table, _) = Fixture.table([self.chat("/v1/chat/completions", priority: -5)])
        #expect(table.say(.post, "/v1/chat/completions") == "chat/v1")
    }

    @Test func aConfiguredRouteMayLieBelowAnUnservedPrefix() {
        let (table, problems) = Fixture.table([self.legacy("/openai/v1/chat/completions")])
        #expect(problems.isEmpty)
        #expect(table.say(.post, "/openai/v1/chat/completions") == "legacy/v1")
        #expect(table.say(.post, "/openai/v1/files") == "404 not available")
    }

    @Test func twoRoutesThatMatchEquallyAreAConflictWithBothOrigins() throws {
        let (_, problems) = Fixture.table([
            self.chat("/v1/chat/completions", hosts: ["api.example.com"]),
            self.legacy("/v1/chat/completions", hosts: ["x.example.com", "API.example.com"]),
        ])
        let problem = try #require(problems.first)
        #expect(problems.count == 1)
        #expect(problem.code == "E5012")
        #expect(
            problem.message
                == "route `chat` version `v1` and route `legacy` both match POST api.example.com/v1/chat/completions")
        #expect(problem.origin == Fixture.origin("routes/chat.yaml", 21))
        #expect(problem.other == Self.other)
        #expect(!problem.isWarning)
    }

    @Test func aPriorityDecidesAndIsWarnedOf() {
        let (table, problems) = Fixture.table([
            self.chat("/v1/chat/completions"), self.legacy("/v1/chat/completions", priority: 1),
        ])
        #expect(problems.map(\.code) == ["W5013"])
        #expect(problems.allSatisfy { $0.isWarning })
        #expect(table.say(.post, "/v1/chat/completions") == "legacy/v1")
    }

    @Test func aNamedHostComesBeforeEveryHost() {
        let (table, problems) = Fixture.table([
            self.chat("/v1/chat/completions", priority: 9),
            self.legacy("/v1/chat/completions", hosts: ["old.example.com", "::1"]),
        ])
        #expect(problems.isEmpty)
        for host in ["old.example.com", "OLD.Example.com:8443", "old.example.com.", "[::1]", "[::1]:80"] {
            #expect(table.say(.post, "/v1/chat/completions", host: host) == "legacy/v1")
        }
        for host in ["example.com", "", "old.example.com.x", "xold.example.com", "[::1", "old.example.com:1:2"] {
            #expect(table.say(.post, "/v1/chat/completions", host: host) == "chat/v1")
        }
    }

    /// Guarantee: a route with hosts is not found under another host, and does not show in its 405 either.
    @Test func anotherHostSeesNothingOfARoute() {
        let (table, _) = Fixture.table([self.legacy("/only/here", hosts: ["a.example.com"])])
        #expect(table.say(.post, "/only/here", host: "b.example.com") == "404")
        #expect(table.say(.get, "/only/here", host: "b.example.com") == "404")
        #expect(table.say(.get, "/only/here", host: "a.example.com") == "405 POST")
    }

    @Test func configuredGeminiPathsHoldAModel() {
        let route = RouteSpec(
            name: "gem",
            versions: [
                RouteVersionSpec(name: "v9", path: "/v9/m/{model}:generateContent", endpoint: .geminiGenerateContent)
            ])
        let (table, problems) = Fixture.table([route])
        #expect(problems.isEmpty)
        #expect(table.say(.post, "/v9/m/g:generateContent") == "gem/v9 g")
        #expect(table.say(.post, "/v9/m/a/b:generateContent") == "404")
        #expect(table.say(.put, "/v9/m/g:generateContent") == "405 POST")
    }

    @Test func aConfiguredPatternReplacesTheBuiltInOne() {
        let route = RouteSpec(
            name: "gem",
            versions: [
                RouteVersionSpec(
                    name: "v9", path: "/v1beta/models/{model}:countTokens", endpoint: .geminiCountTokens)
            ])
        let (table, problems) = Fixture.table([route])
        #expect(problems.isEmpty)
        #expect(table.say(.post, "/v1beta/models/g:countTokens") == "gem/v9 g")
        #expect(table.say(.post, "/v1/models/g:countTokens") == "geminiCountTokens g")
    }

    /// Guarantee: every configured path is found and no other one, however many there are (collisions included).
    @Test func manyPathsAgreeWithADictionary() {
        var random = SeededRandom(seed: 0x5eed_0001)
        let paths = Set((0..<3000).map { _ in "/" + String(random.next() % 100_000, radix: 36) }).sorted()
        let routes = paths.enumerated().map { place, path in
            RouteSpec(name: RouteName("r\(place)"), versions: [.chat("v1", path)])
        }
        let (table, problems) = Fixture.table(routes)
        #expect(problems.isEmpty)
        let known = Dictionary(uniqueKeysWithValues: paths.enumerated().map { ($1, "r\($0)/v1") })
        for _ in 0..<20_000 {
            let path = "/" + String(random.next() % 100_000, radix: 36)
            #expect(table.say(.post, path) == known[path, default: "404"])
        }
    }

    @Test func explainSaysWhy() {
        let (table, _) = Fixture.table([self.chat("/v1/chat/completions")])
        let lines = table.explain(
            method: .post, host: "h", path: "/v1/chat/completions?a=b", today: Fixture.today, headerNamed: { _ in nil })
        #expect(lines.contains { $0.contains("route `chat`, priority 0") })
        #expect(lines.contains { $0.contains("(built in)") })
        #expect(lines.contains("route: `chat`, version `v1`, active"))
    }
}

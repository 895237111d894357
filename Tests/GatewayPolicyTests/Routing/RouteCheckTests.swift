import GatewayContract
import GatewayCore
import Testing

@testable import GatewayPolicy

struct RouteCheckTests {
    private func codes(_ versions: [RouteVersionSpec], _ selection: VersionSelection = .init()) -> [String] {
        RouteCheck.problems(of: RouteSpec(name: "chat", selection: selection, versions: versions)).map(\.code)
    }

    @Test func soundRoutesHaveNoProblem() {
        #expect(self.codes([.chat("v1", "/chat")]).isEmpty)
        #expect(self.codes([.chat("v1", "/a"), .chat("v2", "/b")], .init(defaultVersion: "v2")).isEmpty)
        #expect(self.codes([.chat("v1", "/a"), .chat("v2", "/a")], .init(query: "v")).isEmpty)
    }

    @Test func sunsetBeforeDeprecation() throws {
        let version = RouteVersionSpec.chat(
            "v1", "/chat", line: 25, deprecated: Fixture.date(2026, 12, 1), sunset: Fixture.date(2026, 11, 1))
        let problem = try #require(RouteCheck.problems(of: RouteSpec(name: "chat", versions: [version])).first)
        #expect(problem.code == "E4007")
        #expect(
            problem.message == "version `v1` has sunset 2026-11-01, earlier than its deprecation 2026-12-01")
        #expect(problem.origin == Fixture.origin("routes/chat.yaml", 25))
        var same = version
        same.sunset = same.deprecated
        #expect(self.codes([same]).isEmpty)
    }

    @Test func unknownNamesGetASuggestion() throws {
        let selection = VersionSelection(defaultVersion: "beta2")
        let versions: [RouteVersionSpec] = [
            .chat("beta1", "/a", successor: Reference("betb2")), .chat("beta2x", "/b"),
        ]
        let problems = RouteCheck.problems(of: RouteSpec(name: "chat", selection: selection, versions: versions))
        #expect(problems.map(\.code) == ["E4004", "E4006"])
        #expect(problems[0].suggestion == "beta1")
        #expect(problems[1].suggestion == "beta2x")
    }

    @Test func successorsThatLeadNowhere() {
        #expect(self.codes([.chat("v1", "/a", successor: Reference("v1"))]) == ["E4009"])
        #expect(
            self.codes([
                .chat("v1", "/a", successor: Reference("v2")), .chat("v2", "/b", successor: Reference("v1")),
            ]) == ["E4009", "E4009"])
        #expect(self.codes([.chat("v1", "/a", afterSunset: .redirect)]) == ["E4010"])
        let samePath: [RouteVersionSpec] = [
            .chat("v1", "/a", successor: Reference("v2"), afterSunset: .redirect), .chat("v2", "/a"),
        ]
        #expect(self.codes(samePath, .init(header: "x-v")) == ["E4010"])
        let otherPath: [RouteVersionSpec] = [
            .chat("v1", "/a", successor: Reference("v2"), afterSunset: .redirect), .chat("v2", "/b"),
        ]
        #expect(self.codes(otherPath).isEmpty)
        #expect(self.codes(otherPath, .init(path: false, header: "x-v")) == ["E4010"])
    }

    @Test(arguments: [
        "chat", "", "/a b", "/a%20b", "/a//b", "/a/../b", "/a/./b", "/a?b", "/a#b", "/a\\b", "/a\r\nx: y", "/é",
        "/a/{model}", "/{model}:gen", "/a/{", "/",
    ])
    func unusablePaths(_ path: String) {
        #expect(self.codes([.chat("v1", path)]) == ["E4005"])
    }

    @Test(arguments: [
        "/a", "/{model}", "/x{model}:gen", "/{model}/gen", "/{model}:a/b", "/{model}:", "/{model}{model}:g",
    ])
    func unusableGeminiPaths(_ path: String) {
        let version = RouteVersionSpec(name: "v1", path: path, endpoint: .geminiGenerateContent)
        #expect(self.codes([version]) == ["E4005"])
    }

    /// Guarantee: nothing from a file can break out of a header field.
    @Test(arguments: [
        "https://x/\r\nset-cookie: a", "https://x/>; rel=next", "javascript:x", "https://x/ y", "https://é",
    ])
    func docsThatAreNoURL(_ docs: String) {
        #expect(self.codes([.chat("v1", "/a", docs: docs)]) == ["E4011"])
    }

    @Test(arguments: ["", "v 1", "v1\r\nx: y", "vé"])
    func versionNamesThatFitNoHeader(_ name: String) {
        #expect(self.codes([.chat(VersionName(name), "/a")]) == ["E4012"])
    }

    @Test func versionsThatNothingTellsApart() {
        #expect(self.codes([.chat("v1", "/a"), .chat("v2", "/a")]) == ["E4014"])
        #expect(self.codes([.chat("v1", "/a"), .chat("v2", "/b")], .init(path: false)) == ["E4014"])
        #expect(self.codes([.chat("v1", "/a"), .chat("v1", "/b")]) == ["E4003"])
        #expect(self.codes([]) == ["E4002"])
        let date = Fixture.date(2026, 1, 1)
        #expect(
            self.codes(
                [.chat("v1", "/a", fromDate: date), .chat("v2", "/a", fromDate: date)], .init(dateHeader: "d"))
                == ["E4008"])
    }

    @Test(arguments: ["", "a b", "http://x", "x/y", "é.example"])
    func hostsThatAreNone(_ host: String) {
        let route = RouteSpec(name: "chat", hosts: [host], versions: [.chat("v1", "/a")])
        #expect(RouteCheck.problems(of: route).map(\.code) == ["E4013"])
    }
}

import GatewayContract
import GatewayCore
import Testing

@testable import GatewayPolicy

/// Selection of versions, and what their dates do.
struct VersionTests {
    /// Two versions at one path, a third at its own.
    private func shared(path: Bool = true, defaultVersion: VersionName? = "v2") -> RouteTable {
        let route = RouteSpec(
            name: "chat",
            selection: .init(
                path: path, header: "x-api-version", query: "api-version", dateHeader: "api-date",
                defaultVersion: defaultVersion),
            versions: [
                .chat("v1", "/chat", fromDate: Fixture.date(2025, 1, 1)),
                .chat("v2", "/chat", fromDate: Fixture.date(2026, 6, 1)),
                .chat("v3", "/v3/chat", fromDate: Fixture.date(2027, 1, 1)),
            ])
        let (table, problems) = Fixture.table([route])
        #expect(problems.isEmpty)
        return table
    }

    /// Guarantee: path, then header, then query, then date, then default; the first that is present decides.
    @Test func precedence() {
        let table = self.shared()
        let all = ["x-api-version": "v1", "api-date": "2026-07-01"]
        #expect(table.say(.post, "/v3/chat", query: "api-version=v1", headers: all) == "chat/v3")
        #expect(table.say(.post, "/chat", query: "api-version=v2", headers: all) == "chat/v1")
        #expect(table.say(.post, "/chat", query: "api-version=v1", headers: ["api-date": "2026-07-01"]) == "chat/v1")
        #expect(table.say(.post, "/chat", headers: ["api-date": "2026-05-31"]) == "chat/v1")
        #expect(table.say(.post, "/chat") == "chat/v2")
    }

    @Test func aDateChoosesTheNewestThatIsNotLater() {
        let table = self.shared()
        #expect(table.say(.post, "/chat", headers: ["api-date": "2025-01-01"]) == "chat/v1")
        #expect(table.say(.post, "/chat", headers: ["api-date": "2026-06-01"]) == "chat/v2")
        #expect(table.say(.post, "/chat", headers: ["api-date": "2030-01-01"]) == "chat/v2")
        #expect(table.say(.post, "/chat", headers: ["api-date": "2024-12-31"]) == "400 version")
        for bad in ["", "2026-6-01", "2026-02-30", "20260601xx", "+026-06-01", "2026-06-01T", "today"] {
            #expect(table.say(.post, "/chat", headers: ["api-date": bad]) == "400 version")
        }
    }

    /// Guarantee: a version that does not exist is an error, never the default.
    @Test func unknownVersionsAreRefused() {
        let table = self.shared()
        #expect(table.say(.post, "/chat", headers: ["x-api-version": "v9"]) == "400 version")
        #expect(table.say(.post, "/chat", headers: ["x-api-version": ""]) == "400 version")
        #expect(table.say(.post, "/chat", headers: ["x-api-version": "V1"]) == "400 version")
        #expect(table.say(.post, "/chat", headers: ["x-api-version": "v3"]) == "400 version")
        #expect(table.say(.post, "/chat", query: "api-version=") == "400 version")
        #expect(self.shared(defaultVersion: nil).say(.post, "/chat") == "400 version")
    }

    @Test func queriesAreReadAsForms() {
        let table = self.shared()
        #expect(table.say(.post, "/chat", query: "a=1&api-version=%761&b") == "chat/v1")
        #expect(table.say(.post, "/chat", query: "api-version=v1&api-version=v2") == "chat/v1")
        #expect(table.say(.post, "/chat", query: "xapi-version=v1") == "chat/v2")
        #expect(table.say(.post, "/chat", query: "api-version") == "400 version")
        #expect(table.say(.post, "/chat", query: "api-version=%v1") == "400 version")
        #expect(table.say(.post, "/chat", query: "&&=&") == "chat/v2")
    }

    @Test func withoutPathSelectionEveryPathLeadsToTheChosenVersion() {
        let table = self.shared(path: false)
        #expect(table.say(.post, "/v3/chat", headers: ["x-api-version": "v1"]) == "chat/v1")
        #expect(table.say(.post, "/chat", headers: ["x-api-version": "v3"]) == "chat/v3")
        #expect(table.say(.post, "/v3/chat") == "chat/v2")
    }

    // MARK: - Lifecycle

    private static let deprecated = Fixture.date(2026, 12, 1)
    private static let sunset = Fixture.date(2027, 6, 1)

    private func aging(_ after: AfterSunset) -> RouteTable {
        Fixture.table([
            RouteSpec(
                name: "chat",
                versions: [
                    .chat("v2", "/v2/chat/completions"),
                    .chat(
                        "v1", "/v1/chat/completions", deprecated: Self.deprecated, sunset: Self.sunset,
                        successor: Reference("v2"), docs: "https://docs.example.com/migrate-v2", afterSunset: after),
                ])
        ]).0
    }

    /// Guarantee: the fields are those of `reference/config.md` 3, on one line each.
    @Test func headersAreExact() throws {
        guard case .match(let match) = self.aging(.gone).find(.post, "/v1/chat/completions") else {
            Issue.record("no match")
            return
        }
        let text = String(decoding: try #require(match.lifecycleHeaders), as: UTF8.self)
        #expect(
            text == """
                deprecation: @1796083200\r
                sunset: Tue, 01 Jun 2027 00:00:00 GMT\r
                link: <https://docs.example.com/migrate-v2>; rel="deprecation"; type="text/html", \
                <https://docs.example.com/migrate-v2>; rel="sunset", </v2/chat/completions>; rel="successor-version"\r
                x-penstock-api-version: v1\r

                """)
        guard case .match(let young) = self.aging(.gone).find(.post, "/v2/chat/completions") else {
            Issue.record("no match")
            return
        }
        #expect(young.lifecycleHeaders.map { String(decoding: $0, as: UTF8.self) } == "x-penstock-api-version: v2\r\n")
    }

    /// Guarantee: the phase changes at the instant of the date, not a nanosecond earlier.
    @Test func phasesChangeAtTheirInstant() {
        let table = self.aging(.gone)
        let lifecycle = table.routes[0].versions[1].lifecycle
        #expect(lifecycle.phase(at: WallTime(nanoseconds: Self.deprecated.nanoseconds - 1)) == .active)
        #expect(lifecycle.phase(at: Self.deprecated) == .deprecated)
        let last = WallTime(nanoseconds: Self.sunset.nanoseconds - 1)
        #expect(lifecycle.phase(at: last) == .deprecated)
        #expect(lifecycle.phase(at: Self.sunset) == .sunset)
        #expect(table.say(.post, "/v1/chat/completions", today: last) == "chat/v1")
    }

    @Test func afterTheSunset() {
        let path = "/v1/chat/completions"
        #expect(self.aging(.gone).say(.post, path, today: Self.sunset) == "410 chat/v1")
        #expect(self.aging(.redirect).say(.post, path, today: Self.sunset) == "308 /v2/chat/completions")
        #expect(self.aging(.keep).say(.post, path, today: Self.sunset) == "chat/v1")
        #expect(self.aging(.redirect).say(.get, path, today: Self.sunset) == "405 POST")
    }

    @Test func aRedirectCarriesTheModelOfTheRequest() {
        func version(_ name: VersionName, _ path: String, _ successor: VersionName?) -> RouteVersionSpec {
            RouteVersionSpec(
                name: name, path: path, endpoint: .geminiGenerateContent, sunset: successor.map { _ in Self.sunset },
                successor: successor.map { Reference($0) }, afterSunset: .redirect)
        }
        var new = version("v2", "/v2/{model}:gen", nil)
        new.afterSunset = .gone
        let (table, problems) = Fixture.table([
            RouteSpec(name: "gem", versions: [new, version("v1", "/v1/{model}:gen", "v2")])
        ])
        #expect(problems.isEmpty)
        #expect(table.say(.post, "/v1/g-2.5:gen", today: Self.sunset) == "308 /v2/g-2.5:gen")
    }
}

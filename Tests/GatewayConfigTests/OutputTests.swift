import GatewayContract
import GatewayCore
import Testing

@testable import GatewayConfig

@Suite struct OutputTests {
    private func state(_ yaml: String, _ routes: [String: String] = [:]) throws -> DesiredState {
        var files = routes
        files["gateway.yaml"] = yaml
        let result = ConfigLoader(
            environment: ["K": "sk-test-0123456789", "K2": "sk-test-9876543210"], fileSystem: MemoryFiles(files)
        ).load(path: "gateway.yaml")
        return try #require(result.desired, "\(result.report())")
    }

    private static let one = """
        version: 1
        providers:
          openai: { api_key: "${K}", headers: { X-Org: "o 1" } }
          azure: { endpoint: "https://eu.test", api_key: "${K}", api_version: "2025-04-01" }
          slow: { type: echo, faults: { delay: 1s } }
        models:
          "openai/*": { passthrough: openai }
          smart:
            use: [openai/gpt, slow/x]
            policy: { fallback: [[azure/a, azure/b], slow/y], retry: { attempts: 1 } }
            limits: { rpm: 60 }
        keys:
          - { name: dev, secret: "${K}", models: [smart, "openai/*"], expires: 2027-01-31 }
        """
    private static let route = """
        route: chat
        match: { host: api.test }
        select: { header: X-Version, default: v1.1 }
        versions:
          v1.1:
            { path: /v1/chat/completions, schema: openai.chat, deprecated: 2026-01-01, sunset: 2027-01-01,
              successor: v2, docs: "https://d.test/" }
          v2: { path: /v2/chat/completions, schema: openai.chat, timeouts: { total: 90s }, models: [smart] }
        """

    @Test func everythingResolvedIsShownAndNoSecret() throws {
        let yaml = ResolvedRendering.yaml(try self.state(Self.one, ["routes/chat.yaml": Self.route]))
        #expect(!yaml.contains("sk-test") && !yaml.contains("o 1"))
        for line in [
            "  listen: [127.0.0.1:8080]\n", "    max_body: 20MiB\n", "    api_key: \"•••\"\n", "      X-Org: \"•••\"\n",
            "    base_url: https://api.openai.com/v1\n", "  \"openai/*\":\n    passthrough: openai\n",
            "    pool: [openai/gpt, slow/x]\n    policy:\n      fallback: [[azure/a, azure/b], slow/y]\n      "
                + "retry:\n        attempts: 1\n",
            "  echo:  # built in\n    type: echo\n", "---\n# routes/chat.yaml\nroute: chat\n",
            "  v1.1:\n    path: /v1/chat/completions\n",
            "  - name: dev\n    secret: \"•••\"\n    models: [smart, \"openai/*\"]\n    expires: 2027-01-31\n",
        ] {
            #expect(yaml.contains(line), "\(line)\nin\n\(yaml)")
        }
    }

    /// Guarantee: what is shown is a configuration: loaded again it means the same (but for the credentials).
    @Test func whatIsShownLoadsAgain() throws {
        let before = try self.state(Self.one, ["routes/chat.yaml": Self.route])
        let documents = ResolvedRendering.yaml(before).split(separator: "---\n").map(String.init)
        #expect(documents.count == 2)
        let visible = documents[0].split(separator: "\n").map { $0.replacingDots() + "\n" }.joined()
        let after = try self.state(visible, ["routes/chat.yaml": documents[1]])
        let lines = StateDifference(from: before, to: after).lines
        #expect(lines.allSatisfy { $0.hasPrefix("~") || $0.hasSuffix("changed") }, "\(lines)")
    }

    @Test func differencesAreNamed() throws {
        let before = try self.state(Self.one, ["routes/chat.yaml": Self.route])
        #expect(StateDifference(from: before, to: before).isEmpty)
        var after = before
        after.providers[0].apiKey = Secret("sk-test-other")
        after.providers[0].timeouts.total = .minutes(5)
        after.models[1].limits = .init(tokensPerMinute: 5)
        after.keys = [KeySpec(name: "ci", secret: Secret("sk-test-x"))]
        after.server.loops = 3
        after.routes[0].versions[1].path = "/v3/chat"
        #expect(
            StateDifference(from: before, to: after).text == """
                ~ server
                    + loops: 3
                ~ provider `openai`
                    ~ api_key: changed
                    ~ timeouts.total: 10m → 5m
                ~ model `smart`
                    - limits.rpm: 60
                    + limits.tpm: 5
                - key `dev`
                + key `ci`
                    + secret: "•••"
                    + scopes: [inference]
                ~ route `chat`
                    ~ versions.v2.path: /v2/chat/completions → /v3/chat

                """)
    }

    /// Guarantee: what a reload cannot change is named.
    @Test func restartKeysAreNamed() throws {
        let before = try self.state(Self.one)
        var after = before
        after.server.loops = 3
        after.server.limits.bodyBytesMax = 1
        after.server.admin = .init(host: "127.0.0.1", port: 1)
        after.server.drain.grace = .seconds(1)
        after.accessLog.output = .off
        after.models = []
        #expect(
            StateDifference(from: before, to: after).restartKeys == ["server.admin.address", "server.loops"])
    }

    @Test(arguments: [
        "plain", "a b", "", "null", "-x", "a: b", "\"q\"", "x\ny", "${A}", "#c", "[x]", "@x", "ä", "true", "1",
    ])
    func scalarsReadBack(_ text: String) throws {
        let loader = ConfigLoader(
            environment: [:],
            fileSystem: MemoryFiles([
                "g": "version: 1\n",
                "routes/r.yaml":
                    "route: r\ndescription: \(YAMLText.scalar(text))\nversions: { v: { path: /x, schema: rerank } }\n",
            ]))
        let result = loader.load(path: "g")
        #expect(result.desired?.routes.first?.description == text, "\(result.report())")
    }

    @Test func aStartWithoutAFile() throws {
        let made = ConfigLoader.madeUp(
            environment: ["OPENAI_API_KEY": "sk-test-1", "GEMINI_API_KEY": ""], developmentKey: "sk-test-0123456789",
            digest: { $0 })
        #expect(
            made.yaml == """
                version: 1
                listen: 127.0.0.1:8080
                providers:
                  openai: { api_key: "${OPENAI_API_KEY}" }
                models:
                  "openai/*": { passthrough: openai }
                  "echo/*": { passthrough: echo }
                keys:
                  - { name: dev, secret: "${PENSTOCK_DEV_KEY}" }

                """)
        #expect(made.result.problems == [])
        let state = try #require(made.result.desired)
        #expect(state.keys.first?.credential.secret?.revealed == "sk-test-0123456789")
        #expect(state.providers.first?.apiKey?.revealed == "sk-test-1")
        let bare = ConfigLoader.madeUp(
            environment: ["PENSTOCK_DEV_KEY": "sk-test-abcdefghij"], developmentKey: "x", digest: { $0 })
        #expect(bare.result.desired?.models.map(\.name.text) == ["echo/*"])
        #expect(bare.result.desired?.keys.first?.credential.secret?.revealed == "sk-test-abcdefghij")
    }
}

extension Substring {
    /// A credential that the loader takes, for `•••`.
    fileprivate func replacingDots() -> String {
        guard let range = self.firstIndex(of: "•") else { return String(self) }
        return String(self[..<range]) + "sk-test-0123456789-again\""
    }
}

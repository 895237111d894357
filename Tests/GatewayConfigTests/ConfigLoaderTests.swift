import GatewayContract
import GatewayCore
import Testing

@testable import GatewayConfig

@Suite struct ConfigLoaderTests {
    /// Guarantee: every problem of a configuration is reported at once, with its place, its line and a suggestion.
    @Test(arguments: CaseFile.all())
    func problemsReadAsExpected(_ file: CaseFile) {
        let result = file.load()
        let actual = result.report()
        if TestFiles.variable("PENSTOCK_WRITE_CASES") == "1" {
            file.rewrite(actual)
        } else {
            #expect(actual == file.expected)
        }
        #expect((result.desired == nil) == result.hasErrors)
    }

    @Test func casesAreFound() {
        #expect(CaseFile.all().count > 20)
    }

    private func load(_ yaml: String, _ environment: [String: String] = [:], _ files: [String: String] = [:])
        -> ConfigResult
    {
        var all = files
        all["gateway.yaml"] = yaml
        return ConfigLoader(environment: environment, fileSystem: MemoryFiles(all)).load(path: "gateway.yaml")
    }

    /// Guarantee: an empty configuration has exactly the defaults of the seam.
    @Test func defaultsAreThoseOfTheContract() throws {
        let state = try #require(self.load("version: 1\n").desired)
        #expect(state.server == ServerSettings())
        #expect(state.accessLog == AccessLogSettings())
        #expect(state.providers == [ProviderSpec(name: "echo", type: .echo)])
        #expect(state.models.isEmpty && state.keys.isEmpty && state.routes.isEmpty)
    }

    @Test func shortAndLongFormsMeanTheSame() throws {
        let short = try #require(
            self.load("version: 1\nlisten: 127.0.0.1:1\nmodels:\n  a: { use: [echo/x, echo/y], policy: fallback }\n")
                .desired)
        let long = try #require(
            self.load(
                """
                version: 1
                server:
                  listen:
                    - address: 127.0.0.1:1
                deployments:
                  echo/x: { provider: echo, model: x }
                  echo/y: { provider: echo, model: "y" }
                models:
                  a:
                    pool: [echo/x]
                    policy:
                      fallback: [echo/y]
                """
            ).desired)
        #expect(StateDifference(from: short, to: long).lines == [])
    }

    @Test func everyKeyOfTheSliceIsRead() throws {
        let result = self.load(Self.full, ["KEY": "sk-test-0123456789"], ["ca.pem": "-----BEGIN CERTIFICATE-----\n"])
        #expect(result.problems == [])
        let state = try #require(result.desired)
        #expect(
            state.server.listen.map(\.address) == [.init(host: "0.0.0.0", port: 8080), .init(host: "::1", port: 8081)])
        #expect(state.server.admin == .init(host: "127.0.0.1", port: 9902))
        #expect(state.server.loops == 2)
        #expect(state.server.drain == DrainSettings(grace: .seconds(5), streamGrace: .minutes(1)))
        #expect(state.server.limits.bodyBytesMax == 1 << 20)
        #expect(state.server.limits.inFlightBytesMax == 2 << 20)
        #expect(state.server.limits.connectionsMax == 2000)
        #expect(state.server.trustedProxies.map(\.description) == ["10.0.0.0/8"])
        #expect(state.accessLog.output == .file("log/access.json"))
        let local = try #require(state.providers.first { $0.name == "local" })
        #expect(local.baseURL == BaseURL(tls: true, host: "vllm.internal", port: 8000, path: "/v1"))
        #expect(local.apiKey?.revealed == "sk-test-0123456789")
        #expect(local.headers == [HeaderSpec(name: "X-Team", value: Secret("a b"))])
        #expect(local.timeouts.head == .seconds(9) && local.timeouts.total == .minutes(90))
        #expect(local.caFile == "ca.pem" && local.connectionsMax == 7)
        let azure = try #require(state.providers.first { $0.name == "eu" })
        #expect(azure.type == .azure && azure.apiKey == nil && azure.apiVersion == "2025-04-01-preview")
        let echo = try #require(state.providers.first { $0.name == "faulty" })
        #expect(
            echo.faults
                == EchoFaults(
                    delay: .seconds(1), eventDelay: .milliseconds(5), status: 503, retryAfter: 2, resetAfter: 0,
                    omitUsage: true))
        let model = try #require(state.models.first { $0.name == "m" })
        #expect(model.retry == RetryPolicy(attempts: 2, on: [.connect, .tooManyRequests, .serverError, .timeout]))
        #expect(model.limits == LimitSpec(requestsPerMinute: 600, tokensPerMinute: 2_000_000, concurrency: 3))
        guard case .deployments(let tiers) = model.target else { return #expect(Bool(false)) }
        #expect(tiers.map { $0.map(\.name.text) } == [["d", "local/llama"], ["faulty/x"], ["d2", "d3"]])
        let key = try #require(state.keys.first)
        #expect(key.models == ["m", "pass/*"] && key.expires == Units.date("2027-01-31"))
        #expect(key.allowedAddresses?.map(\.description) == ["10.2.0.0/16"])
    }

    private static let full = """
        version: 1
        server:
          listen: [ "0.0.0.0:8080", { address: "[::1]:8081" } ]
          admin: { address: 127.0.0.1:9902 }
          loops: 2
          drain: { grace: 5s, stream_grace: 1m }
          limits:
            { max_body: 1MiB, max_header: 8KiB, max_header_fields: 50, idle_timeout: 1m, head_timeout: 1s,
              body_timeout: 2s, max_connections: 2k, max_in_flight: 2MiB }
          trusted_proxies: [10.0.0.0/8]
        providers:
          local:
            type: openai-compatible
            base_url: https://vllm.internal:8000/v1/
            api_key: ${KEY}
            headers: { X-Team: a b }
            timeouts: { connect: 1s, head: 9s, first_content: 10s, inter_content: 20s, total: 1h30m }
            ca_file: ca.pem
            max_connections: 7
          eu: { type: azure, endpoint: "https://eu.openai.azure.com", api_key: none, api_version: 2025-04-01-preview }
          faulty:
            type: echo
            faults: { delay: 1s, event_delay: 5ms, status: 503, retry_after: 2, reset_after: 0, no_usage: true }
        deployments:
          d: { provider: local, model: llama, weight: 3 }
          d2: { provider: eu, model: gpt }
          d3: { provider: eu, model: gpt, weight: 0 }
        models:
          m:
            pool: [d, local/llama]
            policy: { fallback: [faulty/x, [d2, d3]], retry: { attempts: 2, on: [connect, 429, 5xx, timeout] } }
            limits: { rpm: 600, tpm: 2M, concurrency: 3 }
          "pass/*": { passthrough: faulty }
        keys:
          - { name: ci, secret: "${KEY}", models: [m, "pass/*"], allow_ips: [10.2.0.0/16], expires: 2027-01-31 }
        telemetry: { access_log: { format: json, output: ./log/access.json } }
        """

    @Test func modelsInsideOfModelsAreExpanded() throws {
        let state = try #require(
            self.load(
                """
                version: 1
                models:
                  chain: { use: [echo/a, echo/b], policy: fallback }
                  outer: { use: echo/c, policy: { fallback: [chain] } }
                  pool: { use: [single, echo/e] }
                  single: { use: echo/d }
                """
            ).desired)
        func tiers(_ name: ModelName) -> [[String]] {
            guard case .deployments(let tiers)? = state.models.first(where: { $0.name == name })?.target else {
                return []
            }
            return tiers.map { $0.map(\.name.text) }
        }
        #expect(tiers("outer") == [["echo/c"], ["echo/a"], ["echo/b"]])
        #expect(tiers("pool") == [["echo/d", "echo/e"]])
    }

    /// Guarantee (O-2): a secret file is watched and part of the revision; so is what was looked for and not found.
    @Test func secretFilesAreWatched() {
        let yaml = "version: 1\ninclude: [\"extra.yaml?\"]\nproviders:\n  openai: { api_key: \"${file:key}\" }\n"
        let first = self.load(yaml, [:], ["key": "sk-test-1\n"])
        let second = self.load(yaml, [:], ["key": "sk-test-2\n"])
        #expect(first.watchedFiles == ["extra.yaml", "gateway.yaml", "key"])
        #expect(first.watchedFolders == ["routes"])
        #expect(first.desired?.providers.first?.apiKey?.revealed == "sk-test-1")
        #expect(first.desired?.revision != second.desired?.revision)
        #expect(first.watched != second.watched)
    }

    /// Guarantee: the revision is the digest of each file's path and digest, secret files and routes included.
    @Test func theRevisionNamesAllThatWasRead() {
        let digest: ContentDigest = { [UInt8($0.count & 0xff), $0.first ?? 0] }
        var revision = RevisionHash(digest: digest)
        #expect(revision.text == "0000")
        revision.add(path: "a", content: Array("xyz".utf8))
        // `a`, a zero byte and two bytes of digest.
        #expect(revision.text == "0461")
        var one = RevisionHash { $0 }
        one.add(path: "a", content: [1, 255])
        one.add(path: "b", content: [])
        #expect(one.text == "610001ff6200")
    }

    /// Guarantee: without a digest there is no revision, and what has none is not served.
    @Test func aConfigurationThatCannotBeHashedIsRefused() {
        let loader = ConfigLoader(
            environment: [:], digest: { _ in nil }, fileSystem: MemoryFiles(["g": "version: 1\n"]))
        let result = loader.load(path: "g")
        #expect(result.desired == nil)
        #expect(result.problems.map(\.code) == ["E1107"])
    }

    /// Guarantee: one bad value does not hide problems that the compiler would find.
    @Test func aFaultyValueLeavesTheStateCheckable() {
        let result = self.load("version: 1\nserver: { loops: no }\nmodels:\n  a: { use: lama }\n")
        #expect(result.desired == nil)
        #expect(result.checkable?.models.count == 1)
        let missing = self.load("version: 1\ninclude: gone.yaml\nmodels:\n  a: { use: lama }\n")
        #expect(missing.checkable == nil)
    }

    /// Guarantee: the compiler's problems stand among the others, once each, and a state with an error is not served.
    @Test func theCompilersProblemsAreAdded() throws {
        let result = self.load("version: 1\nproviders:\n  x: { type: openai-compatible, api_key: none }\n")
        let place = try #require(result.problems.first?.place)
        let again = Problem("E3007", "provider `x` has no address", at: place)
        let other = Problem("E3001", "y", at: .init(file: "gateway.yaml", line: 1, column: 1))
        #expect(result.adding([again, other]).problems.map(\.code) == ["E3001", "E2102"])
        let fine = self.load("version: 1\n")
        #expect(fine.desired != nil && fine.adding([other]).desired == nil)
        #expect(fine.adding([Problem("W5013", "z", at: nil)]).desired != nil)
    }

    @Test func filesAreBounded() {
        let result = self.load("version: 1\n#" + String(repeating: "x", count: 1 << 20) + "\n")
        #expect(result.problems.map(\.code) == ["E1102"])
        #expect(
            self.load(
                "version: 1\nproviders: { openai: { api_key: \"${file:k}\" } }\n", [:],
                ["k": String(repeating: "k", count: 70000)]
            ).problems.map(\.code) == ["E1404"])
    }

    @Test func aMissingFileIsNamed() {
        let result = ConfigLoader(environment: [:], fileSystem: MemoryFiles([:])).load(
            path: "/etc/penstock/gateway.yaml")
        #expect(
            result.report() == """
                error[E1101]: cannot read `/etc/penstock/gateway.yaml`: no such file
                  --> /etc/penstock/gateway.yaml

                """)
    }

    @Test func noTextIsNoUTF8() {
        struct Bytes: ConfigFileSystem {
            func read(_ path: String, bytesMax: Int) throws(FileFault) -> [UInt8] { [0x61, 0xff, 0xfe] }
            func list(_ folder: String) throws(FileFault) -> [String] { throw .missing }
        }
        #expect(ConfigLoader(environment: [:], fileSystem: Bytes()).load(path: "x").problems.map(\.code) == ["E1103"])
    }
}

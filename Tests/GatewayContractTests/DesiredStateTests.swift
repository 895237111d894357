import GatewayContract
import GatewayCore
import Testing

struct DesiredStateTests {
    @Test func authorities() {
        func authority(_ tls: Bool, _ host: String, _ port: Int) -> String {
            BaseURL(tls: tls, host: host, port: port, path: "").authority
        }
        #expect(authority(true, "api.example.com", 443) == "api.example.com")
        #expect(authority(true, "api.example.com", 80) == "api.example.com:80")
        #expect(authority(false, "vllm.internal", 80) == "vllm.internal")
        #expect(authority(false, "vllm.internal", 8000) == "vllm.internal:8000")
        #expect(authority(false, "::1", 8000) == "[::1]:8000")
        #expect(authority(true, "::1", 443) == "[::1]")
        #expect("\(ListenAddress(host: "::", port: 8080))" == "[::]:8080")
        #expect("\(ListenAddress(host: "127.0.0.1", port: 0))" == "127.0.0.1:0")
    }

    @Test func origins() {
        #expect("\(Origin(file: "gateway.yaml", line: 60, column: 48))" == "gateway.yaml:60:48")
        #expect("\(Origin.builtIn)" == "built-in")
    }

    /// Guarantee: the defaults are those of reference/config.md.
    @Test func defaults() {
        let server = ServerSettings()
        #expect(server.listen.map(\.description) == ["127.0.0.1:8080"])
        #expect("\(server.admin)" == "127.0.0.1:9901")
        #expect(server.limits.bodyBytesMax == 20 * 1024 * 1024)
        #expect(server.limits.headBytesMax == 64 * 1024)
        #expect(server.limits.connectionsMax == 10_000)
        #expect(server.limits.idleTimeout == .minutes(5))
        #expect(server.limits.headTimeout == .seconds(15))
        #expect(server.limits.bodyTimeout == .seconds(30))
        #expect(server.drain == DrainSettings(grace: .seconds(30), streamGrace: .minutes(10)))
        let timeouts = UpstreamTimeouts()
        #expect(timeouts.connect == .seconds(2))
        #expect(timeouts.head == nil)
        #expect(timeouts.firstContent == .seconds(120))
        #expect(timeouts.interContent == .seconds(120))
        #expect(timeouts.total == .minutes(10))
        #expect(RetryPolicy().attempts == 0)
        #expect(VersionSelection().path)
    }

    @Test func emptyLimits() {
        #expect(LimitSpec().isEmpty)
        #expect(!LimitSpec(requestsPerMinute: 1).isEmpty)
        #expect(!LimitSpec(tokensPerMinute: 1).isEmpty)
        #expect(!LimitSpec(concurrency: 1).isEmpty)
    }

    /// Guarantee: a desired state that is printed shows no credential.
    @Test func printingShowsNoSecret() {
        let state = DesiredState(
            providers: [
                ProviderSpec(
                    name: "p", type: .openai, apiKey: Secret("sk-test-visible"),
                    headers: [HeaderSpec(name: "x", value: Secret("sk-test-visible"))])
            ],
            keys: [KeySpec(name: "k", secret: Secret("sk-test-visible"))])
        var dumped = ""
        dump(state, to: &dumped)
        #expect(!"\(state)".contains("visible"))
        #expect(!dumped.contains("visible"))
    }
}

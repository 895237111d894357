import GatewayContract
import GatewayCore
import GatewayUpstream
import Testing

@Suite struct UpstreamEndpointTests {
    private let base = UpstreamEndpoint(host: "a.test", port: 443, tls: true, caFile: "/ca.pem", connectionsMax: 4)

    @Test func theBoundIsNoPartOfTheIdentity() {
        var other = self.base
        other.connectionsMax = 9
        #expect(other == self.base && other.hashValue == self.base.hashValue)
    }

    @Test func everythingThatDecidesWhoAnswersIs() {
        let others: [UpstreamEndpoint] = [
            .init(host: "b.test", port: 443, tls: true, caFile: "/ca.pem"),
            .init(host: "a.test", port: 444, tls: true, caFile: "/ca.pem"),
            .init(host: "a.test", port: 443, tls: false, caFile: "/ca.pem"),
            .init(host: "a.test", port: 443, tls: true, caFile: "/other.pem"),
            .init(host: "a.test", port: 443, tls: true),
        ]
        #expect(Set(others + [self.base]).count == 6)
    }

    @Test func aProviderWithoutABaseURLHasNone() {
        #expect(UpstreamEndpoint(provider: .init(name: "echo", type: .echo)) == nil)
    }

    @Test func theBoundOfAProviderIsSpreadOverTheLoops() {
        let url = BaseURL(tls: true, host: "a.test", port: 443, path: "/v1")
        let provider = ProviderSpec(
            name: "p", type: .openai, baseURL: url, caFile: "/ca.pem", connectionsMax: 10)
        let endpoint = UpstreamEndpoint(provider: provider, loops: 4)
        #expect(endpoint == self.base)
        #expect(endpoint?.connectionsMax == 3)
    }
}

import GatewayContract
import GatewayCore
import Testing

@testable import GatewayConfig

@Suite struct ListenerSectionTests {
    private static let files = [
        "tls/a.pem": "chain a", "tls/a.key": "key a", "tls/b.pem": "chain b", "tls/b.key": "key b", "ca.pem": "ca",
    ]

    private func load(_ tls: String, changing: [String: String] = [:]) -> ConfigResult {
        var files = Self.files.merging(changing) { _, new in new }
        files["gateway.yaml"] = """
            version: 1
            server:
              listen:
                - address: 127.0.0.1:8443
                  tls: \(tls)
                - 127.0.0.1:8080
            """
        return ConfigLoader(environment: [:], fileSystem: MemoryFiles(files)).load(path: "gateway.yaml")
    }

    private static let full = """
        { cert: tls/a.pem, key: tls/a.key, certificates: [{ cert: ./tls/b.pem, key: tls/b.key }],
                         names: [API.example.test., b.test], client_ca: ca.pem, client_auth: optional }
        """

    @Test func everyKeyIsRead() throws {
        let result = self.load(Self.full)
        #expect(result.problems == [])
        let listeners = try #require(result.desired).server.listen
        #expect(listeners.map(\.description) == ["127.0.0.1:8443", "127.0.0.1:8080"])
        let tls = try #require(listeners[0].tls)
        #expect(listeners[1].tls == nil)
        #expect(tls.certificates.map(\.chain.path) == ["tls/a.pem", "tls/b.pem"])
        #expect(tls.certificates.map(\.key.path) == ["tls/a.key", "tls/b.key"])
        #expect(tls.certificates.map(\.chain.bytes) == [Array("chain a".utf8), Array("chain b".utf8)])
        #expect(tls.certificates.map(\.key.content.revealed) == ["key a", "key b"])
        #expect(tls.certificates[0].key.origin == Origin(file: "gateway.yaml", line: 5, column: 36))
        #expect(tls.names.map(\.name) == ["api.example.test", "b.test"])
        #expect(tls.clients?.authorities.path == "ca.pem" && tls.clients?.isRequired == false)
        #expect(tls.isWatched)
    }

    @Test func clientsNeedACertificateUnlessToldOtherwise() throws {
        let tls = try #require(
            self.load("{ cert: tls/a.pem, key: tls/a.key, client_ca: ca.pem }").desired?.server.listen[0].tls)
        #expect(tls.clients?.isRequired == true)
    }

    /// Guarantee: every file counts for the revision, and all are watched unless the listener says no.
    @Test func filesBelongToTheRevision() throws {
        let before = self.load(Self.full)
        for path in Self.files.keys {
            #expect(before.watchedFiles.contains(path), "\(path)")
            let after = self.load(Self.full, changing: [path: "other"])
            #expect(after.desired?.revision != before.desired?.revision, "\(path)")
        }
        let still = self.load("{ cert: tls/a.pem, key: tls/a.key, reload: false }")
        #expect(still.watchedFiles == ["gateway.yaml"])
        let changed = self.load("{ cert: tls/a.pem, key: tls/a.key, reload: false }", changing: ["tls/a.pem": "x"])
        #expect(still.desired?.revision != changed.desired?.revision)
    }

    /// Guarantee: what is shown loads again, names every file and no key's content.
    @Test func whatIsShownLoadsAgain() throws {
        let state = try #require(self.load(Self.full).desired)
        let yaml = ResolvedRendering.yaml(state)
        #expect(!yaml.contains("key a") && yaml.contains("key: tls/a.key"))
        var files = Self.files
        files["gateway.yaml"] = yaml
        let again = ConfigLoader(environment: [:], fileSystem: MemoryFiles(files)).load(path: "gateway.yaml")
        #expect(StateDifference(from: state, to: try #require(again.desired)).lines == [])
        let plain = try #require(self.load("{ cert: tls/a.pem, key: tls/a.key }").desired)
        #expect(!StateDifference(from: state, to: plain).isEmpty)
    }

    /// Guarantee: a listener whose TLS has a fault is never taken for one in the clear.
    @Test func faultyTLSIsStillTLS() {
        for tls in ["", "{}", "{ cert: none.pem, key: tls/a.key }", "{ cert: tls/a.pem }", "no"] {
            let result = self.load(tls)
            #expect(result.desired == nil, "\(tls)")
            #expect(result.checkable?.server.listen.first?.tls != nil, "\(tls)")
        }
    }
}

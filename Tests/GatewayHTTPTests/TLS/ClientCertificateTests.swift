import GatewayTesting
import NIOSSL
import Testing

@testable import GatewayHTTP

@Suite struct ClientCertificateTests {
    @Test func itTellsWhoTheClientIs() throws {
        let pem = try NIOSSLCertificate.fromPEMBytes(Array(TestCertificates.client.utf8))
        let client = ClientCertificate(try #require(pem.first))
        #expect(client.commonName == "ci")
        #expect(client.organizations == ["Penstock tests"])
        #expect(client.dnsNames == ["ci.test"])
        #expect(client.uris == ["spiffe://test/ci"])
        #expect(client.mailAddresses == ["ci@example.test"])
        #expect(client.serialNumber == [2])
    }

    @Test func namesThatAreNotThereAreEmpty() throws {
        let pem = try NIOSSLCertificate.fromPEMBytes(Array(TestCertificates.authority.utf8))
        let client = ClientCertificate(try #require(pem.first))
        #expect(client.commonName == "Penstock test CA")
        #expect(client.organizations == [] && client.dnsNames == [] && client.uris == [])
    }
}

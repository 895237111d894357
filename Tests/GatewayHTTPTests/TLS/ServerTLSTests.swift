import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayHTTP

@Suite struct ServerTLSTests {
    private static let key = Secret(TestCertificates.serverKey)

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private static func tls(_ chain: String = TestCertificates.server, authorities: String? = nil) throws -> ServerTLS {
        let pair = ServerTLSSettings.Pair(chain: self.bytes(chain), key: self.key)
        let certificate = try ServerCertificate.read(chain: pair.chain, key: pair.key).get()
        let settings = ServerTLSSettings(pairs: [pair], clientAuthorities: authorities.map(self.bytes))
        return try ServerTLS.make(settings, certificates: [certificate]).get()
    }

    @Test func aCertificateTellsItsNamesAndTimes() throws {
        let chain = TestCertificates.server + "\n" + TestCertificates.authority + "\n"
        let certificate = try ServerCertificate.read(chain: Self.bytes(chain), key: Self.key).get()
        #expect(certificate.names == ["provider.test", "*.wild.test"])
        #expect(certificate.chain.count == 2)
        #expect(CivilDate(unixSeconds: certificate.notBefore.unixSeconds).year == 2020)
        #expect(CivilDate(unixSeconds: certificate.notAfter.unixSeconds).year == 2120)
    }

    /// Guarantee: each fault has its own name, so that each can have its own mend.
    @Test func faultsAreTold() {
        func fault(_ chain: String, _ key: String) -> CertificateFault? {
            let result = ServerCertificate.read(chain: Self.bytes(chain), key: Secret(key))
            if case .failure(let fault) = result { return fault }
            return nil
        }
        let good = TestCertificates.server
        #expect(fault("", TestCertificates.serverKey) == .noCertificate)
        #expect(fault("no PEM", TestCertificates.serverKey) == .noCertificate)
        #expect(fault(TestCertificates.serverKey, TestCertificates.serverKey) == .noCertificate)
        #expect(fault(String(good.prefix(300)), TestCertificates.serverKey) == .noCertificate)
        #expect(fault(good, "") == .noKey)
        #expect(fault(good, good) == .noKey)
        #expect(fault(good, String(TestCertificates.serverKey.prefix(80))) == .noKey)
        #expect(fault(good, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n") == .encryptedKey)
        #expect(fault(TestCertificates.client, TestCertificates.serverKey) == .foreignKey)
        // An authority's certificate may sign certificates and nothing else.
        guard case .unusable? = fault(TestCertificates.authority, TestCertificates.serverKey) else {
            return #expect(Bool(false))
        }
        #expect(fault(good, TestCertificates.serverKey) == nil)
    }

    @Test func authoritiesMustBeCertificates() throws {
        #expect(throws: CertificateFault.noCertificate) { try Self.tls(authorities: TestCertificates.serverKey) }
        _ = try Self.tls(authorities: TestCertificates.authority)
        #expect(ServerTLS.holdsCertificates(Self.bytes(TestCertificates.authority)))
        #expect(!ServerTLS.holdsCertificates(Self.bytes("")))
    }

    /// Guarantee: equal settings keep what there is, so that sessions go on; anything else is exchanged.
    @Test func aRotationKeepsWhatIsEqual() throws {
        let first = try Self.tls()
        var rotation = TLSRotation(nil)
        #expect(rotation.take(nil) == .none)
        #expect(rotation.take(first) == .exchanged)
        #expect(rotation.take(try Self.tls()) == .none)
        #expect(rotation.current === first)
        let renewed = try Self.tls(TestCertificates.expired)
        #expect(rotation.take(renewed) == .exchanged)
        #expect(rotation.current === renewed)
        #expect(
            rotation.take(try Self.tls(TestCertificates.expired, authorities: TestCertificates.authority)) == .exchanged
        )
        #expect(rotation.take(nil) == .exchanged)
        #expect(rotation.current == nil)
    }

    /// Guarantee: a private key does not show in what is printed of the settings.
    @Test func settingsPrintNoKey() throws {
        let tls = try Self.tls()
        #expect(!"\(tls.settings)".contains("PRIVATE"))
        #expect(!String(reflecting: tls.settings).contains("PRIVATE"))
    }
}

import Testing

@testable import GatewayHTTP

@Suite struct CertificateStoreTests {
    private static let store = CertificateStore([
        ["default.test"], ["*.wild.test", "Upper.TEST."], ["a.wild.test", "default.test"], ["*.wild.test"], [],
    ])

    /// Guarantee: exactly the name, then a wildcard of one label; the case of letters and a final dot do not matter.
    @Test(arguments: [
        ("default.test", 0), ("b.wild.test", 1), ("upper.test", 1), ("a.wild.test", 2), ("A.Wild.Test.", 2),
        ("B.WILD.TEST", 1),
    ])
    func aNameFindsItsCertificate(name: String, place: Int) {
        #expect(Self.store.place(for: name) == place)
    }

    @Test(arguments: [
        "wild.test", "a.b.wild.test", ".wild.test", "", ".", "other.test", "*.wild.test.test", "xwild.test",
        "\u{0}.wild", "*",
    ])
    func otherNamesFindNone(name: String) {
        #expect(Self.store.place(for: name) == nil)
    }

    /// Guarantee: a wildcard for a whole top-level domain, or in another place than the first label, is none.
    @Test(arguments: ["*.test", "*", "*.", "a.*.test", "*.*.test", "a*.wild.test", "*..test"])
    func looseWildcardsAreNone(pattern: String) {
        let store = CertificateStore([[pattern]])
        for name in ["x.test", "x", "a.x.test", "x.y.test", "ab.wild.test", "x..test"] {
            #expect(store.place(for: name) == nil, "\(name)")
        }
    }

    /// Guarantee: what no name leads to is told, but for the first, which is for all other names.
    @Test func unreachableCertificatesAreTold() {
        #expect(Self.store.unreachable == [3, 4])
        #expect(CertificateStore([[], ["a.test"]]).unreachable == [])
        #expect(CertificateStore([["a.test"], ["a.test", "b.test"]]).unreachable == [])
        #expect(CertificateStore([]).unreachable == [])
    }
}

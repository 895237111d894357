import GatewayContract
import GatewayCore
import Testing

struct KeySpecTests {
    private static let digits = "00112233445566778899aabbccddeeff0123456789abcdef0011223344556677"

    /// Guarantee: the hash reads back as it was printed, byte for byte, and nothing else passes.
    @Test func hashes() throws {
        let text = "hmac-sha256:Ab0123456789:\(Self.digits)"
        let hash = try #require(KeyHash(text))
        #expect(hash.description == text)
        #expect(hash.id == KeyID("Ab0123456789"))
        #expect(hash.digest.first == UInt64(littleEndian: 0x7766_5544_3322_1100))
        #expect(KeyHash(text.replacing("aabb", with: "AABB")) == hash)
        for other in [
            "", "hmac-sha256", "hmac-sha256::\(Self.digits)", "hmac-sha256:\(Self.digits)",
            "hmac-sha512:Ab0123456789:\(Self.digits)", text + "0", String(text.dropLast()), text + ":", " " + text,
            "hmac-sha256:Ab0123456789:\(Self.digits.dropLast())g",
            "hmac-sha256:Ab0123456789:+\(Self.digits.dropLast())",
            "hmac-sha256:Ab012345678_:\(Self.digits)",
        ] {
            #expect(KeyHash(other) == nil, "\(other)")
        }
    }

    @Test func aCredentialPrintsNoSecret() {
        let credential = KeyCredential.secret(Secret("sk-test-visible"))
        #expect(!"\(credential)".contains("visible"))
        #expect(credential.secret?.revealed == "sk-test-visible")
    }
}

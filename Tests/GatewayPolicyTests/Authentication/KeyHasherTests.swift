import GatewayCore
import Testing

@testable import GatewayPolicy

struct KeyHasherTests {
    private func hex(_ digest: KeyDigest) -> String {
        withUnsafeBytes(of: digest.words) { bytes in
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    /// Guarantee: it is HMAC-SHA-256 (RFC 4231, test cases 1, 2 and 6), also when the keyed state is used again.
    @Test func knownAnswers() {
        let first = KeyHasher(pepper: [UInt8](repeating: 0x0b, count: 20))
        let jefe = KeyHasher(pepper: Array("Jefe".utf8))
        let long = KeyHasher(pepper: [UInt8](repeating: 0xaa, count: 131))
        for _ in 0..<3 {
            #expect(
                self.hex(first.digest(of: "Hi There"))
                    == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
            #expect(
                self.hex(jefe.digest(of: "what do ya want for nothing?"))
                    == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
            #expect(
                self.hex(long.digest(of: "Test Using Larger Than Block-Size Key - Hash Key First"))
                    == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
        }
    }

    @Test func emptyAndLongTexts() {
        let hasher = KeyHasher(pepper: [1])
        #expect(!hasher.digest(of: "").isNone)
        let longest = String(repeating: "a", count: KeyHasher.presentedBytesMax)
        #expect(!hasher.digest(of: longest).isNone)
        #expect(hasher.digest(of: longest + "a").isNone)
    }

    /// Guarantee: fails closed. Without a pepper there is no hash, and no hash matches nothing.
    @Test func withoutAPepperNothingIsValid() throws {
        let hasher = KeyHasher(pepper: [])
        #expect(!hasher.isUsable)
        #expect(hasher.digest(of: "sk-test-1").isNone)
        for presented in ["", "sk-test-1", try #require(KeyText.random()).revealed] {
            guard case .unknown = KeyTable.empty.lookup(presented, hasher) else {
                Issue.record("found in an empty table")
                return
            }
        }
    }

    @Test func peppersDiffer() throws {
        let one = try #require(Pepper.random())
        #expect(one.count == 32)
        #expect(one != Pepper.random())
    }
}

import Crypto
import JWTKit
import X509

/// One call into each library of identity.
enum Identity {
    private struct Claims: JWTPayload {
        var sub: SubjectClaim

        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    static func crypto() -> String {
        let digest = SHA256.hash(data: Array("abc".utf8))
        return digest.prefix(2).map { String($0, radix: 16) }.joined()
    }

    static func jwt() async throws -> String {
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: "sk-test-link-probe-secret-of-enough-length"), digestAlgorithm: .sha256)
        let token = try await keys.sign(Claims(sub: "someone"))
        let claims = try await keys.verify(token, as: Claims.self)
        guard claims.sub.value == "someone" else { throw WrongAnswer(what: "verify") }
        return "signed and verified"
    }

    static func certificates() throws -> String {
        let name = try DistinguishedName { CommonName("penstock") }
        return "\(name)"
    }
}

import CLibCrypto

/// Digests that name content. Keys are hashed by `KeyHasher`.
public enum Digest {
    /// SHA-256 (FIPS 180-4) of libcrypto, 32 bytes. `nil` when libcrypto has none. For start and reload: it allocates.
    public static func sha256(_ content: [UInt8]) -> [UInt8]? {
        var digest = [UInt8](repeating: 0, count: 32)
        var written: UInt32 = 0
        let isDone = EVP_Digest(content, content.count, &digest, &written, EVP_sha256(), nil) == 1
        return isDone && written == 32 ? digest : nil
    }
}

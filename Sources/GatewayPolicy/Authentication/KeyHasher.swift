import CLibCrypto
import GatewayContract

/// HMAC-SHA-256 of a key under the pepper; all that is kept of a key's secret (pitfall X-4).
public struct KeyDigest: Sendable, Hashable {
    let words: (UInt64, UInt64, UInt64, UInt64)

    /// Stands for "could not be hashed". `KeyTable.find` finds nothing under it, and no key is compiled with it.
    public static let none = KeyDigest(words: (0, 0, 0, 0))

    init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// Takes the same time whatever the digests hold.
    @inline(__always)
    public static func == (left: Self, right: Self) -> Bool {
        let difference =
            (left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1) | (left.words.2 ^ right.words.2)
            | (left.words.3 ^ right.words.3)
        return difference == 0
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.words.0)
        hasher.combine(self.words.1)
    }

    /// As it stands in a configuration.
    init(_ stored: KeyHashWords) {
        self.words = (stored.first, stored.second, stored.third, stored.fourth)
    }

    /// For a configuration to keep.
    public var stored: KeyHashWords { KeyHashWords(self.words.0, self.words.1, self.words.2, self.words.3) }

    var isNone: Bool { self.words.0 | self.words.1 | self.words.2 | self.words.3 == 0 }
}

/// The secret that keys are hashed under, where the configuration has none.
public enum Pepper {
    /// 32 random bytes. `nil` when the system has no entropy to give: do not start then.
    public static func random() -> [UInt8]? { RandomBytes.make(32) }
}

/// Random bytes fit for secrets.
enum RandomBytes {
    /// From libcrypto's generator, which the system's seeds. `nil` when there is no entropy.
    /// - Parameter count: 1 to 1,024.
    static func make(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return RAND_priv_bytes(&bytes, Int32(count)) == 1 ? bytes : nil
    }
}

/// Hashes presented keys. One per loop, used only there: it is no `Sendable`.
///
/// The keyed state of HMAC is set up once and reused, which leaves two blocks of SHA-256 per key. Fails closed: when
/// libcrypto refuses, every digest is `none` and no key is valid.
public final class KeyHasher {
    /// Longer text is no key and is not hashed. Secrets of the configuration have at most 256 bytes.
    public static let presentedBytesMax = 1024

    /// An `EVP_MAC_CTX`.
    private let context: OpaquePointer?

    /// - Parameter pepper: the one that the key table was compiled with; `KeyTable.makeHasher` knows it.
    public init(pepper: [UInt8]) {
        self.context = Self.keyedContext(pepper)
    }

    deinit {
        EVP_MAC_CTX_free(self.context)
    }

    /// False when libcrypto has no HMAC-SHA-256: then no key is ever valid. Ask once at the start.
    public var isUsable: Bool { self.context != nil }

    /// About half a microsecond; no allocation.
    public func digest(of presented: UnsafeRawBufferPointer) -> KeyDigest {
        guard let context, presented.count <= Self.presentedBytesMax, EVP_MAC_init(context, nil, 0, nil) == 1 else {
            return .none
        }
        if let start = presented.baseAddress, !presented.isEmpty {
            guard EVP_MAC_update(context, start.assumingMemoryBound(to: UInt8.self), presented.count) == 1 else {
                return .none
            }
        }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var written = 0
        let isDone = withUnsafeMutableBytes(of: &words) { output in
            EVP_MAC_final(context, output.baseAddress?.assumingMemoryBound(to: UInt8.self), &written, output.count) == 1
        }
        return isDone && written == 32 ? KeyDigest(words: words) : .none
    }

    /// For compiling key tables and for tests.
    public func digest(of presented: String) -> KeyDigest {
        var presented = presented
        return presented.withUTF8 { self.digest(of: UnsafeRawBufferPointer($0)) }
    }

    private static func keyedContext(_ pepper: [UInt8]) -> OpaquePointer? {
        guard !pepper.isEmpty, let mac = EVP_MAC_fetch(nil, "HMAC", nil) else { return nil }
        defer { EVP_MAC_free(mac) }
        guard let context = EVP_MAC_CTX_new(mac) else { return nil }
        var name = Array("SHA256".utf8CString)
        let isKeyed = name.withUnsafeMutableBufferPointer { name in
            let parameters = [
                OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.baseAddress, 0),
                OSSL_PARAM_construct_end(),
            ]
            return EVP_MAC_init(context, pepper, pepper.count, parameters) == 1
        }
        guard isKeyed else {
            EVP_MAC_CTX_free(context)
            return nil
        }
        return context
    }
}

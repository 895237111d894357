import CZlib
import GatewayCore

/// What a key is for. Keys of one purpose do nothing where the other is asked for.
public enum KeyPurpose: String, Sendable, CaseIterable {
    case inference, admin

    /// What keys of this purpose begin with; the digit is the version of the form.
    public var prefix: StaticString {
        switch self {
        case .inference: "sk-ps1_"
        case .admin: "sk-psa1_"
        }
    }
}

/// A key in the form of those that Penstock makes: `sk-ps1_<id>_<secret><checksum>`.
///
/// The id has 12 letters and digits, the secret 32 characters of base64url (192 bits), the checksum 6 of base62: the
/// CRC-32 of everything before it. A typing error, one wrong character or two that were swapped, never passes the
/// checksum, so it is refused without a look-up. The checksum is no secret and proves nothing.
public struct KeyText: Sendable, Equatable {
    /// By the prefix alone.
    public let purpose: KeyPurpose
    /// `nil`: the text has the prefix and not the rest of the form, or its checksum does not fit.
    public let id: KeyID?

    static let secretCount = 32
    static let checksumCount = 6
    private static let idEnd = KeyID.byteCount
    private static let checksumStart = Self.idEnd + 1 + Self.secretCount
    private static let restCount = Self.checksumStart + Self.checksumCount

    /// Reads it in place. About 60 ns and no allocation, the same for every text of the right length.
    /// - Returns: `nil` for text of any other shape, such as a secret that the operator chose.
    public init?(_ presented: UnsafeRawBufferPointer) {
        guard let purpose = KeyPurpose.allCases.first(where: { Self.begins(presented, with: $0.prefix) }) else {
            return nil
        }
        self.purpose = purpose
        self.id = Self.checkedID(presented, prefixCount: purpose.prefix.utf8CodeUnitCount)
    }

    /// The same for compiling key tables and for the command line.
    public init?(_ text: String) {
        var text = text
        guard let read = text.withUTF8({ Self(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = read
    }

    @inline(__always)
    private static func begins(_ text: UnsafeRawBufferPointer, with prefix: StaticString) -> Bool {
        let count = prefix.utf8CodeUnitCount
        guard text.count >= count else { return false }
        for index in 0..<count where text[index] != prefix.utf8Start[index] { return false }
        return true
    }

    private static func checkedID(_ text: UnsafeRawBufferPointer, prefixCount: Int) -> KeyID? {
        guard text.count == prefixCount + Self.restCount else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: text[prefixCount...])
        var checksum = Self.checksum(of: UnsafeRawBufferPointer(rebasing: text[..<(prefixCount + Self.checksumStart)]))
        var difference = rest[Self.idEnd] ^ UInt8(ascii: "_")
        for index in (0..<Self.checksumCount).reversed() {
            difference |= rest[Self.checksumStart + index] ^ Self.base62(checksum % 62)
            checksum /= 62
        }
        guard difference == 0 else { return nil }
        return KeyID(UnsafeRawBufferPointer(rebasing: rest[..<Self.idEnd]))
    }

    /// CRC-32 as in zlib, PNG and Ethernet (ISO/IEC 8802-3).
    private static func checksum(of text: UnsafeRawBufferPointer) -> UInt32 {
        guard let start = text.baseAddress else { return 0 }
        return UInt32(truncatingIfNeeded: crc32(0, start.assumingMemoryBound(to: UInt8.self), UInt32(text.count)))
    }

    @inline(__always)
    private static func base62(_ value: UInt32) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: value)
        return value < 10 ? 0x30 + value : value < 36 ? 0x41 + (value - 10) : 0x61 + (value - 36)
    }
}

/// Making keys.
extension KeyText {
    /// A key of random letters: 71 bits of id, 192 bits of secret.
    /// - Returns: `nil` when the system has no random bytes to give.
    public static func random(_ purpose: KeyPurpose = .inference) -> Secret? {
        var id: [UInt8] = []
        while id.count < KeyID.byteCount {
            guard let bytes = RandomBytes.make(KeyID.byteCount * 2) else { return nil }
            // 248 is the largest multiple of 62 in a byte: what is above it would favour some letters.
            id += bytes.filter { $0 < 248 }.map { Self.base62(UInt32($0 % 62)) }
        }
        guard let secret = RandomBytes.make(Self.secretCount) else { return nil }
        return Secret(Self.text(purpose, id: Array(id.prefix(KeyID.byteCount)), sixBits: secret))
    }

    /// - Parameters:
    ///   - id: 12 letters and digits.
    ///   - sixBits: 32 bytes, of which the lower six bits count.
    static func text(_ purpose: KeyPurpose, id: [UInt8], sixBits: [UInt8]) -> String {
        let alphabet = (0..<62).map { Self.base62($0) } + Array("-_".utf8)
        var text = Array(purpose.prefix.description.utf8) + id + [UInt8(ascii: "_")]
        text += sixBits.map { alphabet[Int($0 & 63)] }
        var checksum = text.withUnsafeBytes { Self.checksum(of: $0) }
        var digits: [UInt8] = []
        for _ in 0..<Self.checksumCount {
            digits.append(Self.base62(checksum % 62))
            checksum /= 62
        }
        text += digits.reversed()
        return String(decoding: text, as: UTF8.self)
    }
}

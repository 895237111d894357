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
    /// Without the prefix.
    private static let checksumStart = KeyID.byteCount + 1 + Self.secretCount
    private static let restCount = Self.checksumStart + Self.checksumCount

    /// Reads it in place. About 0.15 µs, most of it the checksum, and no allocation; the same for every text of the
    /// right length.
    /// - Returns: `nil` for text of any other shape, such as a secret that the operator chose.
    public init?(_ presented: UnsafeRawBufferPointer) {
        self.init(presented) { _ in }
    }

    /// - Parameter beforeChecksum: is told the id as soon as it is read. The checksum keeps the processor busy for
    ///   0.1 µs in which memory can be fetched; what comes of it counts only if the checksum fits.
    @inline(__always)
    init?(_ presented: UnsafeRawBufferPointer, beforeChecksum: (KeyID) -> Void) {
        guard let start = presented.baseAddress, presented.count >= 7 else { return nil }
        let sevenBytes =
            UInt64(start.loadUnaligned(as: UInt32.self))
            | UInt64(start.loadUnaligned(fromByteOffset: 3, as: UInt32.self)) << 24
        if sevenBytes == Self.inferenceStart {
            self.purpose = .inference
            self.id = Self.checkedID(start, count: presented.count, prefixCount: 7, beforeChecksum)
        } else if presented.count >= 8, start.loadUnaligned(as: UInt64.self) == Self.adminStart {
            self.purpose = .admin
            self.id = Self.checkedID(start, count: presented.count, prefixCount: 8) { _ in }
        } else {
            return nil
        }
    }

    /// `sk-ps1_` as it lies in memory, and a zero.
    private static var inferenceStart: UInt64 { 0x005f_3173_702d_6b73 }
    /// `sk-psa1_`.
    private static var adminStart: UInt64 { 0x5f31_6173_702d_6b73 }

    /// The same for compiling key tables and for the command line.
    public init?(_ text: String) {
        var text = text
        guard let read = text.withUTF8({ Self(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = read
    }

    /// Reads `count` bytes from `start` on, and none of them unless there are as many as the form has.
    @inline(__always)
    private static func checkedID(
        _ start: UnsafeRawPointer, count: Int, prefixCount: Int, _ beforeChecksum: (KeyID) -> Void
    ) -> KeyID? {
        guard count == prefixCount + Self.restCount else { return nil }
        let rest = start + prefixCount
        let id = KeyID(
            head: rest.loadUnaligned(as: UInt64.self), tail: rest.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        if let id { beforeChecksum(id) }
        var checksum = Self.checksum(of: start, count: prefixCount + Self.checksumStart)
        var difference = rest.load(fromByteOffset: KeyID.byteCount, as: UInt8.self) ^ UInt8(ascii: "_")
        var place = Self.restCount
        while place > Self.checksumStart {
            place &-= 1
            difference |= rest.load(fromByteOffset: place, as: UInt8.self) ^ Self.base62(checksum % 62)
            checksum /= 62
        }
        return difference == 0 ? id : nil
    }

    /// CRC-32 as in zlib, PNG and Ethernet (ISO/IEC 8802-3).
    private static func checksum(of start: UnsafeRawPointer, count: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32(0, start.assumingMemoryBound(to: UInt8.self), UInt32(count)))
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
        var checksum = text.withUnsafeBytes { text in
            text.baseAddress.map { Self.checksum(of: $0, count: text.count) } ?? 0
        }
        var digits: [UInt8] = []
        for _ in 0..<Self.checksumCount {
            digits.append(Self.base62(checksum % 62))
            checksum /= 62
        }
        text += digits.reversed()
        return String(decoding: text, as: UTF8.self)
    }
}

/// The public part of a key that Penstock made: 12 letters and digits. It finds the key, stands in logs, and opens
/// nothing. Held in place, so that reading one off a request allocates nothing.
public struct KeyID: Sendable, Hashable, CustomStringConvertible {
    /// Letters and digits of ASCII, so that a double click takes all of it: 71 bits.
    public static let byteCount = 12

    /// Its bytes in their order in memory, for tables that hash them in their own way.
    public let words: (head: UInt64, tail: UInt32)

    /// About 10 ns; the same work whatever the bytes are.
    /// - Returns: `nil` unless the bytes are 12 letters and digits.
    @inline(__always)
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.byteCount else { return nil }
        var isFine = true
        for byte in bytes { isFine = Self.isLetterOrDigit(byte) && isFine }
        guard isFine else { return nil }
        self.words = (
            bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        )
    }

    /// The same for text of a configuration.
    public init?(_ text: String) {
        var text = text
        guard let id = text.withUTF8({ Self(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = id
    }

    public var description: String {
        withUnsafeBytes(of: self.words.head) { head in
            withUnsafeBytes(of: self.words.tail) { tail in
                String(decoding: Array(head) + Array(tail), as: UTF8.self)
            }
        }
    }

    @inline(__always)
    public static func == (left: Self, right: Self) -> Bool {
        left.words.head == right.words.head && left.words.tail == right.words.tail
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.words.head)
        hasher.combine(self.words.tail)
    }

    @inline(__always)
    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10
    }
}

/// The public part of a key that Penstock made: 12 letters and digits. It finds the key, stands in logs, and opens
/// nothing. Held in place, so that reading one off a request allocates nothing.
public struct KeyID: Sendable, Hashable, CustomStringConvertible {
    /// Letters and digits of ASCII, so that a double click takes all of it: 71 bits.
    public static let byteCount = 12

    /// Its bytes in their order in memory, for tables that hash them in their own way.
    public let words: (head: UInt64, tail: UInt32)

    /// - Returns: `nil` unless the bytes are 12 letters and digits.
    @inlinable
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(
            head: bytes.loadUnaligned(as: UInt64.self), tail: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    }

    /// From its first eight and its last four bytes, as they lie in memory. Eight are checked at a time, with the same
    /// work whatever they are: a few nanoseconds.
    @inlinable
    public init?(head: UInt64, tail: UInt32) {
        let others = Self.others(head) | Self.others(UInt64(tail) | 0x3030_3030_0000_0000)
        guard others == 0 else { return nil }
        self.words = (head, tail)
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

    @inlinable
    public static func == (left: Self, right: Self) -> Bool {
        left.words.head == right.words.head && left.words.tail == right.words.tail
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.words.head)
        hasher.combine(self.words.tail)
    }

    /// The top bit of each byte that is no letter and no digit. Within a byte that is below 0x80 no sum carries over to
    /// the next one, and those above are others in any case.
    @inlinable
    static func others(_ bytes: UInt64) -> UInt64 {
        let low = bytes & 0x7f7f_7f7f_7f7f_7f7f
        let letters = low | 0x2020_2020_2020_2020
        let isLetter = (letters &+ 0x1f1f_1f1f_1f1f_1f1f) & ~(letters &+ 0x0505_0505_0505_0505)
        let isDigit = (low &+ 0x5050_5050_5050_5050) & ~(low &+ 0x4646_4646_4646_4646)
        return (bytes | ~(isLetter | isDigit)) & 0x8080_8080_8080_8080
    }
}

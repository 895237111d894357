import GatewayWire

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A string literal in place: a member's name or a value. Lives no longer than the text it stands in.
struct JSONString {
    /// After the opening quote.
    let start: UnsafeRawPointer
    /// Bytes between the quotes as they are written.
    let count: Int
    let hasEscape: Bool

    @inline(__always)
    init(start: UnsafeRawPointer, count: Int, hasEscape: Bool) {
        self.start = start
        self.count = count
        self.hasEscape = hasEscape
    }

    /// Text that is no JSON but is compared like it; `nil` for an empty one.
    init?(unquoted text: UnsafeRawBufferPointer) {
        guard let start = text.baseAddress, text.count > 0 else { return nil }
        self.init(start: start, count: text.count, hasEscape: false)
    }

    /// Whether it says `text`, escapes considered. `text` is ASCII without anything that has to be escaped.
    @inline(__always)
    func says(_ text: StaticString) -> Bool {
        let wanted = text.utf8CodeUnitCount
        if self.count == wanted { return memcmp(self.start, text.utf8Start, wanted) == 0 }
        return self.hasEscape && self.saysEscaped(text)
    }

    @inline(never)
    private func saysEscaped(_ text: StaticString) -> Bool {
        guard self.count <= 6 * text.utf8CodeUnitCount else { return false }
        let literal = UnsafeRawBufferPointer(start: self.start - 1, count: self.count + 2)
        guard let decoded = JSONText.string(literal) else { return false }
        return decoded == text.description
    }

    /// How many bytes of UTF-8 it stands for.
    @inline(__always)
    var textBytes: Int64 { self.hasEscape ? self.escapedTextBytes : Int64(self.count) }

    @inline(never)
    private var escapedTextBytes: Int64 {
        var count: Int64 = 0
        var at = 0
        while at < self.count {
            if self.byte(at) != JSONBytes.backslash {
                at += 1
                count += 1
            } else if at + 1 <= self.count, self.byte(at + 1) == UInt8(ascii: "u") {
                // Below U+0080 one byte, else two or three; half of a surrogate pair is half of four.
                let isASCII = at + 3 <= self.count && self.byte(at + 2) == 0x30 && self.byte(at + 3) == 0x30
                count += isASCII ? 1 : 2
                at += 6
            } else {
                at += 2
                count += 1
            }
        }
        return count
    }

    /// The byte at that offset; at `count` stands the closing quote.
    private func byte(_ offset: Int) -> UInt8 { self.start.load(fromByteOffset: offset, as: UInt8.self) }
}

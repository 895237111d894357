/// Byte classes and word-wide searches that every JSON reader here shares.
enum JSONBytes {
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    static let comma = UInt8(ascii: ",")
    static let colon = UInt8(ascii: ":")
    static let openBrace = UInt8(ascii: "{")
    static let closeBrace = UInt8(ascii: "}")

    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// The first offset in `from..<end` that holds a quote, a backslash or a control byte; `end` without one. Sixteen
    /// bytes per step.
    @inline(__always)
    static func plainEnd(_ base: UnsafeRawPointer, from: Int, to end: Int) -> Int {
        var at = from
        while end &- at >= 16 {
            let part = base.loadUnaligned(fromByteOffset: at, as: SIMD16<UInt8>.self)
            // Vectors on both sides, and no operator of masks: only these forms become single instructions.
            // With bit 1 turned over a quote is 0x20, and of all bytes only control bytes are below that.
            let turned = part ^ SIMD16<UInt8>(repeating: 0x02)
            let stops = unsafeBitCast(turned .<= SIMD16<UInt8>(repeating: 0x20), to: SIMD2<UInt64>.self)
            let slashes = unsafeBitCast(part .== SIMD16<UInt8>(repeating: 0x5c), to: SIMD2<UInt64>.self)
            let words = stops | slashes
            if words[0] | words[1] != 0 { return at &+ Self.firstFlag(words) }
            at &+= 16
        }
        while at < end {
            let byte = base.load(fromByteOffset: at, as: UInt8.self)
            if byte == Self.quote || byte == Self.backslash || byte < 0x20 { return at }
            at &+= 1
        }
        return end
    }

    /// The index of the first byte that is not zero, of which there is one.
    @inline(__always)
    static func firstFlag(_ words: SIMD2<UInt64>) -> Int {
        let low = UInt64(littleEndian: words[0])
        if low != 0 { return low.trailingZeroBitCount &>> 3 }
        return 8 &+ UInt64(littleEndian: words[1]).trailingZeroBitCount &>> 3
    }

    /// Whether all bytes are ASCII.
    @inline(__always)
    static func isASCII(_ base: UnsafeRawPointer, from: Int, to end: Int) -> Bool {
        var at = from
        var seen: UInt64 = 0
        while end &- at >= 8 {
            seen |= base.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            at &+= 8
        }
        while at < end {
            seen |= UInt64(base.load(fromByteOffset: at, as: UInt8.self))
            at &+= 1
        }
        return seen & Self.highs == 0
    }

    @inline(__always)
    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// The value of a hexadecimal digit, or `nil`.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt16? {
        if byte &- 0x30 < 10 { return UInt16(byte &- 0x30) }
        let lower = byte | 0x20
        return lower &- 0x61 < 6 ? UInt16(lower &- 0x61 &+ 10) : nil
    }

    /// Whether a byte may follow a backslash, `u` included.
    @inline(__always)
    static func isEscapeLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74, 0x75: true
        default: false
        }
    }

    /// What stands between the quotes of a string, escapes resolved: `nil` for a wrong escape, a raw quote or control
    /// byte, or half of a surrogate pair. Raw bytes are copied; whether they are UTF-8 is not judged.
    static func unescape(_ inside: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let base = inside.baseAddress else { return [] }
        var result: [UInt8] = []
        result.reserveCapacity(inside.count)
        var at = 0
        while at < inside.count {
            let stop = Self.plainEnd(base, from: at, to: inside.count)
            result.append(contentsOf: UnsafeRawBufferPointer(rebasing: inside[at..<stop]))
            at = stop
            guard at < inside.count else { break }
            guard inside[at] == Self.backslash, at + 1 < inside.count else { return nil }
            if inside[at + 1] == UInt8(ascii: "u") {
                guard let (scalar, count) = Self.unicodeEscape(inside, at: at) else { return nil }
                result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
                at += count
            } else {
                guard let byte = Self.shortEscape(inside[at + 1]) else { return nil }
                result.append(byte)
                at += 2
            }
        }
        return result
    }

    private static func shortEscape(_ letter: UInt8) -> UInt8? {
        switch letter {
        case 0x22, 0x5c, 0x2f: letter
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0c
        case UInt8(ascii: "n"): 0x0a
        case UInt8(ascii: "r"): 0x0d
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// The scalar that `\uXXXX`, or a pair of them, at `at` stands for, and how many bytes it takes.
    private static func unicodeEscape(_ inside: UnsafeRawBufferPointer, at: Int) -> (Unicode.Scalar, Int)? {
        guard let first = Self.hexQuad(inside, at: at + 2) else { return nil }
        if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
        guard first < 0xdc00, at + 7 < inside.count, inside[at + 6] == Self.backslash,
            inside[at + 7] == UInt8(ascii: "u"), let second = Self.hexQuad(inside, at: at + 8),
            second >= 0xdc00, second < 0xe000
        else { return nil }
        let value = 0x1_0000 + (UInt32(first & 0x3ff) << 10 | UInt32(second & 0x3ff))
        return Unicode.Scalar(value).map { ($0, 12) }
    }

    private static func hexQuad(_ inside: UnsafeRawBufferPointer, at: Int) -> UInt16? {
        guard at + 4 <= inside.count else { return nil }
        var value: UInt16 = 0
        for index in at..<at + 4 {
            guard let digit = Self.hexValue(inside[index]) else { return nil }
            value = value << 4 | digit
        }
        return value
    }
}

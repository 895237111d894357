/// Byte classes and word-wide searches that every JSON reader shares, here and in `GatewayDialects`.
///
/// Searches never read outside of `0..<end` of their base.
///
/// The bytes that structure a text have names: `openBrace` and `closeBrace` of objects, `openBracket` and
/// `closeBracket` of arrays, `comma` and `colon` (RFC 8259 section 2), `quote` and `backslash` of strings (section 7).
/// They are computed, so that they are constants in other modules too.
public enum JSONBytes {
    @inlinable @inline(__always) public static var quote: UInt8 { 0x22 }
    @inlinable @inline(__always) public static var backslash: UInt8 { 0x5c }
    @inlinable @inline(__always) public static var comma: UInt8 { 0x2c }
    @inlinable @inline(__always) public static var colon: UInt8 { 0x3a }
    @inlinable @inline(__always) public static var openBrace: UInt8 { 0x7b }
    @inlinable @inline(__always) public static var closeBrace: UInt8 { 0x7d }
    @inlinable @inline(__always) public static var openBracket: UInt8 { 0x5b }
    @inlinable @inline(__always) public static var closeBracket: UInt8 { 0x5d }

    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// The first offset in `from..<end` that holds a quote, a backslash or a control byte; `end` without one. Costs
    /// about 20 instructions up to the sixteenth byte, then half of one per byte.
    @inlinable
    @inline(__always)
    public static func plainEnd(_ base: UnsafeRawPointer, from: Int, to end: Int) -> Int {
        if end &- from >= 16 {
            let first = Self.stops(base, from).firstByte
            if first < 16 { return from &+ first }
        }
        return farPlainEnd(base, from, end)
    }

    /// All bits set for each of sixteen bytes that is a quote, a backslash or a control byte.
    @inlinable
    @inline(__always)
    static func stops(_ base: UnsafeRawPointer, _ at: Int) -> ByteFlags {
        let part = base.loadUnaligned(fromByteOffset: at, as: SIMD16<UInt8>.self)
        // Vectors on both sides, and no operator of masks: only these forms become single instructions.
        // With bit 1 turned over a quote is 0x20, and of all bytes only control bytes are below that.
        let turned = part ^ SIMD16<UInt8>(repeating: 0x02)
        let stops = unsafeBitCast(turned .<= SIMD16<UInt8>(repeating: 0x20), to: ByteFlags.self)
        let slashes = unsafeBitCast(part .== SIMD16<UInt8>(repeating: 0x5c), to: ByteFlags.self)
        return stops | slashes
    }

    /// The first offset in `from..<end` that holds a quote or a bracket of any kind; `end` without one.
    @inline(__always)
    static func structureStart(_ base: UnsafeRawPointer, from: Int, to end: Int) -> Int {
        var at = from
        while end &- at >= 16 {
            let part = base.loadUnaligned(fromByteOffset: at, as: SIMD16<UInt8>.self)
            // Brackets and braces of a side differ in bit 5 only.
            let folded = part | SIMD16<UInt8>(repeating: 0x20)
            let opens = unsafeBitCast(folded .== SIMD16<UInt8>(repeating: 0x7b), to: ByteFlags.self)
            let closes = unsafeBitCast(folded .== SIMD16<UInt8>(repeating: 0x7d), to: ByteFlags.self)
            let quotes = unsafeBitCast(part .== SIMD16<UInt8>(repeating: 0x22), to: ByteFlags.self)
            let first = (opens | closes | quotes).firstByte
            if first < 16 { return at &+ first }
            at &+= 16
        }
        while at < end {
            let byte = base.load(fromByteOffset: at, as: UInt8.self)
            if byte == Self.quote || byte | 0x20 == 0x7b || byte | 0x20 == 0x7d { return at }
            at &+= 1
        }
        return end
    }

    /// Where the string literal at `start` ends, whatever is in it: after the next quote that no backslash hides. `nil`
    /// without one.
    @inline(__always)
    private static func looseStringEnd(_ base: UnsafeRawPointer, from start: Int, to end: Int) -> Int? {
        var at = Self.plainEnd(base, from: start &+ 1, to: end)
        while at < end {
            switch base.load(fromByteOffset: at, as: UInt8.self) {
            case Self.quote: return at &+ 1
            case Self.backslash: at &+= 2
            default: at &+= 1
            }
            if at < end { at = Self.plainEnd(base, from: at, to: end) }
        }
        return nil
    }

    /// Where the string literal at `start`, which is a quote, ends, whatever is in it: after the next quote that no
    /// backslash hides. `nil` without one. For readers that do not judge.
    public static func stringEnd(_ base: UnsafeRawPointer, from start: Int, to end: Int) -> Int? {
        Self.looseStringEnd(base, from: start, to: end)
    }

    /// Where the object or array at `start`, which is a bracket, ends: after as many closing brackets as opening ones,
    /// of whatever type, strings left out. `nil` if it does not. For readers that do not judge; linear, no recursion.
    public static func containerEnd(_ base: UnsafeRawPointer, from start: Int, to end: Int) -> Int? {
        var at = start
        var depth = 0
        while at < end {
            let byte = base.load(fromByteOffset: at, as: UInt8.self)
            if byte == Self.quote {
                guard let after = Self.looseStringEnd(base, from: at, to: end) else { return nil }
                at = after
                // Mostly a colon or comma follows, and another string.
                if end &- at > 1 {
                    let next = base.load(fromByteOffset: at, as: UInt8.self)
                    if next == Self.colon || next == Self.comma { at &+= 1 }
                }
            } else if byte | 0x20 == 0x7b {
                depth &+= 1
                at &+= 1
            } else if byte | 0x20 == 0x7d {
                depth &-= 1
                at &+= 1
                if depth == 0 { return at }
            } else if byte <= Self.comma {
                at &+= 1
            } else {
                at = Self.structureStart(base, from: at &+ 1, to: end)
            }
        }
        return nil
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
        if at < end, end >= 8 {
            // The last eight bytes of the text, without those that were looked at.
            let last = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: end &- 8, as: UInt64.self))
            return (seen | last &>> UInt64(truncatingIfNeeded: 8 &* (8 &- (end &- at)))) & Self.highs == 0
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

/// Which of sixteen bytes a comparison found: all bits of a byte set, or none. Two words, because a vector is not asked
/// for its first byte in one instruction, and the first word mostly decides.
@usableFromInline
typealias ByteFlags = SIMD2<UInt64>

extension SIMD2<UInt64> {
    @inlinable
    @inline(__always)
    var isAny: Bool { self[0] | self[1] != 0 }

    /// The index of the first byte that was found; 16 without one.
    @inlinable
    @inline(__always)
    var firstByte: Int {
        let low = UInt64(littleEndian: self[0])
        if low != 0 { return low.trailingZeroBitCount &>> 3 }
        return 8 &+ UInt64(littleEndian: self[1]).trailingZeroBitCount &>> 3
    }

    /// The same, without a look at the first `count` bytes, of 0…15.
    @inline(__always)
    func firstByte(from count: Int) -> Int {
        let shift = UInt64(truncatingIfNeeded: 8 &* count)
        let low = UInt64(littleEndian: self[0])
        if count < 8, low &>> shift != 0 { return count &+ (low &>> shift).trailingZeroBitCount &>> 3 }
        let high = UInt64(littleEndian: self[1])
        let rest = count < 8 ? high : high & UInt64.max &<< shift
        return 8 &+ rest.trailingZeroBitCount &>> 3
    }
}

/// `JSONBytes.plainEnd` where the first sixteen bytes are plain, or are not all there. Not a member: a metatype would
/// be passed.
@usableFromInline
@inline(never)
func farPlainEnd(_ base: UnsafeRawPointer, _ from: Int, _ end: Int) -> Int {
    var at = from
    if end &- from >= 16 {
        at &+= 16
        if end &- at >= 16 {
            let first = JSONBytes.stops(base, at).firstByte
            if first < 16 { return at &+ first }
            at &+= 16
        }
        while end &- at >= 64 {
            if hasStop(base, at) { break }
            at &+= 64
        }
        while end &- at >= 16 {
            let first = JSONBytes.stops(base, at).firstByte
            if first < 16 { return at &+ first }
            at &+= 16
        }
    }
    guard at < end else { return end }
    if end >= 16 {
        // The last sixteen bytes of the text, without those that were looked at.
        return end &- 16 &+ JSONBytes.stops(base, end &- 16).firstByte(from: 16 &- (end &- at))
    }
    while at < end {
        let byte = base.load(fromByteOffset: at, as: UInt8.self)
        if byte == JSONBytes.quote || byte == JSONBytes.backslash || byte < 0x20 { return at }
        at &+= 1
    }
    return end
}

/// Whether one of 64 bytes is a quote, a backslash or a control byte: the least of them all decides.
@inline(__always)
private func hasStop(_ base: UnsafeRawPointer, _ at: Int) -> Bool {
    let first = base.loadUnaligned(fromByteOffset: at, as: SIMD16<UInt8>.self)
    let second = base.loadUnaligned(fromByteOffset: at &+ 16, as: SIMD16<UInt8>.self)
    let third = base.loadUnaligned(fromByteOffset: at &+ 32, as: SIMD16<UInt8>.self)
    let fourth = base.loadUnaligned(fromByteOffset: at &+ 48, as: SIMD16<UInt8>.self)
    let turn = SIMD16<UInt8>(repeating: 0x02)
    let stop = least(least(first ^ turn, second ^ turn), least(third ^ turn, fourth ^ turn))
    let mark = SIMD16<UInt8>(repeating: 0x5c)
    let slash = least(least(first ^ mark, second ^ mark), least(third ^ mark, fourth ^ mark))
    let stops = unsafeBitCast(stop .<= SIMD16<UInt8>(repeating: 0x20), to: ByteFlags.self)
    return (stops | unsafeBitCast(slash .== SIMD16<UInt8>(repeating: 0), to: ByteFlags.self)).isAny
}

@inline(__always)
private func least(_ one: SIMD16<UInt8>, _ other: SIMD16<UInt8>) -> SIMD16<UInt8> {
    one.replacing(with: other, where: other .< one)
}

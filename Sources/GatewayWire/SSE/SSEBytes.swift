/// What the lines of an event stream are made of.
enum SSEBytes {
    enum Field {
        case data, event, other
    }

    static let lineFeed: UInt8 = 0x0a
    static let carriageReturn: UInt8 = 0x0d

    /// The first offset in `from..<end` that holds LF or CR; `end` without one. 32 bytes per step; lines of events are
    /// long, but for the blank ones.
    @inline(__always)
    static func lineEnd(_ base: UnsafeRawPointer, from: Int, to end: Int) -> Int {
        var at = from
        while end &- at >= 32 {
            let (first, second) = (Self.ends(base, at), Self.ends(base, at &+ 16))
            let any = first | second
            if any[0] | any[1] != 0 {
                return first[0] | first[1] != 0
                    ? at &+ JSONBytes.firstFlag(first) : at &+ 16 &+ JSONBytes.firstFlag(second)
            }
            at &+= 32
        }
        if end &- at >= 16 {
            let words = Self.ends(base, at)
            if words[0] | words[1] != 0 { return at &+ JSONBytes.firstFlag(words) }
            at &+= 16
        }
        if at < end, end >= 16 {
            let words = JSONBytes.dropping(16 &- (end &- at), of: Self.ends(base, end &- 16))
            return words[0] | words[1] != 0 ? end &- 16 &+ JSONBytes.firstFlag(words) : end
        }
        while at < end {
            let byte = base.load(fromByteOffset: at, as: UInt8.self)
            if byte == Self.lineFeed || byte == Self.carriageReturn { return at }
            at &+= 1
        }
        return end
    }

    /// 0xff for each of sixteen bytes that is LF or CR, 0 for the others.
    @inline(__always)
    private static func ends(_ base: UnsafeRawPointer, _ at: Int) -> SIMD2<UInt64> {
        let part = base.loadUnaligned(fromByteOffset: at, as: SIMD16<UInt8>.self)
        let feeds = unsafeBitCast(part .== SIMD16<UInt8>(repeating: 0x0a), to: SIMD2<UInt64>.self)
        let returns = unsafeBitCast(part .== SIMD16<UInt8>(repeating: 0x0d), to: SIMD2<UInt64>.self)
        return feeds | returns
    }

    /// Which field a line that is not blank sets, and where its value starts.
    @inline(__always)
    static func field(_ base: UnsafeRawPointer, from: Int, to end: Int) -> (Field, Int) {
        let count = end &- from
        guard count >= 4 else { return (.other, end) }
        let start = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: from, as: UInt32.self))
        if start == 0x6174_6164 {  // "data"
            return Self.value(base, from: from &+ 4, to: end).map { (.data, $0) } ?? (.other, end)
        }
        if start == 0x6e65_7665, count >= 5, base.load(fromByteOffset: from &+ 4, as: UInt8.self) == 0x74 {  // "event"
            return Self.value(base, from: from &+ 5, to: end).map { (.event, $0) } ?? (.other, end)
        }
        return (.other, end)
    }

    /// Where the value starts when the field's name ends at `at`; `nil` when the name goes on.
    @inline(__always)
    private static func value(_ base: UnsafeRawPointer, from at: Int, to end: Int) -> Int? {
        guard at < end else { return end }
        guard base.load(fromByteOffset: at, as: UInt8.self) == UInt8(ascii: ":") else { return nil }
        let hasSpace = at &+ 1 < end && base.load(fromByteOffset: at &+ 1, as: UInt8.self) == 0x20
        return at &+ (hasSpace ? 2 : 1)
    }
}

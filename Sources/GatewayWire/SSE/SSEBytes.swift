/// What the lines of an event stream are made of.
enum SSEBytes {
    enum Field {
        case data, event, other
    }

    static let lineFeed: UInt8 = 0x0a
    static let carriageReturn: UInt8 = 0x0d

    /// The first offset in `from..<end` that holds LF or CR; `end` without one. 32 bytes per step; every other line of
    /// an event stream is blank.
    @inline(__always)
    static func lineEnd(_ base: UnsafeRawPointer, from: Int, to end: Int) -> Int {
        var at = from
        if at < end, base.load(fromByteOffset: at, as: UInt8.self) == Self.lineFeed { return at }
        while end &- at >= 32 {
            let (first, second) = (Self.ends(base, at), Self.ends(base, at &+ 16))
            if (first | second).isAny {
                return at &+ (first.isAny ? first.firstByte : 16 &+ second.firstByte)
            }
            at &+= 32
        }
        if end &- at >= 16 {
            let first = Self.ends(base, at).firstByte
            if first < 16 { return at &+ first }
            at &+= 16
        }
        if at < end, end >= 16 {
            // The last sixteen bytes of the chunk, without those that were looked at.
            return end &- 16 &+ Self.ends(base, end &- 16).firstByte(from: 16 &- (end &- at))
        }
        while at < end {
            let byte = base.load(fromByteOffset: at, as: UInt8.self)
            if byte == Self.lineFeed || byte == Self.carriageReturn { return at }
            at &+= 1
        }
        return end
    }

    /// All bits set for each of sixteen bytes that is LF or CR.
    @inline(__always)
    private static func ends(_ base: UnsafeRawPointer, _ at: Int) -> ByteFlags {
        let part = base.loadUnaligned(fromByteOffset: at, as: SIMD16<UInt8>.self)
        let feeds = unsafeBitCast(part .== SIMD16<UInt8>(repeating: 0x0a), to: ByteFlags.self)
        let returns = unsafeBitCast(part .== SIMD16<UInt8>(repeating: 0x0d), to: ByteFlags.self)
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

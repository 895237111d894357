import GatewayWire

/// A field name and the colon right behind it (RFC 9112 section 5).
enum FieldName {
    /// Sixteen bytes at a time: names are letters, digits and hyphens, hardly ever another token byte.
    ///
    /// - Returns: the offset of the colon, or `HeadGrammar.incomplete`.
    @inline(__always)
    static func read(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ slots: UnsafePointer<HeadNames.Entry>, _ id: inout HeaderID
    ) throws(Breach) -> Int {
        guard start &+ 16 <= end else { return try self.readBytes(base, start, end, slots, &id) }
        let count = HeadGrammar.firstLane(self.uncommon(HeadGrammar.block(base, start)))
        if count < 16 {
            guard count > 0, HeadGrammar.byte(base, start &+ count) == HeadGrammar.colon else {
                return try self.readBytes(base, start, end, slots, &id)
            }
            if count > 8 {
                id = HeadNames.find(
                    slots, self.lowered(base, start), self.lowered(base, start &+ 8, count &- 8), 0)
            } else {
                id = HeadNames.find(slots, self.lowered(base, start, count), 0, 0)
            }
            return start &+ count
        }
        return try self.readLong(base, start, end, slots, &id)
    }

    @inline(never)
    private static func readLong(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ slots: UnsafePointer<HeadNames.Entry>, _ id: inout HeaderID
    ) throws(Breach) -> Int {
        var at = start &+ 16
        while at &+ 16 <= end {
            let count = HeadGrammar.firstLane(self.uncommon(HeadGrammar.block(base, at)))
            at &+= count
            if count < 16 { break }
        }
        guard at &+ 1 < end, HeadGrammar.byte(base, at) == HeadGrammar.colon else {
            return try self.readBytes(base, start, end, slots, &id)
        }
        let rest = at &- start &- 16
        if rest < 8, start &+ 24 <= end {
            let last = rest > 0 ? self.lowered(base, start &+ 16, rest) : 0
            id = HeadNames.find(slots, self.lowered(base, start), self.lowered(base, start &+ 8), last)
        }
        return at
    }

    /// The lanes that hold neither a letter nor a digit nor a hyphen.
    @inline(__always)
    static func uncommon(_ block: SIMD16<UInt8>) -> SIMDMask<SIMD16<Int8>> {
        let letters = ((block | 0x20) &- 0x61) .< 26
        let digits = (block &- 0x30) .< 10
        return .!(letters .| digits .| (block .== 0x2d))
    }

    @inline(__always)
    private static func lowered(_ base: UnsafeRawPointer, _ at: Int) -> UInt64 {
        HeadGrammar.word(base, at) | (HeadGrammar.lowBits &* 0x20)
    }

    /// The first 1 to 8 bytes, zeros behind them.
    @inline(__always)
    private static func lowered(_ base: UnsafeRawPointer, _ at: Int, _ count: Int) -> UInt64 {
        self.lowered(base, at) & (UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- count &* 8))
    }

    /// Byte by byte: for names with other token bytes and near the end of what has come.
    @inline(never)
    private static func readBytes(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ slots: UnsafePointer<HeadNames.Entry>, _ id: inout HeaderID
    ) throws(Breach) -> Int {
        var at = start
        var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
        while at < end {
            let byte = HeadGrammar.byte(base, at)
            guard ByteSet.token.contains(byte) else { break }
            let index = at &- start
            let lane = UInt64(byte | 0x20) &<< UInt64((index & 7) &* 8)
            switch index &>> 3 {
            case 0: words.0 |= lane
            case 1: words.1 |= lane
            case 2: words.2 |= lane
            default: break
            }
            at &+= 1
        }
        guard at < end else { return HeadGrammar.incomplete }
        guard HeadGrammar.byte(base, at) == HeadGrammar.colon, at > start else { throw self.breach(base, start, at) }
        if at &- start <= HeadNames.lengthMax { id = HeadNames.find(slots, words.0, words.1, words.2) }
        return at
    }

    @inline(never)
    private static func breach(_ base: UnsafeRawPointer, _ start: Int, _ at: Int) -> Breach {
        let byte = HeadGrammar.byte(base, at)
        if HeadGrammar.isBlank(byte) {
            return at == start ? .malformed("folded field line") : .malformed("white space before the colon")
        }
        switch byte {
        case HeadGrammar.carriageReturn: return .malformed("field line without a colon, or bare CR")
        case HeadGrammar.lineFeed: return .malformed("bare LF")
        case HeadGrammar.colon: return .malformed("field name is empty")
        default: return .malformed("byte not allowed in a field name")
        }
    }
}

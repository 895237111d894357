import GatewayWire

/// A field name and the colon right behind it (RFC 9112 section 5).
enum FieldName {
    /// Eight bytes at a time: names are letters, digits and hyphens, hardly ever another token byte.
    ///
    /// - Returns: the offset of the colon, or `HeadGrammar.incomplete`.
    @inline(__always)
    static func read(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ slots: UnsafePointer<HeadNames.Entry>,
        _ id: inout HeaderID
    ) throws(Breach) -> Int {
        guard start &+ 24 <= end else { return try self.readBytes(base, start, end, slots, &id) }
        let cases = HeadGrammar.lowBits &* 0x20
        var words = (HeadGrammar.word(base, start), UInt64(0), UInt64(0))
        var stop = HeadGrammar.uncommonBytes(words.0)
        var colon = start
        words.0 |= cases
        if stop != 0 {
            words.0 &= self.mask(before: stop)
        } else {
            colon &+= 8
            words.1 = HeadGrammar.word(base, colon)
            stop = HeadGrammar.uncommonBytes(words.1)
            words.1 |= cases
            if stop != 0 {
                words.1 &= self.mask(before: stop)
            } else {
                colon &+= 8
                words.2 = HeadGrammar.word(base, colon)
                stop = HeadGrammar.uncommonBytes(words.2)
                guard stop != 0 else { return try self.readLong(base, start, end, slots, &id) }
                words.2 = (words.2 | cases) & self.mask(before: stop)
            }
        }
        colon &+= stop.trailingZeroBitCount &>> 3
        guard colon > start, HeadGrammar.byte(base, colon) == HeadGrammar.colon else {
            return try self.readBytes(base, start, end, slots, &id)
        }
        id = HeadNames.find(slots, words.0, words.1, words.2)
        return colon
    }

    /// A name of 24 bytes or more: nobody's that we know.
    @inline(never)
    private static func readLong(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ slots: UnsafePointer<HeadNames.Entry>,
        _ id: inout HeaderID
    ) throws(Breach) -> Int {
        var at = start &+ 24
        while at &+ 8 <= end {
            let stop = HeadGrammar.uncommonBytes(HeadGrammar.word(base, at))
            if stop != 0 {
                at &+= stop.trailingZeroBitCount &>> 3
                if HeadGrammar.byte(base, at) == HeadGrammar.colon { return at }
                break
            }
            at &+= 8
        }
        return try self.readBytes(base, start, end, slots, &id)
    }

    /// The bytes under the lowest set one.
    @inline(__always)
    private static func mask(before stop: UInt64) -> UInt64 { ((stop & (0 &- stop)) &>> 7) &- 1 }

    /// Byte by byte: for names with other token bytes and near the end of what has come.
    @inline(never)
    private static func readBytes(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ slots: UnsafePointer<HeadNames.Entry>,
        _ id: inout HeaderID
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

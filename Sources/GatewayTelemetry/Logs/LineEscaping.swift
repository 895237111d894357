/// Text from outside in a line. It stays one line and cannot steer a terminal (log injection): control characters, C1
/// controls, line and paragraph separators and the marks that turn the direction of text are escaped.
extension LineBuffer {
    /// Worst growth of one byte: `\u001b`.
    private static let escapedBytesMax = 6

    /// A JSON string with its quotes, of at most `bytesMax` bytes of `text`; a character is never cut in two.
    ///
    /// Cost: about 90 instructions for a short name, 35 per 16 bytes of a long one; 10 per byte once one needs
    /// escaping.
    mutating func quoted(_ text: String, bytesMax: Int) {
        self.byte(UInt8(ascii: "\""))
        let isNative = text.utf8.withContiguousStorageIfAvailable { self.escaped($0, bytesMax: bytesMax) } != nil
        if !isNative {
            var copy = text
            copy.withUTF8 { self.escaped($0, bytesMax: bytesMax) }
        }
        self.byte(UInt8(ascii: "\""))
    }

    /// Text that is known to need no escaping, as it is.
    mutating func plain(_ text: String) {
        self.reserve(text.utf8.count)
        for byte in text.utf8 { self.byte(byte) }
    }

    @inline(__always)
    private mutating func escaped(_ bytes: UnsafeBufferPointer<UInt8>, bytesMax: Int) {
        guard let base = bytes.baseAddress else { return }
        self.reserve(min(bytes.count, bytesMax) &* Self.escapedBytesMax)
        if bytes.count <= bytesMax, Self.copyPlain(UnsafeRawPointer(base), bytes.count, to: self.place) {
            self.place += bytes.count
        } else {
            self.escapeEach(bytes, bytesMax: bytesMax)
        }
    }

    /// Copies text of which nothing needs escaping. There must be room for `count` bytes.
    /// - Returns: false for any other text; what it copied until then is not valid.
    @inline(__always)
    private static func copyPlain(
        _ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer
    ) -> Bool {
        if count >= 16 {
            var index = 0
            while index < count {
                // The last piece may overlap the one before.
                let offset = min(index, count &- 16)
                let first = (source + offset).loadUnaligned(as: UInt64.self)
                let last = (source + offset).loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                guard Self.isPlain(first, last) else { return false }
                (target + offset).storeBytes(of: first, as: UInt64.self)
                (target + offset).storeBytes(of: last, toByteOffset: 8, as: UInt64.self)
                index &+= 16
            }
            return true
        }
        if count >= 8 {
            // Two pieces that may overlap.
            let first = source.loadUnaligned(as: UInt64.self)
            let last = source.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            target.storeBytes(of: first, as: UInt64.self)
            target.storeBytes(of: last, toByteOffset: count &- 8, as: UInt64.self)
            return Self.isPlain(first, last)
        }
        if count >= 4 {
            let first = source.loadUnaligned(as: UInt32.self)
            let last = source.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
            target.storeBytes(of: first, as: UInt32.self)
            target.storeBytes(of: last, toByteOffset: count &- 4, as: UInt32.self)
            return Self.oddBits(UInt64(first) | UInt64(last) &<< 32) == 0
        }
        var isPlain = true
        for index in 0..<count {
            let byte = source.load(fromByteOffset: index, as: UInt8.self)
            isPlain = isPlain && Self.isPlain(byte)
            target.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        }
        return isPlain
    }

    @inline(__always)
    private static func isPlain(_ first: UInt64, _ last: UInt64) -> Bool {
        Self.oddBits(first) | Self.oddBits(last) == 0
    }

    /// 0 for eight bytes of printable ASCII, none of them a quote or a backslash. It may have bits for such bytes too:
    /// then the bytes are looked at one by one.
    @inline(__always)
    private static func oddBits(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5c)
        // Below 0x20, above 0x7e, or zero after the exclusive or; bytes with a top bit are odd whatever the rest says.
        let controls = (word &- ones &* 0x20) | (word &+ ones) | (quotes &- ones) | (backslashes &- ones)
        return (word | controls) & tops
    }

    /// Neither a control, a quote or a backslash, nor the first byte of a character that may need escaping.
    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x22 && byte != 0x5c && byte != 0x7f && byte != 0xc2 && byte != 0xe2
    }

    /// Text that is too long or has something to escape.
    @inline(never)
    private mutating func escapeEach(_ bytes: UnsafeBufferPointer<UInt8>, bytesMax: Int) {
        var end = min(bytes.count, bytesMax)
        while end < bytes.count, end > 0, bytes[end] & 0xc0 == 0x80 { end &-= 1 }
        var index = 0
        while index < end {
            if Self.isPlain(bytes[index]) {
                self.byte(bytes[index])
                index &+= 1
            } else {
                index &+= self.escape(bytes, at: index, end: end)
            }
        }
    }

    /// - Returns: how many bytes it took.
    private mutating func escape(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int, end: Int) -> Int {
        let byte = bytes[index]
        switch byte {
        case 0x22, 0x5c:
            self.byte(0x5c)
            self.byte(byte)
        case 0x0a: self.literal("\\n")
        case 0x0d: self.literal("\\r")
        case 0x09: self.literal("\\t")
        case 0xc2 where index &+ 1 < end && bytes[index &+ 1] < 0xa0:
            self.unicode(UInt16(bytes[index &+ 1]))
            return 2
        case 0xe2 where index &+ 2 < end:
            let scalar = 0x2000 | UInt16(bytes[index &+ 1] & 0x3f) << 6 | UInt16(bytes[index &+ 2] & 0x3f)
            if (0x2028...0x202e).contains(scalar) || (0x2066...0x2069).contains(scalar) {
                self.unicode(scalar)
            } else {
                for offset in 0..<3 { self.byte(bytes[index &+ offset]) }
            }
            return 3
        case 0xc2, 0xe2: self.byte(byte)
        default: self.unicode(UInt16(byte))
        }
        return 1
    }

    private mutating func unicode(_ scalar: UInt16) {
        self.literal("\\u")
        for shift in [12, 8, 4, 0] as [UInt16] {
            self.hexDigit(UInt8(truncatingIfNeeded: scalar >> shift & 0xf))
        }
    }
}

import GatewayCore

/// Writes one log line into room that is known to suffice, and escapes whatever came from outside.
///
/// A line stays one line and cannot steer a terminal (log injection): control characters, C1 controls, line and
/// paragraph separators and the marks that turn the direction of text are escaped.
struct LineCursor {
    private(set) var place: UnsafeMutablePointer<UInt8>

    /// Worst growth of one byte: `\u001b`.
    static let escapedBytesMax = 6

    /// Appends what `body` writes. `bound` must be enough for it; the room is on the stack or one short-lived
    /// allocation.
    @inline(__always)
    static func append(upTo bound: Int, to out: inout [UInt8], _ body: (inout LineCursor) -> Void) {
        let start = UnsafeMutablePointer<UInt8>.allocate(capacity: bound)
        defer { start.deallocate() }
        var cursor = LineCursor(place: start)
        body(&cursor)
        let count = start.distance(to: cursor.place)
        assert(count <= bound, "the bound of a log line was too small")
        out.append(contentsOf: UnsafeBufferPointer(start: start, count: count))
    }

    /// Room for `text` once it is quoted and cut to `bytesMax`.
    @inline(__always)
    static func bound(_ text: String?, bytesMax: Int) -> Int {
        guard let text else { return 0 }
        return min(text.utf8.count, bytesMax) &* Self.escapedBytesMax &+ 2
    }

    /// Words of ours, as they are.
    @inline(__always)
    mutating func literal(_ text: StaticString) {
        self.place.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        self.place += text.utf8CodeUnitCount
    }

    @inline(__always)
    mutating func byte(_ byte: UInt8) {
        self.place.pointee = byte
        self.place += 1
    }

    /// A JSON string with its quotes, of at most `bytesMax` bytes of `text`; a character is never cut in two.
    mutating func quoted(_ text: String, bytesMax: Int) {
        self.byte(UInt8(ascii: "\""))
        let isNative = text.utf8.withContiguousStorageIfAvailable { self.escaped($0, bytesMax: bytesMax) } != nil
        if !isNative {
            var copy = text
            copy.withUTF8 { self.escaped($0, bytesMax: bytesMax) }
        }
        self.byte(UInt8(ascii: "\""))
    }

    private mutating func escaped(_ bytes: UnsafeBufferPointer<UInt8>, bytesMax: Int) {
        guard let base = bytes.baseAddress else { return }
        var end = min(bytes.count, bytesMax)
        while end < bytes.count, end > 0, base[end] & 0xc0 == 0x80 { end &-= 1 }
        var index = 0
        while index < end {
            index &+= self.copyPlain(base + index, count: end &- index)
            if index < end { index &+= self.escape(bytes, at: index, end: end) }
        }
    }

    /// - Returns: how many bytes needed no escaping.
    @inline(__always)
    private mutating func copyPlain(_ base: UnsafePointer<UInt8>, count: Int) -> Int {
        let start = self.place
        var index = 0
        while index &+ 8 <= count {
            let word = UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self)
            guard Self.isPlain(word) else { break }
            UnsafeMutableRawPointer(start + index).storeBytes(of: word, as: UInt64.self)
            index &+= 8
        }
        if index < count, index &+ 8 > count, count >= 8 {
            // The rest, together with what was copied before it.
            let word = UnsafeRawPointer(base + count - 8).loadUnaligned(as: UInt64.self)
            if Self.isPlain(word) {
                UnsafeMutableRawPointer(start + count - 8).storeBytes(of: word, as: UInt64.self)
                index = count
            }
        }
        if count < 8, count >= 4, index == 0 {
            // Two halves that may overlap.
            let first = UnsafeRawPointer(base).loadUnaligned(as: UInt32.self)
            let last = UnsafeRawPointer(base + count - 4).loadUnaligned(as: UInt32.self)
            if Self.isPlain(UInt64(first) | UInt64(last) << 32) {
                UnsafeMutableRawPointer(start).storeBytes(of: first, as: UInt32.self)
                UnsafeMutableRawPointer(start + count - 4).storeBytes(of: last, as: UInt32.self)
                index = count
            }
        }
        while index < count, Self.isPlain(base[index]) {
            start[index] = base[index]
            index &+= 1
        }
        self.place = start + index
        return index
    }

    /// Eight bytes of printable ASCII at once, none of them a quote or a backslash. May be wrong only towards `false`.
    @inline(__always)
    private static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5c)
        let isEscaped =
            word | (word &- ones &* 0x20) | (word &+ ones) | ((quotes &- ones) & ~quotes)
            | ((backslashes &- ones) & ~backslashes)
        return isEscaped & tops == 0
    }

    /// Neither a control, a quote or a backslash, nor the first byte of a character that may need escaping.
    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x22 && byte != 0x5c && byte != 0x7f && byte != 0xc2 && byte != 0xe2
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

    mutating func decimal(_ number: Int64) {
        if number < 0 { self.byte(UInt8(ascii: "-")) }
        self.decimal(number.magnitude)
    }

    mutating func decimal(_ number: UInt64) {
        if number < 10 { return self.byte(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number)) }
        var count = 2
        var bound: UInt64 = 100
        while number >= bound {
            count &+= 1
            if count == 20 { break }
            bound &*= 10
        }
        var end = self.place + count
        self.place = end
        var rest = number
        while rest >= 10 {
            let next = rest / 100
            end -= 2
            Self.putPair(Int(truncatingIfNeeded: rest &- next &* 100), at: end)
            rest = next
            count &-= 2
        }
        if count > 0 { (end - 1).pointee = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest) }
    }

    private static let pairs: StaticString =
        """
        00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748\
        49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697\
        9899
        """

    /// Two digits of a number below 100.
    @inline(__always)
    private static func putPair(_ number: Int, at place: UnsafeMutablePointer<UInt8>) {
        let digits = UnsafeRawPointer(Self.pairs.utf8Start + 2 &* number).loadUnaligned(as: UInt16.self)
        UnsafeMutableRawPointer(place).storeBytes(of: digits, as: UInt16.self)
    }

    /// An address in quotes, as its `description` is; at most 41 bytes.
    mutating func quoted(_ address: IPAddress) {
        self.byte(UInt8(ascii: "\""))
        if address.isIPv4 {
            for index in 12..<16 {
                if index > 12 { self.byte(UInt8(ascii: ".")) }
                self.decimal(UInt64(address.octet(index)))
            }
        } else {
            self.groups(of: address)
        }
        self.byte(UInt8(ascii: "\""))
    }

    private mutating func groups(of address: IPAddress) {
        let elided = address.elidedGroups
        var index = 0
        while index < 8 {
            if index == elided.lowerBound, !elided.isEmpty {
                self.literal("::")
                index = elided.upperBound
                continue
            }
            if index > 0, index != elided.upperBound { self.byte(UInt8(ascii: ":")) }
            self.hexadecimal(address.group(index))
            index += 1
        }
    }

    private mutating func hexadecimal(_ number: UInt16) {
        var shift: UInt16 = number > 0xfff ? 12 : number > 0xff ? 8 : number > 0xf ? 4 : 0
        while true {
            self.hexDigit(UInt8(truncatingIfNeeded: number >> shift & 0xf))
            if shift == 0 { return }
            shift -= 4
        }
    }

    @inline(__always)
    private mutating func hexDigit(_ digit: UInt8) {
        self.byte(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }

    /// RFC 3339 in UTC with milliseconds, 24 bytes: `1994-11-06T08:49:37.000Z`.
    mutating func timestamp(_ time: WallTime) {
        let seconds = time.unixSeconds
        let date = CivilDate(unixSeconds: seconds)
        self.two(date.year / 100 % 100)
        self.two(date.year % 100)
        self.byte(UInt8(ascii: "-"))
        self.two(date.month)
        self.byte(UInt8(ascii: "-"))
        self.two(date.day)
        self.byte(UInt8(ascii: "T"))
        self.two(date.hour)
        self.byte(UInt8(ascii: ":"))
        self.two(date.minute)
        self.byte(UInt8(ascii: ":"))
        self.two(date.second)
        self.byte(UInt8(ascii: "."))
        let milliseconds = Int((time.nanoseconds &- seconds &* 1_000_000_000) / 1_000_000)
        self.byte(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: milliseconds / 100))
        self.two(milliseconds % 100)
        self.byte(UInt8(ascii: "Z"))
    }

    @inline(__always)
    private mutating func two(_ number: Int) {
        Self.putPair(number, at: self.place)
        self.place += 2
    }
}

/// Why bytes were refused, before it is known which side sent them. `HTTPFault` is what callers see.
struct Breach: Error {
    enum Kind: UInt8 {
        case malformed, tooLarge, version, expectation
    }

    let kind: Kind
    let rule: StaticString

    init(_ kind: Kind, _ rule: StaticString) {
        self.kind = kind
        self.rule = rule
    }

    static func malformed(_ rule: StaticString) -> Breach { Breach(.malformed, rule) }
}

/// A set of ASCII bytes as two words; one shift and one test per look-up. Bytes from 0x80 up are never members.
struct ByteSet: Sendable {
    let low: UInt64
    let high: UInt64

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        let word = byte & 0x40 == 0 ? self.low : self.high
        return byte < 0x80 && (word >> UInt64(byte & 63)) & 1 != 0
    }

    /// `tchar` of RFC 9110 section 5.6.2: letters, digits and ``!#$%&'*+-.^_`|~``.
    @inline(__always) static var token: ByteSet {
        ByteSet(low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c7ff_fffe)
    }

    /// Visible ASCII of a query but the percent sign: RFC 3986 without `#"<>\^{|}` and the backquote, with the
    /// brackets, which clients write bare in `include[]=`.
    @inline(__always) static var query: ByteSet {
        ByteSet(low: 0xafff_ffd2_0000_0000, high: 0x47ff_fffe_afff_ffff)
    }

    /// The same without the question mark.
    @inline(__always) static var path: ByteSet {
        ByteSet(low: 0x2fff_ffd2_0000_0000, high: 0x47ff_fffe_afff_ffff)
    }

    /// A host name of the `Host` field: letters, digits, `-`, `.` and `_`.
    @inline(__always) static var host: ByteSet {
        ByteSet(low: 0x03ff_6000_0000_0000, high: 0x07ff_fffe_87ff_fffe)
    }
}

/// The small rules that heads, chunk lines and trailers share, over bytes in place.
///
/// Offsets count from `base`; nothing at or behind `end` is read. Functions that find the end of something answer
/// `Self.incomplete` when the bytes run out first.
enum HeadGrammar {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0a
    static let carriageReturn: UInt8 = 0x0d
    static let space: UInt8 = 0x20
    static let colon: UInt8 = 0x3a

    @inline(__always) static var incomplete: Int { -1 }
    @inline(__always) static var highBits: UInt64 { 0x8080_8080_8080_8080 }
    @inline(__always) static var lowBits: UInt64 { 0x0101_0101_0101_0101 }

    @inline(__always)
    static func byte(_ base: UnsafeRawPointer, _ at: Int) -> UInt8 {
        base.load(fromByteOffset: at, as: UInt8.self)
    }

    /// Eight bytes, the first one lowest. The caller knows that they are there.
    @inline(__always)
    static func word(_ base: UnsafeRawPointer, _ at: Int) -> UInt64 {
        UInt64(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
    }

    /// The top bit of each byte that is zero. Of several set bits only the lowest is sure to be right.
    @inline(__always)
    static func zeroBytes(_ word: UInt64) -> UInt64 { (word &- self.lowBits) & ~word & self.highBits }

    /// The top bit of each byte under 0x20; again only the lowest is sure.
    @inline(__always)
    static func controlBytes(_ word: UInt64) -> UInt64 { (word &- self.lowBits &* 0x20) & ~word & self.highBits }

    /// The top bit of each byte that is neither a letter nor a digit nor a hyphen. Every bit is right.
    @inline(__always)
    static func uncommonBytes(_ word: UInt64) -> UInt64 {
        let low = word & ~self.highBits
        let lower = low | self.lowBits &* 0x20
        let letters = (lower &+ self.lowBits &* 0x1f) & ~(lower &+ self.lowBits &* 0x05)
        let digits = (low &+ self.lowBits &* 0x50) & ~(low &+ self.lowBits &* 0x46)
        return (~(letters | digits | self.bytes(low, equalTo: 0x2d)) | word) & self.highBits
    }

    /// The top bit of each byte equal to `byte`, other bits at random; `low` has no top bits set.
    @inline(__always)
    static func bytes(_ low: UInt64, equalTo byte: UInt64) -> UInt64 {
        ~((low ^ self.lowBits &* byte) &+ self.lowBits &* 0x7f)
    }

    /// The carriage return that ends a field value or reason phrase beginning at `start`.
    ///
    /// Inside are tab, space, visible ASCII and bytes from 0x80 up; everything else is refused, as is a CR without LF.
    @inline(__always)
    static func endOfText(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) throws(Breach) -> Int {
        var at = start
        while true {
            while at &+ 8 <= end {
                let word = self.word(base, at)
                let stops = self.controlBytes(word) | self.zeroBytes(word ^ (self.lowBits &* 0x7f))
                if stops != 0 {
                    at &+= stops.trailingZeroBitCount &>> 3
                    break
                }
                at &+= 8
            }
            guard at < end else { return self.incomplete }
            let byte = self.byte(base, at)
            if byte == self.carriageReturn {
                guard at &+ 1 < end else { return self.incomplete }
                guard self.byte(base, at &+ 1) == self.lineFeed else { throw .malformed("bare CR") }
                return at
            }
            guard byte >= 0x20 && byte != 0x7f || byte == self.tab else { throw self.textBreach(byte) }
            at &+= 1
        }
    }

    @inline(never)
    private static func textBreach(_ byte: UInt8) -> Breach {
        byte == self.lineFeed ? .malformed("bare LF") : .malformed("control byte in a field value or reason phrase")
    }

    /// The first line feed from `start` on.
    static func lineFeed(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int {
        var at = start
        while at &+ 8 <= end {
            let found = self.zeroBytes(self.word(base, at) ^ (self.lowBits &* UInt64(self.lineFeed)))
            if found != 0 { return at &+ found.trailingZeroBitCount &>> 3 }
            at &+= 8
        }
        while at < end {
            if self.byte(base, at) == self.lineFeed { return at }
            at &+= 1
        }
        return self.incomplete
    }

    @inline(__always)
    static func isHexDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 6 }

    /// Compares without regard to the case of ASCII letters; `text` is lower case letters, digits and hyphens.
    static func equals(_ base: UnsafeRawPointer, _ place: Range<Int>, _ text: StaticString) -> Bool {
        guard place.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<place.count {
            let byte = self.byte(base, place.lowerBound &+ index)
            let lower = byte &- 0x41 < 26 ? byte | 0x20 : byte
            if lower != text.utf8Start[index] { return false }
        }
        return true
    }

    /// A number of digits only. `nil` when empty, for any other byte and beyond `Int64.max`.
    static func decimal(_ base: UnsafeRawPointer, _ place: Range<Int>) -> Int64? {
        guard !place.isEmpty else { return nil }
        var value: Int64 = 0
        if place.count <= 18 {
            // Too short to overflow.
            for at in place {
                let digit = self.byte(base, at) &- 0x30
                guard digit < 10 else { return nil }
                value = value &* 10 &+ Int64(digit)
            }
            return value
        }
        for at in place {
            let digit = self.byte(base, at) &- 0x30
            guard digit < 10 else { return nil }
            let (shifted, tooFar) = value.multipliedReportingOverflow(by: 10)
            let (sum, over) = shifted.addingReportingOverflow(Int64(digit))
            guard !tooFar, !over else { return nil }
            value = sum
        }
        return value
    }

    /// Whether a comma-separated list holds that token.
    static func list(_ base: UnsafeRawPointer, _ place: Range<Int>, holds token: StaticString) -> Bool {
        var start = place.lowerBound
        while start < place.upperBound {
            var stop = start
            while stop < place.upperBound, self.byte(base, stop) != 0x2c { stop &+= 1 }
            if self.equals(base, self.trimmed(base, start, stop), token) { return true }
            start = stop &+ 1
        }
        return false
    }

    /// Without tabs and spaces at both ends.
    @inline(__always)
    static func trimmed(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Range<Int> {
        var first = start
        var last = end
        while first < last, self.isBlank(self.byte(base, first)) { first &+= 1 }
        while last > first, self.isBlank(self.byte(base, last &- 1)) { last &-= 1 }
        return Range(uncheckedBounds: (first, last))
    }

    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == self.space || byte == self.tab }
}

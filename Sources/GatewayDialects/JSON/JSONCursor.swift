import GatewayWire

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Reads what a provider sent in one pass, entering objects and arrays without a look at where they end.
///
/// It is for events and usage objects, of which a handful of members at several depths matter. Text that is not as it
/// should be is read as `ObjectWalk` and `ArrayWalk` read it: what stands in an object or array that does not end
/// counts for nothing, and one with a wrong inside counts up to there. One pass cannot know that in time. So a cursor
/// that finds anything unusual sets `isBroken`, and who reads with it starts again on a cursor that `checksEnds` of
/// every value before it is entered; that one never breaks. Both read the same where the first does not break.
///
/// A reading is a loop over `next` per object, and over `nextElement` per array; a value that the body of the loop does
/// not read is stepped over.
struct JSONCursor {
    let base: UnsafeRawPointer
    /// Of the text. Without `checksEnds` just after its last `}`, so that only steps over one have to look for the end.
    let end: Int
    /// During the body of a loop over members or elements: the first byte of the value, until it is read.
    private(set) var at: Int
    /// Nothing that was read may count.
    private(set) var isBroken = false
    let checksEnds: Bool
    /// Where the value ends that was reached last; known with `checksEnds` only.
    private var valueEnd: Int

    /// One object or array that is read.
    struct Level {
        /// Where the value starts that was reached last, or with `checksEnds` where it ends; -1 before the first one.
        fileprivate var mark = -1
        /// Just after the closing bracket; known with `checksEnds` only.
        fileprivate var end = 0
    }

    /// At the object that the text is; `nil` if it begins with anything else.
    @inline(__always)
    init?(_ text: UnsafeRawBufferPointer, checksEnds: Bool) {
        guard let base = text.baseAddress, text.count > 0 else { return nil }
        var at = 0
        while at < text.count, JSONSteps.isSpace(base.load(fromByteOffset: at, as: UInt8.self)) { at &+= 1 }
        guard at < text.count, base.load(fromByteOffset: at, as: UInt8.self) == JSONBytes.openBrace else { return nil }
        self.base = base
        self.at = at
        self.checksEnds = checksEnds
        self.valueEnd = text.count
        var end = text.count
        if !checksEnds {
            while end > at, base.load(fromByteOffset: end &- 1, as: UInt8.self) == 0x20 { end &-= 1 }
            self.isBroken = base.load(fromByteOffset: end &- 1, as: UInt8.self) != JSONBytes.closeBrace
            if self.isBroken { self.at = end }
        }
        self.end = end
    }

    /// The next byte; 0 at the end.
    @inline(__always)
    private var byte: UInt8 { self.at < self.end ? self.byte(self.at) : 0 }

    @inline(__always)
    private func byte(_ at: Int) -> UInt8 { self.base.load(fromByteOffset: at, as: UInt8.self) }

    // MARK: - What the value is

    @inline(__always) var isAtString: Bool { self.byte == JSONBytes.quote }
    @inline(__always) var isAtObject: Bool { self.byte == JSONBytes.openBrace }
    @inline(__always) var isAtArray: Bool { self.byte == JSONBytes.openBracket }
    @inline(__always) var isAtNull: Bool { self.byte == UInt8(ascii: "n") }

    /// Whether the array at the cursor has nothing in it.
    var isAtEmptyArray: Bool {
        var at = self.at &+ 1
        while at < self.end, JSONSteps.isSpace(self.byte(at)) { at &+= 1 }
        if self.checksEnds { return at >= self.valueEnd &- 1 }
        return at < self.end && self.byte(at) == JSONBytes.closeBracket
    }

    // MARK: - Steps

    /// Enters the object or array at the cursor.
    @inline(__always)
    mutating func enter() -> Level {
        if self.at < self.end { self.at &+= 1 }
        guard self.checksEnds else { return Level() }
        return Level(mark: self.at, end: self.valueEnd)
    }

    /// Goes back to a value that was stepped over, to read it now.
    mutating func seek(_ place: Range<Int>) {
        guard !self.isBroken else { return }
        self.at = place.lowerBound
        self.valueEnd = place.upperBound
    }

    /// The name of the next member, with the cursor at its value; `nil` after the last one.
    @inline(__always)
    mutating func next(_ level: inout Level) -> JSONString? {
        if self.checksEnds { return self.nextChecked(&level) }
        guard let start = self.stepOn(&level, JSONBytes.closeBrace) else { return nil }
        guard self.byte(start) == JSONBytes.quote, let name = self.string(at: start) else { return self.fail() }
        // A string does not end the text, and nor does a colon.
        var at = self.at
        if self.byte(at) <= 0x20 { at = self.spaceEnd(at) }
        guard self.byte(at) == JSONBytes.colon else { return self.fail() }
        at &+= 1
        if self.byte(at) <= 0x20 { at = self.spaceEnd(at) }
        self.at = at
        level.mark = at
        return name
    }

    /// Steps over members at the beginning of the text at once, if they are byte for byte those of an earlier text of
    /// which `head` is what stood before the value of a member: then the cursor is at that member's value.
    @inline(__always)
    mutating func skipHead(_ head: [UInt8], _ level: inout Level) -> Bool {
        guard !head.isEmpty, !self.checksEnds, head.count < self.end else { return false }
        guard head.withUnsafeBytes({ memcmp(self.base, $0.baseAddress ?? self.base, $0.count) }) == 0 else {
            return false
        }
        // White space before the value is part of the head or there is none.
        guard self.byte(head.count) > 0x20 else { return false }
        self.at = head.count
        level.mark = head.count
        return true
    }

    /// What stands before the cursor.
    var head: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: self.base, count: self.at) }

    /// Whether there is a next element, with the cursor at it.
    @inline(__always)
    mutating func nextElement(_ level: inout Level) -> Bool {
        if self.checksEnds { return self.nextCheckedElement(&level) }
        guard let start = self.stepOn(&level, JSONBytes.closeBracket) else { return false }
        self.at = start
        level.mark = start
        return true
    }

    /// Where the next member or element starts; `nil` after the last one.
    @inline(__always)
    private mutating func stepOn(_ level: inout Level, _ close: UInt8) -> Int? {
        if self.at == level.mark { self.skipValue() }
        var at = self.at
        guard at < self.end else {
            _ = self.fail()
            return nil
        }
        if self.byte(at) <= 0x20 { at = self.spaceEnd(at) }
        let byte = self.byte(at)
        if byte == close {
            self.at = at &+ 1
            return nil
        }
        guard level.mark >= 0 else { return at }
        guard byte == JSONBytes.comma else {
            _ = self.fail()
            return nil
        }
        at &+= 1
        return self.byte(at) <= 0x20 ? self.spaceEnd(at) : at
    }

    /// Where the space ends, at the last `}` of the text at the latest.
    @inline(__always)
    private func spaceEnd(_ start: Int) -> Int { Self.spaceEnd(self.base, start) }

    @inline(never)
    private static func spaceEnd(_ base: UnsafeRawPointer, _ start: Int) -> Int {
        var at = start
        while JSONSteps.isSpace(base.load(fromByteOffset: at, as: UInt8.self)) { at &+= 1 }
        return at
    }

    /// From here on nothing is found.
    @inline(__always)
    private mutating func fail() -> JSONString? {
        self.isBroken = true
        self.at = self.end
        return nil
    }

    // MARK: - Values

    /// Reads the string at the cursor, if there is one.
    @inline(__always)
    mutating func string() -> JSONString? {
        self.isAtString ? self.string(at: self.at) : nil
    }

    /// `quote` is the place of the opening one.
    @inline(__always)
    private mutating func string(at quote: Int) -> JSONString? {
        let start = quote &+ 1
        let stop = JSONBytes.plainEnd(self.base, from: start, to: self.end)
        if stop < self.end, self.byte(stop) == JSONBytes.quote {
            self.at = stop &+ 1
            return JSONString(start: self.base + start, count: stop &- start, hasEscape: false)
        }
        return self.unusualString(from: start, stop)
    }

    /// With escapes, or with control bytes, which are none of our business here.
    @inline(never)
    private mutating func unusualString(from start: Int, _ stop: Int) -> JSONString? {
        var at = stop
        var hasEscape = false
        while at < self.end {
            switch self.byte(at) {
            case JSONBytes.quote:
                self.at = at &+ 1
                return JSONString(start: self.base + start, count: at &- start, hasEscape: hasEscape)
            case JSONBytes.backslash:
                hasEscape = true
                at &+= 2
            default: at &+= 1
            }
            at = at < self.end ? JSONBytes.plainEnd(self.base, from: at, to: self.end) : self.end
        }
        return self.fail()
    }

    /// Reads the value at the cursor as a whole number; `nil` if it is none, or none that fits.
    @inline(__always)
    mutating func integer() -> Int64? {
        var at = self.at
        var value: Int64 = 0
        while at < self.end {
            let digit = self.byte(at) &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            value = value &* 10 &+ Int64(digit)
            at &+= 1
        }
        // Up to eighteen digits always fit, and a zero before others is no number.
        let count = at &- self.at
        guard count > 0, count <= 18, at < self.end, count == 1 || self.byte != UInt8(ascii: "0"),
            JSONSteps.endsScalar(self.byte(at))
        else { return self.unusualInteger() }
        self.at = at
        return value
    }

    @inline(never)
    private mutating func unusualInteger() -> Int64? {
        switch self.byte {
        case JSONBytes.quote, JSONBytes.openBrace, JSONBytes.openBracket, UInt8(ascii: "t"), UInt8(ascii: "f"),
            UInt8(ascii: "n"):
            return nil
        default:
            guard let place = self.place() else { return nil }
            return JSONText.integer(UnsafeRawBufferPointer(start: self.base + place.lowerBound, count: place.count))
        }
    }

    /// Steps over the value at the cursor and says where it is; `nil` if it does not end.
    mutating func place() -> Range<Int>? {
        let start = self.at
        guard !self.checksEnds else { return start..<self.valueEnd }
        self.skipValue()
        return self.isBroken ? nil : start..<self.at
    }

    /// Steps over the value at the cursor. Only without `checksEnds`.
    @inline(__always)
    private mutating func skipValue() {
        switch self.byte {
        case JSONBytes.quote: _ = self.string(at: self.at)
        case JSONBytes.openBrace, JSONBytes.openBracket:
            guard let end = JSONBytes.containerEnd(self.base, from: self.at, to: self.end) else {
                _ = self.fail()
                return
            }
            self.at = end
        default:
            guard let end = self.scalarEnd() else {
                _ = self.fail()
                return
            }
            self.at = end
        }
    }

    /// `nil` for nothing, and for a bracket in it: that one would count for who looks for the end of the value around.
    @inline(__always)
    private func scalarEnd() -> Int? {
        var at = self.at
        if self.end &- at > 8 {
            let word = UInt64(littleEndian: self.base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            if UInt32(truncatingIfNeeded: word) == 0x6c6c_756e {  // "null"
                at &+= 4
            } else {
                // Eight digits: none is below 0x30, nor above 0x39.
                let digits = word ^ 0x3030_3030_3030_3030
                if (digits | (digits &+ 0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080 == 0 { at &+= 8 }
            }
        }
        while at < self.end {
            let byte = self.byte(at)
            if byte <= 0x2c || byte | 0x20 == 0x7d || byte == JSONBytes.colon || byte | 0x20 == 0x7b {
                guard JSONSteps.endsScalar(byte) else { return nil }
                return at > self.at ? at : nil
            }
            at &+= 1
        }
        return nil
    }
}

// MARK: - With a look at every end

extension JSONCursor {
    @inline(never)
    private mutating func nextChecked(_ level: inout Level) -> JSONString? {
        var steps = self.stepsOn(level)
        guard let key = steps.string() else { return self.leave(&level) }
        steps.skipSpace()
        guard steps.take(JSONBytes.colon) else { return self.leave(&level) }
        steps.skipSpace()
        guard self.reach(&steps, &level) else { return self.leave(&level) }
        let inside = UnsafeRawBufferPointer(start: self.base + key.lowerBound + 1, count: key.count - 2)
        return JSONString(
            start: self.base + key.lowerBound + 1, count: inside.count,
            hasEscape: inside.contains(JSONBytes.backslash))
    }

    @inline(never)
    private mutating func nextCheckedElement(_ level: inout Level) -> Bool {
        var steps = self.stepsOn(level)
        if self.reach(&steps, &level) { return true }
        _ = self.leave(&level)
        return false
    }

    /// Just before the next member or element. A comma is neither asked for nor minded.
    private func stepsOn(_ level: Level) -> JSONSteps {
        var steps = JSONSteps(
            bytes: UnsafeRawBufferPointer(start: self.base, count: self.end), at: level.mark, end: level.end)
        steps.skipSpace()
        _ = steps.take(JSONBytes.comma)
        steps.skipSpace()
        return steps
    }

    private mutating func reach(_ steps: inout JSONSteps, _ level: inout Level) -> Bool {
        guard let value = steps.value() else { return false }
        self.at = value.place.lowerBound
        self.valueEnd = value.place.upperBound
        level.mark = self.valueEnd
        return true
    }

    /// Nothing more is found in this object or array.
    private func leave(_ level: inout Level) -> JSONString? {
        level.mark = level.end
        return nil
    }
}

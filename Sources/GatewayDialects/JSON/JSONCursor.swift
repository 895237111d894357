import GatewayWire

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
    /// Of the whole text.
    let end: Int
    /// During the body of a loop over members or elements: the first byte of the value, until it is read.
    private(set) var at: Int
    /// Nothing that was read may count.
    private(set) var isBroken = false
    private let checksEnds: Bool
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
    init?(_ text: UnsafeRawBufferPointer, checksEnds: Bool) {
        guard let base = text.baseAddress else { return nil }
        self.base = base
        self.end = text.count
        self.at = 0
        self.checksEnds = checksEnds
        self.valueEnd = text.count
        guard self.skipSpace() == JSONBytes.openBrace else { return nil }
    }

    /// The next byte; 0 at the end.
    @inline(__always)
    private var byte: UInt8 { self.at < self.end ? self.base.load(fromByteOffset: self.at, as: UInt8.self) : 0 }

    // MARK: - What the value is

    @inline(__always) var isAtString: Bool { self.byte == JSONBytes.quote }
    @inline(__always) var isAtObject: Bool { self.byte == JSONBytes.openBrace }
    @inline(__always) var isAtArray: Bool { self.byte == JSONBytes.openBracket }
    @inline(__always) var isAtNull: Bool { self.byte == UInt8(ascii: "n") }

    /// Whether the array at the cursor has nothing in it.
    @inline(__always)
    var isAtEmptyArray: Bool {
        var inner = self
        inner.at &+= 1
        let byte = inner.skipSpace()
        return self.checksEnds ? inner.at >= self.valueEnd &- 1 : byte == JSONBytes.closeBracket
    }

    // MARK: - Steps

    /// Enters the object or array at the cursor.
    @inline(__always)
    mutating func enter() -> Level {
        self.at &+= 1
        guard self.checksEnds else { return Level() }
        return Level(mark: self.at, end: self.valueEnd)
    }

    /// Goes back to a value that was stepped over, to read it now.
    mutating func seek(_ place: Range<Int>) {
        self.at = place.lowerBound
        self.valueEnd = place.upperBound
    }

    /// The name of the next member, with the cursor at its value; `nil` after the last one.
    @inline(__always)
    mutating func next(_ level: inout Level) -> JSONString? {
        if self.checksEnds { return self.nextChecked(&level) }
        guard self.stepOn(&level, JSONBytes.closeBrace) else { return nil }
        guard self.byte == JSONBytes.quote, let name = self.string() else { return self.fail() }
        guard self.skipSpace() == JSONBytes.colon else { return self.fail() }
        self.at &+= 1
        self.skipSpace()
        level.mark = self.at
        return name
    }

    /// Whether there is a next element, with the cursor at it.
    @inline(__always)
    mutating func nextElement(_ level: inout Level) -> Bool {
        if self.checksEnds { return self.nextCheckedElement(&level) }
        guard self.stepOn(&level, JSONBytes.closeBracket) else { return false }
        level.mark = self.at
        return true
    }

    /// To the next member or element; false after the last one.
    @inline(__always)
    private mutating func stepOn(_ level: inout Level, _ close: UInt8) -> Bool {
        if level.mark < 0 {
            guard self.skipSpace() == close else { return true }
        } else {
            if self.at == level.mark { self.skipValue() }
            let byte = self.skipSpace()
            if byte == JSONBytes.comma {
                self.at &+= 1
                self.skipSpace()
                return true
            }
            guard byte == close else {
                _ = self.fail()
                return false
            }
        }
        self.at &+= 1
        return false
    }

    @inline(__always)
    @discardableResult
    private mutating func skipSpace() -> UInt8 {
        while self.at < self.end {
            let byte = self.base.load(fromByteOffset: self.at, as: UInt8.self)
            // Mostly there is none.
            if byte > 0x20 { return byte }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            self.at &+= 1
        }
        return 0
    }

    /// From here on nothing is found.
    @inline(never)
    private mutating func fail() -> JSONString? {
        self.isBroken = true
        self.at = self.end
        return nil
    }

    // MARK: - Values

    /// Reads the string at the cursor, if there is one.
    @inline(__always)
    mutating func string() -> JSONString? {
        guard self.isAtString else { return nil }
        let start = self.at &+ 1
        let stop = JSONBytes.plainEnd(self.base, from: start, to: self.end)
        if stop < self.end, self.base.load(fromByteOffset: stop, as: UInt8.self) == JSONBytes.quote {
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
            switch self.base.load(fromByteOffset: at, as: UInt8.self) {
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
            let digit = self.base.load(fromByteOffset: at, as: UInt8.self) &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            value = value &* 10 &+ Int64(digit)
            at &+= 1
        }
        // Up to eighteen digits always fit, and a zero before others is no number.
        let count = at &- self.at
        guard count > 0, count <= 18, at < self.end, count == 1 || self.byte != UInt8(ascii: "0"),
            Self.endsScalar(self.base.load(fromByteOffset: at, as: UInt8.self))
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

    /// Steps over the value at the cursor.
    @inline(__always)
    private mutating func skipValue() {
        switch self.byte {
        case JSONBytes.quote: _ = self.string()
        case JSONBytes.openBrace, JSONBytes.openBracket: self.skipContainer()
        default: self.skipScalar()
        }
    }

    @inline(never)
    private mutating func skipContainer() {
        guard let end = JSONBytes.containerEnd(self.base, from: self.at, to: self.end) else {
            _ = self.fail()
            return
        }
        self.at = end
    }

    /// A bracket in a word or number would count as one for who looks for the end of the container around it.
    @inline(__always)
    private mutating func skipScalar() {
        let start = self.at
        while self.at < self.end {
            let byte = self.base.load(fromByteOffset: self.at, as: UInt8.self)
            if Self.endsScalar(byte) { break }
            if byte | 0x20 == 0x7b { break }
            self.at &+= 1
        }
        guard self.at > start, self.at < self.end, self.byte | 0x20 != 0x7b else {
            _ = self.fail()
            return
        }
    }

    @inline(__always)
    private static func endsScalar(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == JSONBytes.comma || byte | 0x20 == 0x7d || byte == JSONBytes.colon
            || byte == JSONBytes.quote
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

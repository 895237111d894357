/// A place in a JSON text that only moves forward. No recursion, no allocation but for texts deeper than 64 levels.
struct JSONWalk {
    let base: UnsafeRawPointer
    /// Offset just after the text.
    let end: Int
    /// The next unread byte.
    var at: Int

    /// The next byte; 0, which no JSON token holds, at the end.
    @inline(__always)
    var byte: UInt8 { self.at < self.end ? self.base.load(fromByteOffset: self.at, as: UInt8.self) : 0 }

    /// - Returns: the byte after the white space, which is not stepped over; 0 at the end.
    @inline(__always)
    @discardableResult
    mutating func skipSpace() -> UInt8 {
        while self.at < self.end {
            let byte = self.base.load(fromByteOffset: self.at, as: UInt8.self)
            if byte > 0x20 || !JSONBytes.isSpace(byte) { return byte }
            self.at &+= 1
        }
        return 0
    }

    /// Steps over `byte`, or fails at it.
    @inline(__always)
    mutating func expect(_ byte: UInt8) throws(JSONFault) {
        guard self.byte == byte else { throw .malformed(at: self.at) }
        self.at &+= 1
    }

    /// Steps over a string whose opening quote is the next byte. The grammar of its escapes is judged, surrogate pairs
    /// and UTF-8 are not.
    /// - Returns: whether it holds an escape.
    @inline(__always)
    mutating func skipString() throws(JSONFault) -> Bool {
        self.at = JSONBytes.plainEnd(self.base, from: self.at &+ 1, to: self.end)
        if self.byte == JSONBytes.quote {
            self.at &+= 1
            return false
        }
        self.at = try self.stringEnd(from: self.at)
        return true
    }

    /// From the first byte that is no plain one to after the closing quote.
    private func stringEnd(from start: Int) throws(JSONFault) -> Int {
        var walk = self
        walk.at = start
        while walk.byte == JSONBytes.backslash {
            walk.at &+= 1
            guard JSONBytes.isEscapeLetter(walk.byte) else { throw .malformed(at: walk.at) }
            let isUnicode = walk.byte == UInt8(ascii: "u")
            walk.at &+= 1
            if isUnicode {
                for _ in 0..<4 {
                    guard JSONBytes.hexValue(walk.byte) != nil else { throw .malformed(at: walk.at) }
                    walk.at &+= 1
                }
            }
            walk.at = JSONBytes.plainEnd(walk.base, from: walk.at, to: walk.end)
        }
        try walk.expect(JSONBytes.quote)
        return walk.at
    }

    /// Steps over any value, whose first byte is `first`, and says what it is.
    @inline(__always)
    mutating func skipValue(_ first: UInt8, depthMax: Int) throws(JSONFault) -> JSONKind {
        switch first {
        case JSONBytes.quote:
            _ = try self.skipString()
            return .string
        case JSONBytes.openBrace:
            self.at = try self.nestedEnd(from: self.at, depthMax: depthMax)
            return .object
        case UInt8(ascii: "["):
            self.at = try self.nestedEnd(from: self.at, depthMax: depthMax)
            return .array
        default:
            let (kind, end) = try self.scalarEnd(from: self.at)
            self.at = end
            return kind
        }
    }

    /// Not mutating, so that `at` of the caller may stay in a register; the same holds for `stringEnd` and `nestedEnd`.
    private func scalarEnd(from start: Int) throws(JSONFault) -> (JSONKind, Int) {
        var walk = self
        walk.at = start
        let kind = try walk.skipScalar()
        return (kind, walk.at)
    }

    /// A number, `true`, `false` or `null`.
    mutating func skipScalar() throws(JSONFault) -> JSONKind {
        switch self.byte {
        case UInt8(ascii: "t"):
            try self.skipWord("true")
            return .true
        case UInt8(ascii: "f"):
            try self.skipWord("false")
            return .false
        case UInt8(ascii: "n"):
            try self.skipWord("null")
            return .null
        default:
            try self.skipNumber()
            return .number
        }
    }

    @inline(__always)
    private mutating func skipWord(_ word: StaticString) throws(JSONFault) {
        // All words have four or five letters.
        let (count, text) = (word.utf8CodeUnitCount, UnsafeRawPointer(word.utf8Start))
        if self.end &- self.at >= count, count >= 4,
            self.base.loadUnaligned(fromByteOffset: self.at, as: UInt32.self) == text.loadUnaligned(as: UInt32.self),
            self.base.load(fromByteOffset: self.at &+ count &- 1, as: UInt8.self)
                == text.load(fromByteOffset: count &- 1, as: UInt8.self)
        {
            self.at &+= count
            return
        }
        for index in 0..<count { try self.expect(word.utf8Start[index]) }
    }

    private mutating func skipNumber() throws(JSONFault) {
        if self.byte == UInt8(ascii: "-") { self.at &+= 1 }
        if self.byte == UInt8(ascii: "0") {
            self.at &+= 1
        } else {
            try self.skipDigits()
        }
        if self.byte == UInt8(ascii: ".") {
            self.at &+= 1
            try self.skipDigits()
        }
        if self.byte | 0x20 == UInt8(ascii: "e") {
            self.at &+= 1
            if self.byte == UInt8(ascii: "+") || self.byte == UInt8(ascii: "-") { self.at &+= 1 }
            try self.skipDigits()
        }
    }

    /// One digit or more.
    @inline(__always)
    private mutating func skipDigits() throws(JSONFault) {
        guard JSONBytes.isDigit(self.byte) else { throw .malformed(at: self.at) }
        repeat { self.at &+= 1 } while JSONBytes.isDigit(self.byte)
    }

    /// Where an object or array ends of which only the brackets and the ends of strings are judged.
    ///
    /// One bit per open bracket tells its type: of `{ } [ ]` only the braces have bit 5 set. 64 levels lie in a
    /// register; a text with more is read again from the start by `deepNestedEnd`.
    private func nestedEnd(from start: Int, depthMax: Int) throws(JSONFault) -> Int {
        var at = start
        let (base, end) = (self.base, self.end)
        var depth = 0
        var levels: UInt64 = 0
        while at < end {
            let byte = base.load(fromByteOffset: at, as: UInt8.self)
            if byte == JSONBytes.quote {
                at = try Self.nestedStringEnd(base, from: at, to: end)
                // Mostly a colon or comma follows, and another string.
                if end &- at > 1 {
                    let next = base.load(fromByteOffset: at, as: UInt8.self)
                    if next == JSONBytes.colon || next == JSONBytes.comma { at &+= 1 }
                }
            } else if byte | 0x20 == 0x7b {
                guard depth < depthMax else { throw .tooDeep(at: at) }
                guard depth < 64 else { return try self.deepNestedEnd(from: start, depthMax: depthMax) }
                levels = levels &<< 1 | UInt64(byte &>> 5 & 1)
                depth &+= 1
                at &+= 1
            } else if byte | 0x20 == 0x7d {
                guard levels & 1 == UInt64(byte &>> 5 & 1) else { throw .malformed(at: at) }
                levels &>>= 1
                depth &-= 1
                at &+= 1
                if depth == 0 { return at }
            } else if byte <= JSONBytes.comma {
                at &+= 1
            } else {
                at = JSONBytes.structureStart(base, from: at &+ 1, to: end)
            }
        }
        throw .malformed(at: end)
    }

    /// `nestedEnd` for any depth: levels below the innermost 64 lie in an array.
    @inline(never)
    private func deepNestedEnd(from start: Int, depthMax: Int) throws(JSONFault) -> Int {
        var at = start
        var depth = 0
        var levels: UInt64 = 0
        var outer: [UInt64] = []
        while at < self.end {
            let byte = self.base.load(fromByteOffset: at, as: UInt8.self)
            if byte == JSONBytes.quote {
                at = try Self.nestedStringEnd(self.base, from: at, to: self.end)
                continue
            }
            if byte | 0x20 == 0x7b {
                guard depth < depthMax else { throw .tooDeep(at: at) }
                if depth & 63 == 0, depth > 0 { outer.append(levels) }
                levels = levels &<< 1 | UInt64(byte &>> 5 & 1)
                depth &+= 1
            } else if byte | 0x20 == 0x7d {
                guard levels & 1 == UInt64(byte &>> 5 & 1) else { throw .malformed(at: at) }
                levels &>>= 1
                depth &-= 1
                if depth == 0 { return at &+ 1 }
                if depth & 63 == 0 { levels = outer.removeLast() }
            }
            at &+= 1
        }
        throw .malformed(at: self.end)
    }

    /// From an opening quote to after the closing one.
    @inline(__always)
    private static func nestedStringEnd(
        _ base: UnsafeRawPointer, from start: Int, to end: Int
    ) throws(JSONFault) -> Int {
        var at = JSONBytes.plainEnd(base, from: start &+ 1, to: end)
        if at < end, base.load(fromByteOffset: at, as: UInt8.self) != JSONBytes.quote {
            at = try Self.looseStringEnd(base, from: at, to: end)
        }
        guard at < end else { throw .malformed(at: end) }
        return at &+ 1
    }

    /// From a byte inside of a string that is no plain one to its closing quote. A backslash hides any byte but a
    /// control byte.
    private static func looseStringEnd(
        _ base: UnsafeRawPointer, from start: Int, to end: Int
    ) throws(JSONFault) -> Int {
        var at = start
        while at < end {
            let byte = base.load(fromByteOffset: at, as: UInt8.self)
            if byte == JSONBytes.quote { return at }
            guard byte == JSONBytes.backslash, at &+ 1 < end,
                base.load(fromByteOffset: at &+ 1, as: UInt8.self) >= 0x20
            else { throw .malformed(at: at) }
            at = JSONBytes.plainEnd(base, from: at &+ 2, to: end)
        }
        throw .malformed(at: end)
    }
}

/// The grammar of `JSONTopLevel` as a machine that may stop after any byte. It keeps no text, only where it is.
struct JSONMachine: Sendable {
    enum State: UInt8, Sendable {
        /// Before the object.
        case start
        /// After the opening brace: a name or the closing brace.
        case firstKey
        /// After a comma: a name.
        case nextKey
        case inKey
        case colon
        case valueStart
        case inString
        case inWord
        case inNumber
        /// Inside of an object or array that is a value; `inNestedString` is a string in there.
        case inNested
        case inNestedString
        /// After a value: a comma or the closing brace.
        case afterValue
        case done
    }

    /// Why `run` returned. Places are the value of `at`.
    enum Stop {
        case needMore
        /// `at` is the opening quote, or the first byte of the value; nothing was stepped over yet.
        case keyStarts, valueStarts
        /// `at` is just after it.
        case keyEnds, valueEnds
        case malformed
    }

    private enum Escape {
        static let none: UInt8 = 0
        /// After a backslash. 1…4 are hexadecimal digits to come.
        static let letter: UInt8 = 5
    }

    private(set) var state = State.start
    private var escape = Escape.none
    private var word: StaticString = "true"
    private var wordAt = 0
    private var number = JSONNumberMachine()
    private var depth = 0
    private var levels: UInt64 = 0
    private var outer: [UInt64] = []

    var isInKey: Bool { self.state == .inKey }

    var isInValue: Bool {
        switch self.state {
        case .inString, .inWord, .inNumber, .inNested, .inNestedString: true
        default: false
        }
    }

    /// Reads on from `at` until something is to be told or the chunk ends.
    mutating func run(_ base: UnsafeRawPointer, _ at: inout Int, _ end: Int) -> Stop {
        while at < end {
            let stop: Stop
            switch self.state {
            case .inKey, .inString: stop = self.runString(base, &at, end)
            case .inNested, .inNestedString: stop = self.runNested(base, &at, end)
            case .inWord: stop = self.runWord(base, &at, end)
            case .inNumber: stop = self.runNumber(base, &at, end)
            default: stop = self.step(base.load(fromByteOffset: at, as: UInt8.self), &at)
            }
            if case .needMore = stop { continue }
            return stop
        }
        return .needMore
    }

    /// One byte between names and values.
    private mutating func step(_ byte: UInt8, _ at: inout Int) -> Stop {
        if JSONBytes.isSpace(byte) {
            at += 1
            return .needMore
        }
        switch (self.state, byte) {
        case (.firstKey, JSONBytes.quote), (.nextKey, JSONBytes.quote): return self.beginKey(&at)
        case (.valueStart, _): return self.beginValue(byte, &at)
        case (.start, JSONBytes.openBrace): self.state = .firstKey
        case (.colon, JSONBytes.colon): self.state = .valueStart
        case (.afterValue, JSONBytes.comma): self.state = .nextKey
        case (.afterValue, JSONBytes.closeBrace), (.firstKey, JSONBytes.closeBrace): self.state = .done
        default: return .malformed
        }
        at += 1
        return .needMore
    }

    private mutating func beginKey(_ at: inout Int) -> Stop {
        self.state = .inKey
        self.isOpening = true
        return .keyStarts
    }

    /// The opening quote of a string is told before it is read.
    private var isOpening = false

    private mutating func beginValue(_ byte: UInt8, _ at: inout Int) -> Stop {
        switch byte {
        case JSONBytes.quote:
            self.state = .inString
            self.isOpening = true
        case JSONBytes.openBrace, UInt8(ascii: "["): self.state = .inNested
        case UInt8(ascii: "t"): self.beginWord("true")
        case UInt8(ascii: "f"): self.beginWord("false")
        case UInt8(ascii: "n"): self.beginWord("null")
        default:
            self.number = JSONNumberMachine()
            self.state = .inNumber
        }
        return .valueStarts
    }

    private mutating func beginWord(_ word: StaticString) {
        self.word = word
        self.wordAt = 0
        self.state = .inWord
    }

    private mutating func runWord(_ base: UnsafeRawPointer, _ at: inout Int, _ end: Int) -> Stop {
        while at < end {
            guard base.load(fromByteOffset: at, as: UInt8.self) == self.word.utf8Start[self.wordAt] else {
                return .malformed
            }
            at += 1
            self.wordAt += 1
            if self.wordAt == self.word.utf8CodeUnitCount { return self.endValue() }
        }
        return .needMore
    }

    private mutating func runNumber(_ base: UnsafeRawPointer, _ at: inout Int, _ end: Int) -> Stop {
        while at < end {
            switch self.number.step(base.load(fromByteOffset: at, as: UInt8.self)) {
            case .goesOn: at += 1
            case .endsBefore: return self.endValue()
            case .malformed: return .malformed
            }
        }
        return .needMore
    }

    private mutating func endValue() -> Stop {
        self.state = .afterValue
        return .valueEnds
    }

    /// A name, or a string that is a top-level value: the grammar of its escapes is judged.
    private mutating func runString(_ base: UnsafeRawPointer, _ at: inout Int, _ end: Int) -> Stop {
        if self.isOpening {
            self.isOpening = false
            at += 1
        }
        while at < end {
            if self.escape != Escape.none {
                guard self.stepEscape(base.load(fromByteOffset: at, as: UInt8.self)) else { return .malformed }
                at += 1
                continue
            }
            at = JSONBytes.plainEnd(base, from: at, to: end)
            guard at < end else { break }
            let byte = base.load(fromByteOffset: at, as: UInt8.self)
            at += 1
            if byte == JSONBytes.quote {
                guard self.state == .inKey else { return self.endValue() }
                self.state = .colon
                return .keyEnds
            }
            guard byte == JSONBytes.backslash else { return .malformed }
            self.escape = Escape.letter
        }
        return .needMore
    }

    private mutating func stepEscape(_ byte: UInt8) -> Bool {
        if self.escape == Escape.letter {
            self.escape = byte == UInt8(ascii: "u") ? 4 : Escape.none
            return JSONBytes.isEscapeLetter(byte)
        }
        self.escape -= 1
        return JSONBytes.hexValue(byte) != nil
    }

    private mutating func runNested(_ base: UnsafeRawPointer, _ at: inout Int, _ end: Int) -> Stop {
        while at < end {
            if self.state == .inNestedString {
                guard self.runNestedString(base, &at, end) else { return .malformed }
                continue
            }
            let byte = base.load(fromByteOffset: at, as: UInt8.self)
            at &+= 1
            if byte == JSONBytes.quote {
                let stop = JSONBytes.plainEnd(base, from: at, to: end)
                if stop < end, base.load(fromByteOffset: stop, as: UInt8.self) == JSONBytes.quote {
                    at = stop &+ 1
                } else {
                    self.state = .inNestedString
                }
            } else if byte | 0x20 == 0x7b {
                guard self.push(byte) else { return .malformed }
            } else if byte | 0x20 == 0x7d {
                guard self.pop(byte) else { return .malformed }
                if self.depth == 0 { return self.endValue() }
            }
        }
        return .needMore
    }

    /// - Returns: false for a raw control byte.
    private mutating func runNestedString(_ base: UnsafeRawPointer, _ at: inout Int, _ end: Int) -> Bool {
        if self.escape != Escape.none {
            guard base.load(fromByteOffset: at, as: UInt8.self) >= 0x20 else { return false }
            self.escape = Escape.none
            at += 1
        }
        at = JSONBytes.plainEnd(base, from: at, to: end)
        guard at < end else { return true }
        switch base.load(fromByteOffset: at, as: UInt8.self) {
        case JSONBytes.quote: self.state = .inNested
        case JSONBytes.backslash: self.escape = Escape.letter
        default: return false
        }
        at += 1
        return true
    }

    /// One bit per open bracket tells its type, as in `JSONWalk`.
    private mutating func push(_ byte: UInt8) -> Bool {
        guard self.depth < JSONTopLevel.depthMax - 1 else { return false }
        if self.depth & 63 == 0, self.depth > 0 { self.outer.append(self.levels) }
        self.levels = self.levels << 1 | UInt64(byte >> 5 & 1)
        self.depth += 1
        return true
    }

    private mutating func pop(_ byte: UInt8) -> Bool {
        guard self.levels & 1 == UInt64(byte >> 5 & 1) else { return false }
        self.levels >>= 1
        self.depth -= 1
        if self.depth & 63 == 0, self.depth > 0 { self.levels = self.outer.removeLast() }
        return true
    }
}

/// The grammar of a number (RFC 8259, 6), byte by byte.
struct JSONNumberMachine: Sendable {
    enum Step {
        case goesOn, endsBefore, malformed
    }

    private enum State: UInt8 {
        case start, minus, zero, integer, point, fraction, exponent, exponentSign, exponentDigits
    }

    private var state = State.start

    mutating func step(_ byte: UInt8) -> Step {
        let isDigit = JSONBytes.isDigit(byte)
        switch self.state {
        case .start where byte == UInt8(ascii: "-"): self.state = .minus
        case .start, .minus:
            guard isDigit else { return .malformed }
            self.state = byte == UInt8(ascii: "0") ? .zero : .integer
        case .integer where isDigit, .fraction where isDigit, .exponentDigits where isDigit: break
        case .zero where byte == UInt8(ascii: "."), .integer where byte == UInt8(ascii: "."): self.state = .point
        case .zero where byte | 0x20 == 0x65, .integer where byte | 0x20 == 0x65, .fraction where byte | 0x20 == 0x65:
            self.state = .exponent
        case .exponent where byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-"): self.state = .exponentSign
        case .point:
            guard isDigit else { return .malformed }
            self.state = .fraction
        case .exponent, .exponentSign:
            guard isDigit else { return .malformed }
            self.state = .exponentDigits
        case .zero, .integer, .fraction, .exponentDigits: return .endsBefore
        }
        return .goesOn
    }
}

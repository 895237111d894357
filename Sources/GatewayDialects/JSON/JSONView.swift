import GatewayWire

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Reads JSON in place: no copy, no allocation, no judgement of what is stepped over.
///
/// It is for what `JSONTopLevel` is not made for: members at several depths of a text of which every byte is passed on
/// whatever it is. On broken text a walk ends early; it never reads outside.
struct JSONView {
    let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    func members(of place: Range<Int>) -> ObjectWalk { ObjectWalk(view: self, place: place) }
    func elements(of place: Range<Int>) -> ArrayWalk { ArrayWalk(view: self, place: place) }

    /// The first member under that name; linear in the object.
    func member(_ name: StaticString, of place: Range<Int>) -> JSONMember? {
        var walk = self.members(of: place)
        while let member = walk.next() {
            if self.isText(member.key, name) { return member }
        }
        return nil
    }

    /// Whether the string literal at `place` (with its quotes) says `text`, escapes considered.
    @inline(__always)
    func isText(_ place: Range<Int>, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        let surplus = place.upperBound &- place.lowerBound &- count &- 2
        if surplus == 0 {
            guard let base = self.bytes.baseAddress else { return false }
            return memcmp(base + place.lowerBound + 1, text.utf8Start, count) == 0
        }
        // The names looked for hold nothing that can be escaped but as `\uXXXX`, which is five bytes longer.
        guard surplus >= 5, UInt(bitPattern: surplus) % 5 == 0 else { return false }
        return self.isEscapedText(place, text)
    }

    @inline(never)
    private func isEscapedText(_ place: Range<Int>, _ text: StaticString) -> Bool {
        guard place.count <= 6 * text.utf8CodeUnitCount + 2, self.hasEscape(place) else { return false }
        guard let decoded = self.string(place) else { return false }
        return decoded == text.description
    }

    func hasEscape(_ place: Range<Int>) -> Bool {
        guard let base = self.bytes.baseAddress, !place.isEmpty else { return false }
        return memchr(base + place.lowerBound, 0x5C, place.count) != nil
    }

    /// Whether there is nothing between the brackets.
    func isEmptyContainer(_ place: Range<Int>) -> Bool {
        var steps = JSONSteps(bytes: self.bytes, at: place.lowerBound + 1, end: place.upperBound)
        steps.skipSpace()
        return steps.at >= place.upperBound - 1
    }

    /// How many bytes of UTF-8 the string literal at `place` stands for.
    func textBytes(_ place: Range<Int>) -> Int64 {
        guard place.count > 2, let base = self.bytes.baseAddress else { return 0 }
        let inside = base + place.lowerBound + 1
        return JSONString(start: inside, count: place.count - 2, hasEscape: self.hasEscape(place)).textBytes
    }

    func string(_ place: Range<Int>) -> String? {
        JSONText.string(UnsafeRawBufferPointer(rebasing: self.bytes[place]))
    }

    func integer(_ member: JSONMember) -> Int64? {
        guard member.kind == .number else { return nil }
        return JSONText.integer(UnsafeRawBufferPointer(rebasing: self.bytes[member.value]))
    }
}

/// The members of one object, in order.
struct ObjectWalk {
    private var steps: JSONSteps
    private var isOpen: Bool

    init(view: JSONView, place: Range<Int>) {
        self.steps = JSONSteps(bytes: view.bytes, at: place.lowerBound, end: place.upperBound)
        self.isOpen = self.steps.take(UInt8(ascii: "{"))
    }

    mutating func next() -> JSONMember? {
        guard self.isOpen else { return nil }
        self.isOpen = false
        self.steps.skipSpace()
        _ = self.steps.take(UInt8(ascii: ","))
        self.steps.skipSpace()
        guard let key = self.steps.string() else { return nil }
        self.steps.skipSpace()
        guard self.steps.take(UInt8(ascii: ":")) else { return nil }
        self.steps.skipSpace()
        guard let value = self.steps.value() else { return nil }
        self.isOpen = true
        return JSONMember(kind: value.kind, key: key, value: value.place)
    }
}

/// The elements of one array, in order.
struct ArrayWalk {
    private var steps: JSONSteps
    private var isOpen: Bool

    /// After the last element: nothing but the closing bracket is left, so that no element was missed.
    var isAtEnd: Bool { self.steps.at == self.steps.end - 1 && self.steps.peek() == UInt8(ascii: "]") }

    init(view: JSONView, place: Range<Int>) {
        self.steps = JSONSteps(bytes: view.bytes, at: place.lowerBound, end: place.upperBound)
        self.isOpen = self.steps.take(UInt8(ascii: "["))
    }

    mutating func next() -> (kind: JSONKind, place: Range<Int>)? {
        guard self.isOpen else { return nil }
        self.isOpen = false
        self.steps.skipSpace()
        _ = self.steps.take(UInt8(ascii: ","))
        self.steps.skipSpace()
        guard let value = self.steps.value() else { return nil }
        self.isOpen = true
        return value
    }
}

/// Every member at every depth, in the order of the text; linear, without a stack.
struct MemberWalk {
    private var steps: JSONSteps

    init(view: JSONView, place: Range<Int>) {
        self.steps = JSONSteps(bytes: view.bytes, at: place.lowerBound, end: place.upperBound)
    }

    /// The next member; the walk goes on inside of its value.
    mutating func next() -> (key: Range<Int>, value: Int)? {
        while self.steps.skipToQuote() {
            guard let string = self.steps.string() else { return nil }
            self.steps.skipSpace()
            guard self.steps.take(UInt8(ascii: ":")) else { continue }
            self.steps.skipSpace()
            return (string, self.steps.at)
        }
        return nil
    }

    /// Steps over the value of the member that `next` gave last.
    mutating func skipValue() -> (kind: JSONKind, place: Range<Int>)? { self.steps.value() }
}

/// The single steps of a walk.
struct JSONSteps {
    let bytes: UnsafeRawBufferPointer
    var at: Int
    let end: Int

    init(bytes: UnsafeRawBufferPointer, at: Int, end: Int) {
        self.bytes = bytes
        self.at = at
        self.end = min(end, bytes.count)
    }

    @inline(__always)
    func peek() -> UInt8? { self.at < self.end ? self.bytes[self.at] : nil }

    @inline(__always)
    mutating func skipSpace() {
        while self.at < self.end {
            let byte = self.bytes[self.at]
            // Mostly there is none.
            if byte > 0x20 { return }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            self.at += 1
        }
    }

    @inline(__always)
    mutating func take(_ byte: UInt8) -> Bool {
        guard self.at < self.end, self.bytes[self.at] == byte else { return false }
        self.at += 1
        return true
    }

    mutating func skipToQuote() -> Bool {
        guard self.at < self.end, let base = self.bytes.baseAddress else { return false }
        guard let found = memchr(base + self.at, 0x22, self.end - self.at) else { return false }
        self.at = UnsafeRawPointer(found) - base
        return true
    }

    /// The string literal that starts here, with its quotes.
    mutating func string() -> Range<Int>? {
        guard self.peek() == 0x22, let base = self.bytes.baseAddress else { return nil }
        let start = self.at
        guard let end = JSONBytes.stringEnd(base, from: start, to: self.end) else {
            self.at = self.end
            return nil
        }
        self.at = end
        return start..<end
    }

    /// The value that starts here.
    mutating func value() -> (kind: JSONKind, place: Range<Int>)? {
        guard let first = self.peek() else { return nil }
        let start = self.at
        switch first {
        case 0x22:
            guard let place = self.string() else { return nil }
            return (.string, place)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard self.skipContainer() else { return nil }
            return (first == UInt8(ascii: "{") ? .object : .array, start..<self.at)
        default:
            while let byte = self.peek(), !Self.endsScalar(byte) { self.at += 1 }
            guard self.at > start else { return nil }
            return (Self.kind(ofScalar: first), start..<self.at)
        }
    }

    private mutating func skipContainer() -> Bool {
        guard let base = self.bytes.baseAddress else { return false }
        let end = JSONBytes.containerEnd(base, from: self.at, to: self.end)
        self.at = end ?? self.end
        return end != nil
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    static func endsScalar(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
            || byte == UInt8(ascii: ":") || byte == 0x22
    }

    private static func kind(ofScalar first: UInt8) -> JSONKind {
        switch first {
        case UInt8(ascii: "t"): .true
        case UInt8(ascii: "f"): .false
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }
}

/// Decoding of single JSON values in place, and writing of strings.
///
/// Every reader takes the bytes of one value as the scanners hand them out, without white space around it.
public enum JSONText {
    /// The text of a string literal (with its quotes): `nil` unless it is a JSON string by RFC 8259 and valid UTF-8.
    /// Half of a surrogate pair is refused, not replaced, and so is a raw control byte.
    public static func string(_ literal: UnsafeRawBufferPointer) -> String? {
        guard literal.count >= 2, literal[0] == JSONBytes.quote, literal[literal.count - 1] == JSONBytes.quote,
            let base = literal.baseAddress
        else { return nil }
        let inside = UnsafeRawBufferPointer(rebasing: literal[1..<literal.count - 1])
        if JSONBytes.plainEnd(base, from: 1, to: literal.count - 1) == literal.count - 1 {
            // ASCII needs no validation, and this initializer is no generic one at run time.
            if JSONBytes.isASCII(base, from: 1, to: literal.count - 1) {
                return String(decoding: inside.bindMemory(to: UInt8.self), as: UTF8.self)
            }
            return String(validating: inside, as: UTF8.self)
        }
        guard let bytes = JSONBytes.unescape(inside) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The value of a number that is integral, however it is written (`12`, `-0`, `1e3`, `2.0`): `nil` for anything
    /// else and for what does not fit in 64 bits. Exact; no floating point is involved.
    public static func integer(_ literal: UnsafeRawBufferPointer) -> Int64? {
        guard let base = literal.baseAddress else { return nil }
        if let value = Self.plainInteger(base, literal.count) { return value }
        var walk = JSONWalk(base: base, end: literal.count, at: 0)
        guard let kind = try? walk.skipScalar(), kind == .number, walk.at == literal.count else { return nil }
        return Self.integral(literal)
    }

    /// The common form: one to eighteen digits, which always fit, and nothing else. `nil` says nothing.
    @inline(__always)
    private static func plainInteger(_ base: UnsafeRawPointer, _ count: Int) -> Int64? {
        guard count &- 1 < 18, count > 0 else { return nil }
        // A zero before other digits is no number at all.
        guard count == 1 || base.load(as: UInt8.self) != UInt8(ascii: "0") else { return nil }
        var value: Int64 = 0
        for index in 0..<count {
            let digit = base.load(fromByteOffset: index, as: UInt8.self) &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value &* 10 &+ Int64(digit)
        }
        return value
    }

    /// `literal` is a number by the grammar: sign, digits, fraction, exponent.
    private static func integral(_ literal: UnsafeRawBufferPointer) -> Int64? {
        let isNegative = literal[0] == UInt8(ascii: "-")
        var at = isNegative ? 1 : 0
        var value: Int64 = 0
        // Zeros count only once a digit other than zero follows, so `1.0` and `10e-1` need no wider arithmetic.
        var zeros = 0
        var fractionDigits = 0
        var isFraction = false
        while at < literal.count, literal[at] | 0x20 != UInt8(ascii: "e") {
            if literal[at] == UInt8(ascii: ".") {
                isFraction = true
            } else {
                fractionDigits += isFraction ? 1 : 0
                if literal[at] == UInt8(ascii: "0") {
                    zeros += value == 0 ? 0 : 1
                } else {
                    guard let shifted = Self.scaled(value, by: zeros + 1) else { return nil }
                    zeros = 0
                    let digit = Int64(literal[at] - UInt8(ascii: "0"))
                    let (sum, overflow) =
                        isNegative
                        ? shifted.subtractingReportingOverflow(digit) : shifted.addingReportingOverflow(digit)
                    guard !overflow else { return nil }
                    value = sum
                }
            }
            at += 1
        }
        if value == 0 { return 0 }
        guard let exponent = Self.exponent(literal, at: at) else { return nil }
        // All three are at most the count of bytes of the text, or within ±10¹².
        let scale = exponent - fractionDigits + zeros
        return scale < 0 ? nil : Self.scaled(value, by: scale)
    }

    private static func scaled(_ value: Int64, by powerOfTen: Int) -> Int64? {
        if value == 0 { return 0 }
        guard powerOfTen <= 19 else { return nil }
        var result = value
        for _ in 0..<powerOfTen {
            let (product, overflow) = result.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            result = product
        }
        return result
    }

    /// The exponent whose `e` stands at `at`; 0 without one, `nil` beyond ±10¹².
    private static func exponent(_ literal: UnsafeRawBufferPointer, at: Int) -> Int? {
        guard at < literal.count else { return 0 }
        var value = 0
        for byte in literal[(at + 1)...] where JSONBytes.isDigit(byte) {
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
            guard value <= 1_000_000_000_000 else { return nil }
        }
        return literal[at + 1] == UInt8(ascii: "-") ? -value : value
    }

    /// Whether the value is that word, byte for byte.
    public static func isTrue(_ literal: UnsafeRawBufferPointer) -> Bool { Self.isWord(literal, "true") }
    /// Whether the value is that word, byte for byte.
    public static func isFalse(_ literal: UnsafeRawBufferPointer) -> Bool { Self.isWord(literal, "false") }
    /// Whether the value is that word, byte for byte.
    public static func isNull(_ literal: UnsafeRawBufferPointer) -> Bool { Self.isWord(literal, "null") }

    private static func isWord(_ literal: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        literal.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    /// The string literal with its quotes. Only what must be escaped is: quote, backslash and control bytes.
    public static func quote(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 2)
        Self.appendQuoted(text, to: &bytes)
        return bytes
    }

    /// Appends what `quote` gives.
    public static func appendQuoted(_ text: String, to bytes: inout [UInt8]) {
        var text = text
        bytes.append(JSONBytes.quote)
        text.withUTF8 { Self.appendEscaped(UnsafeRawBufferPointer($0), to: &bytes) }
        bytes.append(JSONBytes.quote)
    }

    /// Appends UTF-8 `text` as it stands inside of a string literal, without quotes.
    public static func appendEscaped(_ text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        guard let base = text.baseAddress else { return }
        var at = 0
        while at < text.count {
            let stop = JSONBytes.plainEnd(base, from: at, to: text.count)
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[at..<stop]))
            guard stop < text.count else { return }
            Self.appendEscape(of: text[stop], to: &bytes)
            at = stop + 1
        }
    }

    private static func appendEscape(of byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(JSONBytes.backslash)
        switch byte {
        case JSONBytes.quote, JSONBytes.backslash: bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0a: bytes.append(UInt8(ascii: "n"))
        case 0x0c: bytes.append(UInt8(ascii: "f"))
        case 0x0d: bytes.append(UInt8(ascii: "r"))
        default:
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(byte < 0x10 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
            let low = byte & 0x0f
            bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        }
    }
}

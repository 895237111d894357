/// A field value of the form `type; name=value; name="value"`, as `Content-Type` and `Content-Disposition` are.
struct MIMEParameters {
    struct Parameter {
        /// Lower case.
        var name: [UInt8]
        /// Without quotes, otherwise as it is written.
        var value: [UInt8]
        var hasBackslash: Bool
    }

    /// Lower case.
    let type: [UInt8]
    private(set) var parameters: [Parameter] = []

    /// `nil` when the grammar is broken, a parameter is given twice, or a quote is escaped: recipients disagree about
    /// where such a value ends (RFC 7578, 2 and HTML's percent-encoding against RFC 2045), and nobody must read another
    /// name in it than we do.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var at = Self.skipSpace(bytes, 0)
        let typeEnd = Self.tokenEnd(bytes, at, alsoSlash: true)
        guard typeEnd > at else { return nil }
        self.type = bytes[at..<typeEnd].map(Self.lowered)
        at = Self.skipSpace(bytes, typeEnd)
        while at < bytes.count {
            guard bytes[at] == UInt8(ascii: ";") else { return nil }
            at = Self.skipSpace(bytes, at + 1)
            guard at < bytes.count else { break }
            guard let parameter = Self.parameter(bytes, &at),
                !self.parameters.contains(where: { $0.name == parameter.name })
            else { return nil }
            self.parameters.append(parameter)
            at = Self.skipSpace(bytes, at)
        }
    }

    func isType(_ type: StaticString) -> Bool {
        self.type.elementsEqual(UnsafeBufferPointer(start: type.utf8Start, count: type.utf8CodeUnitCount))
    }

    subscript(name: String) -> Parameter? { self.parameters.first { $0.name.elementsEqual(name.utf8) } }

    private static func parameter(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> Parameter? {
        let nameEnd = Self.tokenEnd(bytes, at, alsoSlash: false)
        guard nameEnd > at, nameEnd + 1 < bytes.count, bytes[nameEnd] == UInt8(ascii: "=") else { return nil }
        let name = bytes[at..<nameEnd].map(Self.lowered)
        at = nameEnd + 1
        if bytes[at] != UInt8(ascii: "\"") {
            let end = Self.tokenEnd(bytes, at, alsoSlash: false)
            guard end > at else { return nil }
            defer { at = end }
            return Parameter(name: name, value: Array(bytes[at..<end]), hasBackslash: false)
        }
        let from = at + 1
        var hasBackslash = false
        at = from
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
            if bytes[at] == UInt8(ascii: "\\") {
                guard at + 1 < bytes.count, bytes[at + 1] != UInt8(ascii: "\"") else { return nil }
                hasBackslash = true
            }
            guard bytes[at] >= 0x20 || bytes[at] == 0x09, bytes[at] != 0x7f else { return nil }
            at += 1
        }
        guard at < bytes.count else { return nil }
        at += 1
        return Parameter(name: name, value: Array(bytes[from..<at - 1]), hasBackslash: hasBackslash)
    }

    private static func skipSpace(_ bytes: UnsafeRawBufferPointer, _ from: Int) -> Int {
        var at = from
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
        return at
    }

    /// RFC 9110, 5.6.2.
    private static func tokenEnd(_ bytes: UnsafeRawBufferPointer, _ from: Int, alsoSlash: Bool) -> Int {
        var at = from
        while at < bytes.count, Self.isTokenByte(bytes[at]) || (alsoSlash && bytes[at] == UInt8(ascii: "/")) { at += 1 }
        return at
    }

    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e, 0x5f, 0x60, 0x7c, 0x7e: true
        default: false
        }
    }

    static func lowered(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
}

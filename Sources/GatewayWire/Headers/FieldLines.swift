/// The fields of a head that the gateway makes itself, as the lines they are on the wire: `name: value` and CRLF each.
///
/// One growing block of bytes, so that HTTP/1 sends it with one copy. Names are in lower case, values come from our own
/// code, from checked configuration or from fields that a strict parser has read: none can hold a line break.
public struct FieldLines: Sendable {
    public private(set) var bytes: [UInt8] = []

    @inlinable public init() {}

    /// Empties it and keeps its memory when nobody else holds it.
    public mutating func removeAll() {
        self.bytes.removeAll(keepingCapacity: true)
    }

    public mutating func append(_ id: HeaderID, _ value: UnsafeRawBufferPointer) {
        self.bytes.append(contentsOf: HeaderTable.shared.prefixes[Int(id.rawValue)])
        self.bytes.append(contentsOf: value)
        self.endLine()
    }

    public mutating func append(_ id: HeaderID, _ value: String) {
        self.bytes.append(contentsOf: HeaderTable.shared.prefixes[Int(id.rawValue)])
        self.text(value)
        self.endLine()
    }

    /// - Parameter name: with its colon and space: `x-penstock-model: `.
    public mutating func append(_ name: StaticString, _ value: String) {
        self.literal(name)
        self.text(value)
        self.endLine()
    }

    /// - Parameter name: with its colon and space.
    public mutating func append(_ name: StaticString, decimal value: UInt64) {
        self.literal(name)
        self.decimal(value)
        self.endLine()
    }

    /// Whole lines that were prepared elsewhere.
    public mutating func append(lines: UnsafeRawBufferPointer) {
        self.bytes.append(contentsOf: lines)
    }

    public mutating func append(lines: [UInt8]) {
        self.bytes.append(contentsOf: lines)
    }

    /// The first value under that name (lower case). Off the hot path.
    public func text(named name: String) -> String? {
        for line in String(decoding: self.bytes, as: UTF8.self).split(separator: "\r\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0] == name { return String(parts[1].drop { $0 == " " }) }
        }
        return nil
    }

    private mutating func literal(_ text: StaticString) {
        self.bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func text(_ value: String) {
        var value = value
        value.withUTF8 { self.bytes.append(contentsOf: $0) }
    }

    private mutating func decimal(_ value: UInt64) {
        if value < 10 { return self.bytes.append(0x30 + UInt8(truncatingIfNeeded: value)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var place = 20
            var rest = value
            while rest > 0 {
                place -= 1
                digits[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            self.bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[place...]))
        }
    }

    private mutating func endLine() {
        self.bytes.append(0x0d)
        self.bytes.append(0x0a)
    }
}

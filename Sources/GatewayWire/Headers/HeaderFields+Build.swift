/// For heads that the gateway makes itself. Values come from our own code, from checked configuration or from fields
/// that a strict parser has read: none can hold a line break.
extension HeaderFields {
    /// One memory copy of name and value each.
    public mutating func append(_ id: HeaderID, _ value: UnsafeRawBufferPointer) {
        let nameStart = Int32(truncatingIfNeeded: self.bytes.count)
        self.bytes.append(contentsOf: HeaderTable.shared.names[Int(id.rawValue)])
        self.append(id, nameStart: nameStart, value)
    }

    public mutating func append(_ id: HeaderID, _ value: String) {
        var value = value
        value.withUTF8 { self.append(id, UnsafeRawBufferPointer($0)) }
    }

    /// For names that have no id of their own.
    public mutating func append(name: StaticString, _ value: UnsafeRawBufferPointer) {
        let nameStart = Int32(truncatingIfNeeded: self.bytes.count)
        self.bytes.append(
            contentsOf: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        self.append(.other, nameStart: nameStart, value)
    }

    public mutating func append(name: StaticString, _ value: String) {
        var value = value
        value.withUTF8 { self.append(name: name, UnsafeRawBufferPointer($0)) }
    }

    /// Field lines in the form `name: value`, each ended by CRLF, as prepared elsewhere.
    public mutating func append(lines: UnsafeRawBufferPointer) {
        var start = 0
        while start < lines.count {
            var end = start
            while end < lines.count, lines[end] != 0x0d { end += 1 }
            if let colon = lines[start..<end].firstIndex(of: 0x3a) {
                let nameStart = Int32(truncatingIfNeeded: self.bytes.count)
                self.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: lines[start..<colon]))
                let valueStart = min(colon + 2, end)
                self.append(.other, nameStart: nameStart, UnsafeRawBufferPointer(rebasing: lines[valueStart..<end]))
            }
            start = end + 2
        }
    }

    private mutating func append(_ id: HeaderID, nameStart: Int32, _ value: UnsafeRawBufferPointer) {
        let valueStart = Int32(truncatingIfNeeded: self.bytes.count)
        self.bytes.append(contentsOf: value)
        let end = Int32(truncatingIfNeeded: self.bytes.count)
        self.fields.append(.init(id: id, name: nameStart..<valueStart, value: valueStart..<end))
    }
}

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

    private mutating func append(_ id: HeaderID, nameStart: Int32, _ value: UnsafeRawBufferPointer) {
        let valueStart = Int32(truncatingIfNeeded: self.bytes.count)
        self.bytes.append(contentsOf: value)
        let end = Int32(truncatingIfNeeded: self.bytes.count)
        self.fields.append(.init(id: id, name: nameStart..<valueStart, value: valueStart..<end))
    }
}

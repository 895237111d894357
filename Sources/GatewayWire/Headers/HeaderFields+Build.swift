/// For heads that the gateway makes itself. Values come from our own code, from checked configuration or from fields
/// that a strict parser has read: none can hold a line break.
extension HeaderFields {
    public mutating func append(_ id: HeaderID, _ value: UnsafeRawBufferPointer) {
        self.append(id, name: HeaderTable.shared.names[Int(id.rawValue)], value)
    }

    public mutating func append(_ id: HeaderID, _ value: String) {
        var value = value
        value.withUTF8 { self.append(id, UnsafeRawBufferPointer($0)) }
    }
}

/// For heads that the gateway makes itself. Values come from our own code, from checked configuration or from fields
/// that a strict parser has read: none can hold a line break.
extension HeaderFields {
    /// Adds a field under its name in lower case. Copies the whole head, as every `append`.
    ///
    /// - Parameter id: not `other`, which has no name.
    public mutating func append(_ id: HeaderID, _ value: UnsafeRawBufferPointer) {
        self.append(id, name: HeaderTable.shared.names[Int(id.rawValue)], value)
    }

    /// Adds a field whose value is that text in UTF-8. `id` as above.
    public mutating func append(_ id: HeaderID, _ value: String) {
        var value = value
        value.withUTF8 { self.append(id, UnsafeRawBufferPointer($0)) }
    }
}

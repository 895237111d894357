/// The header fields of one message, in order, as they came: one block of bytes and a table of places in it.
///
/// Two allocations per message whatever the number of fields, none when the value is reused.
public struct HeaderFields: Sendable {
    /// One field. Places are offsets into `bytes`; a value has no white space around it.
    public struct Field: Sendable {
        public var id: HeaderID
        public var name: Range<Int32>
        public var value: Range<Int32>

        @inlinable public init(id: HeaderID, name: Range<Int32>, value: Range<Int32>) {
            self.id = id
            self.name = name
            self.value = value
        }
    }

    public var bytes: [UInt8]
    public var fields: [Field]

    @inlinable public init() {
        self.bytes = []
        self.fields = []
    }

    /// Empties both tables and keeps their memory when nobody else holds them.
    @inlinable public mutating func removeAll() {
        self.bytes.removeAll(keepingCapacity: true)
        self.fields.removeAll(keepingCapacity: true)
    }

    /// For heads made by hand. The name is classified; neither name nor value is checked.
    public mutating func append(_ name: String, _ value: String) {
        let nameStart = Int32(self.bytes.count)
        self.bytes.append(contentsOf: name.utf8)
        let valueStart = Int32(self.bytes.count)
        self.bytes.append(contentsOf: value.utf8)
        let id = name.utf8.withContiguousStorageIfAvailable { HeaderID(name: UnsafeRawBufferPointer($0)) }
        self.fields.append(
            .init(
                id: id ?? HeaderID(name: Array(name.utf8)), name: nameStart..<valueStart,
                value: valueStart..<Int32(self.bytes.count)))
    }

    /// The first field with that id.
    @inlinable public func first(_ id: HeaderID) -> Field? {
        for field in self.fields where field.id == id { return field }
        return nil
    }

    @inlinable public func contains(_ id: HeaderID) -> Bool { self.first(id) != nil }

    public func count(_ id: HeaderID) -> Int {
        self.fields.reduce(0) { $1.id == id ? $0 + 1 : $0 }
    }

    /// Calls `body` with the value's bytes in place; `nil` without such a field.
    @inlinable public func withValue<R>(_ id: HeaderID, _ body: (UnsafeRawBufferPointer) -> R) -> R? {
        guard let field = self.first(id) else { return nil }
        return self.withBytes(field.value, body)
    }

    @inlinable public func withBytes<R>(_ place: Range<Int32>, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        self.bytes.withUnsafeBytes { all in
            body(UnsafeRawBufferPointer(rebasing: all[Int(place.lowerBound)..<Int(place.upperBound)]))
        }
    }

    /// A copy as text; bytes that are no UTF-8 become U+FFFD. Off the hot path.
    public func text(_ place: Range<Int32>) -> String {
        String(decoding: self.bytes[Int(place.lowerBound)..<Int(place.upperBound)], as: UTF8.self)
    }

    /// The first value with that id as text. Off the hot path.
    public func text(_ id: HeaderID) -> String? { self.first(id).map { self.text($0.value) } }

    /// The first value under that name (lower case), for names chosen by configuration. Off the hot path.
    public func text(named name: String) -> String? {
        self.fields.first { self.text($0.name).lowercased() == name }.map { self.text($0.value) }
    }
}

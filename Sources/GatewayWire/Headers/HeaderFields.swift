/// The header fields of one message, in order, as they came: one block of bytes and a table of places in it.
///
/// One allocation per message whatever the number of fields; handing it on costs one count. It is made whole; `append`
/// makes it anew and is for heads of few fields that are made by hand.
// SAFETY: nobody writes to a block after it was made; the value is replaced, never its block changed.
public struct HeaderFields: @unchecked Sendable {
    /// One field. `id` is its name if that is a known one, else `other`; `name` and `value` are places in `bytes`, the
    /// name in the case in which it came, the value without white space around it.
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

    @usableFromInline var block: HeaderBlock

    /// No fields. Costs no allocation: all empty heads share one block.
    public init() {
        self.block = HeaderBlock.empty
    }

    /// Copies both.
    ///
    /// - Parameter fields: their places are inside `bytes`.
    public init(bytes: UnsafeRawBufferPointer, fields: UnsafeBufferPointer<Field>) {
        self.block = HeaderBlock.make(bytes, fields)
    }

    /// The same from arrays, for heads made by hand.
    ///
    /// - Parameter fields: their places are inside `bytes`.
    public init(bytes: [UInt8], fields: [Field]) {
        self.block = bytes.withUnsafeBytes { bytes in
            fields.withUnsafeBufferPointer { HeaderBlock.make(bytes, $0) }
        }
    }

    /// The bytes that the places of `fields` lie in; of a parsed message the head as it came, start line included.
    public var bytes: Bytes { @inlinable get { Bytes(block: self.block) } }

    /// All fields in the order of the message, repeated ones each by itself.
    public var fields: Table { @inlinable get { Table(block: self.block) } }

    /// Lets go of the bytes and the fields; other copies of the value keep theirs.
    public mutating func removeAll() {
        self.block = HeaderBlock.empty
    }

    /// For heads made by hand. The name is classified; neither name nor value is checked.
    public mutating func append(_ name: String, _ value: String) {
        var value = value
        let id = HeaderID(name: Array(name.utf8))
        value.withUTF8 { self.append(id, name: Array(name.utf8), UnsafeRawBufferPointer($0)) }
    }

    mutating func append(_ id: HeaderID, name: [UInt8], _ value: UnsafeRawBufferPointer) {
        let nameStart = Int32(truncatingIfNeeded: self.bytes.count)
        let valueStart = nameStart + Int32(truncatingIfNeeded: name.count)
        let end = valueStart + Int32(truncatingIfNeeded: value.count)
        let field = Field(id: id, name: nameStart..<valueStart, value: valueStart..<end)
        self = HeaderFields(bytes: Array(self.bytes) + name + value, fields: Array(self.fields) + [field])
    }

    /// The first field with that id.
    @inlinable public func first(_ id: HeaderID) -> Field? {
        self.block.withContents { fields, count, _ in
            for index in 0..<count where fields[index].id == id { return fields[index] }
            return nil
        }
    }

    /// Whether there is such a field, be its value empty. Compares one byte per field.
    @inlinable public func contains(_ id: HeaderID) -> Bool { self.first(id) != nil }

    /// How many fields have that id: for those that must not be repeated. Compares one byte per field.
    @inlinable public func count(_ id: HeaderID) -> Int {
        self.block.withContents { fields, count, _ in
            var found = 0
            for index in 0..<count where fields[index].id == id { found &+= 1 }
            return found
        }
    }

    /// Calls `body` with the value's bytes in place; `nil` without such a field.
    @inlinable public func withValue<R>(_ id: HeaderID, _ body: (UnsafeRawBufferPointer) -> R) -> R? {
        guard let field = self.first(id) else { return nil }
        return self.withBytes(field.value, body)
    }

    /// Calls `body` with the bytes at that place, not copied; they must not be kept.
    ///
    /// - Parameter place: one of this head or of its fields. Nothing checks that it lies inside `bytes`.
    @inlinable public func withBytes<R>(_ place: Range<Int32>, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        self.block.withContents { _, _, bytes in
            body(UnsafeRawBufferPointer(rebasing: bytes[Int(place.lowerBound)..<Int(place.upperBound)]))
        }
    }

    /// A copy as text; bytes that are no UTF-8 become U+FFFD. Off the hot path.
    public func text(_ place: Range<Int32>) -> String {
        self.withBytes(place) { String(decoding: $0, as: UTF8.self) }
    }

    /// The first value with that id as text. Off the hot path.
    public func text(_ id: HeaderID) -> String? { self.first(id).map { self.text($0.value) } }

    /// The first value under that name (lower case), for names chosen by configuration. Off the hot path.
    public func text(named name: String) -> String? {
        self.fields.first { self.text($0.name).lowercased() == name }.map { self.text($0.value) }
    }
}

extension HeaderFields {
    /// The bytes of a message's head, at offsets from 0 (`startIndex`) up to their number (`endIndex`).
    public struct Bytes: RandomAccessCollection {
        @usableFromInline let block: HeaderBlock

        @inlinable init(block: HeaderBlock) { self.block = block }

        @inlinable public var startIndex: Int { 0 }
        @inlinable public var endIndex: Int { self.block.header.byteCount }
        /// One byte. Checks its place: for long reads there is `withUnsafeBytes`.
        @inlinable public subscript(index: Int) -> UInt8 {
            self.block.withContents { _, _, bytes in
                precondition(index >= 0 && index < bytes.count, "a place in the bytes")
                return bytes[index]
            }
        }

        /// All bytes in place; they must not be kept.
        @inlinable
        public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
            try self.block.withContents { (_, _, bytes) throws(E) in try body(bytes) }
        }
    }

    /// The fields of a message, in order, numbered from 0 (`startIndex`) up to how many they are (`endIndex`).
    public struct Table: RandomAccessCollection {
        @usableFromInline let block: HeaderBlock

        @inlinable init(block: HeaderBlock) { self.block = block }

        @inlinable public var startIndex: Int { 0 }
        @inlinable public var endIndex: Int { self.block.header.fieldCount }
        /// One field, by its number in the message. Traps outside of the table.
        @inlinable public subscript(index: Int) -> Field {
            self.block.withContents { fields, count, _ in
                precondition(index >= 0 && index < count, "a place in the table")
                return fields[index]
            }
        }
    }
}

/// The fields, and behind them the bytes, in one piece of memory.
@usableFromInline
final class HeaderBlock: ManagedBuffer<HeaderBlock.Counts, HeaderFields.Field> {
    @usableFromInline
    struct Counts {
        @usableFromInline var fieldCount: Int
        @usableFromInline var byteCount: Int
    }

    // SAFETY: a block is written to only while it is made.
    nonisolated(unsafe) static let empty = HeaderBlock.make(.init(start: nil, count: 0), .init(start: nil, count: 0))

    static func make(
        _ bytes: UnsafeRawBufferPointer, _ fields: UnsafeBufferPointer<HeaderFields.Field>
    ) -> HeaderBlock {
        let stride = MemoryLayout<HeaderFields.Field>.stride
        let capacity = fields.count + (bytes.count + stride - 1) / stride
        let block = HeaderBlock.create(minimumCapacity: capacity) { _ in
            Counts(fieldCount: fields.count, byteCount: bytes.count)
        }
        block.withUnsafeMutablePointerToElements { elements in
            if let base = fields.baseAddress { elements.initialize(from: base, count: fields.count) }
            if let base = bytes.baseAddress {
                UnsafeMutableRawPointer(elements + fields.count).copyMemory(from: base, byteCount: bytes.count)
            }
        }
        return unsafeDowncast(block, to: HeaderBlock.self)
    }

    @inlinable @inline(__always)
    func withContents<R, E: Error>(
        _ body: (UnsafePointer<HeaderFields.Field>, Int, UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try self.withUnsafeMutablePointers { (counts, elements) throws(E) in
            let fieldCount = counts.pointee.fieldCount
            return try body(
                UnsafePointer(elements), fieldCount,
                UnsafeRawBufferPointer(start: elements + fieldCount, count: counts.pointee.byteCount))
        }
    }
}

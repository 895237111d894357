/// Why a text is not the JSON that was asked for. Places are offsets into the scanned bytes.
public enum JSONFault: Error, Equatable, Sendable {
    /// The text holds no object where one must stand.
    case notAnObject
    /// The grammar is broken at that offset, or the text ends too early there.
    case malformed(at: Int)
    /// The bracket at that offset opens one level more than `JSONTopLevel.depthMax`.
    case tooDeep(at: Int)
    /// A name that is looked for (`JSONTopLevel`), or any name (`JSONValue`), stands twice in one object.
    case repeated(name: String)
    /// The string that starts at that offset is no valid UTF-8, or holds half of a surrogate pair.
    case invalidText(at: Int)
}

/// What a JSON value is, told by its first byte.
public enum JSONKind: UInt8, Sendable {
    case string, number, object, array, `true`, `false`, null
}

/// One member of an object, as places in the scanned bytes.
public struct JSONMember: Sendable, Equatable {
    /// What `value` is, by its first byte.
    public var kind: JSONKind
    /// The name with its quotes.
    public var key: Range<Int>
    /// The value without white space around it; a string with its quotes, an object or array with its brackets.
    public var value: Range<Int>

    @inlinable public init(kind: JSONKind, key: Range<Int>, value: Range<Int>) {
        self.kind = kind
        self.key = key
        self.value = value
    }
}

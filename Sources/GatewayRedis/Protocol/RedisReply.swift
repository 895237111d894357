import NIOCore

/// What stands in one place of a reply.
public enum RedisReplyKind: Sendable {
    /// RESP2's null bulk string and null array.
    case null
    case integer, bytes, status, error, array
}

/// One reply as it lies in the reader. It is valid during the callback that it is passed to and holds no copy.
///
/// Kept longer, it would show a later reply, or nothing; it never reaches outside memory. Asking for another kind than
/// what is there is answered with nil: replies are a peer's bytes.
public struct RedisReply: ~Copyable {
    private let reader: RESPReader
    private let index: Int

    init(_ reader: RESPReader, index: Int = 0) {
        self.reader = reader
        self.index = index
    }

    private var node: ReplyNode { self.reader.node(self.index) }

    /// Of an error reply `.error`; a null bulk string and a null array are both `.null`.
    public var kind: RedisReplyKind { self.node.kind }

    /// A key that is not there, mostly.
    public var isNull: Bool { self.kind == .null }

    /// Elements of an array; 0 of anything else.
    public var count: Int { self.kind == .array ? Int(self.node.value) : 0 }

    /// The number of an integer reply. Text is not read as one.
    public var integer: Int64? { self.kind == .integer ? self.node.value : nil }

    /// Which error it is; nil when it is none.
    public var errorKind: RedisErrorKind? {
        guard self.kind == .error else { return nil }
        return self.reader.withBytes(of: self.node) { RedisErrorKind($0) }
    }

    /// The bytes of a bulk string, a status or an error, in place.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result? {
        switch self.kind {
        case .bytes, .status, .error: try self.reader.withBytes(of: self.node, body)
        case .null, .integer, .array: nil
        }
    }

    /// The same as a slice that shares the reader's storage and may be kept; the reader then takes new storage.
    public var buffer: ByteBuffer? {
        switch self.kind {
        case .bytes, .status, .error: self.reader.slice(of: self.node)
        case .null, .integer, .array: nil
        }
    }

    /// The element in place `position` of an array. O(1) when the reply holds one array, else it walks.
    public func element(_ position: Int) -> RedisReply? {
        guard let index = self.reader.child(position, of: self.index) else { return nil }
        return RedisReply(self.reader, index: index)
    }

    /// The number in place `position` of an array; nil when something else is there.
    public func integer(at position: Int) -> Int64? {
        guard let index = self.reader.child(position, of: self.index) else { return nil }
        let node = self.reader.node(index)
        return node.kind == .integer ? node.value : nil
    }

    /// A copy of all of it. Allocates: for tests, start-up and errors.
    public var value: RedisValue {
        switch self.kind {
        case .null: return .null
        case .integer: return .integer(self.node.value)
        case .bytes: return .bytes(self.withBytes { Array($0) } ?? [])
        case .status: return .status(self.withBytes { String(decoding: $0, as: UTF8.self) } ?? "")
        case .error: return .error(self.withBytes { String(decoding: $0, as: UTF8.self) } ?? "")
        case .array:
            return .array((0..<self.count).map { self.element($0)?.value ?? .null })
        }
    }
}

/// A reply that owns what it holds.
public indirect enum RedisValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case bytes([UInt8])
    case status(String)
    case error(String)
    case array([RedisValue])

    /// A bulk string of UTF-8.
    public static func text(_ text: String) -> Self { .bytes(Array(text.utf8)) }
}

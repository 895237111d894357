import CHiredis
import NIOCore

/// One item of a reply: replies are kept flat, in the order in which they come.
struct ReplyNode {
    var kind: RedisReplyKind
    /// The number; the count of an array; where the bytes begin.
    var value: Int64
    /// How many bytes.
    var length: Int32

    static let null = ReplyNode(kind: .null, value: 0, length: 0)
}

/// Why replies cannot be read any further. The connection is to be closed.
enum RESPFault: Error, Hashable {
    /// The bytes are no RESP2, or arrays are nested more than seven deep.
    case malformed(String)
    /// More bytes, or more elements, than one reply may have.
    case tooLarge
}

/// Reads replies with hiredis' parser.
///
/// The parser calls back for each item; the items go into one flat table and one buffer that are used again for the
/// next reply, so a reply costs no allocation. The bounds are checked as items are announced, before memory is taken
/// for them. Belongs to its loop.
final class RESPReader {
    struct Limits: Hashable, Sendable {
        /// Of one reply, all its items and the part that is still in the parser.
        var bytes: Int
        /// Items of one reply, arrays and what they announce.
        var elements: Int
    }

    enum Step {
        case reply
        case needMore
        case fault(RESPFault)
    }

    /// What hiredis' callbacks write to. It lies still in memory, behind `privdata`.
    fileprivate struct Arena {
        var nodes: [ReplyNode] = []
        var bytes = ByteBuffer()
        let limits: Limits
        /// Announced by arrays, whether or not they have come.
        var announced = 1
        var arrays = 0
        var isTooLarge = false
        var isUnterminated = false

        init(limits: Limits) {
            self.limits = limits
        }

        mutating func reset() {
            self.nodes.removeAll(keepingCapacity: self.nodes.capacity <= 4096)
            if self.bytes.capacity > 65536 { self.bytes = ByteBuffer() } else { self.bytes.clear() }
            self.announced = 1
            self.arrays = 0
        }
    }

    /// A line (status, error, number or length) is not longer; the parser would scan it again with every read.
    static let lineBytesMax = 65536
    /// What the parser is fed at a time: it moves what is left to the front after each reply.
    private static let portion = 16384

    private let arena: UnsafeMutablePointer<Arena>
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    private let parser: UnsafeMutablePointer<redisReader>?
    private let limits: Limits
    /// Was read and not fed yet.
    private var pending = ByteBuffer()
    /// The reply that was reported last is still in the arena.
    private var holdsReply = false
    private var fault: RESPFault?

    init(limits: Limits) {
        self.limits = limits
        self.arena = .allocate(capacity: 1)
        self.arena.initialize(to: Arena(limits: limits))
        self.functions = .allocate(capacity: 1)
        self.functions.initialize(to: Self.callbacks)
        self.parser = redisReaderCreateWithFunctions(self.functions)
        self.parser?.pointee.privdata = UnsafeMutableRawPointer(self.arena)
    }

    deinit {
        redisReaderFree(self.parser)
        self.functions.deinitialize(count: 1)
        self.functions.deallocate()
        self.arena.deinitialize(count: 1)
        self.arena.deallocate()
    }

    /// Takes what was read. Call `next` until it needs more.
    func feed(_ bytes: ByteBuffer) {
        if self.pending.readableBytes == 0 {
            self.pending = bytes
        } else {
            self.pending.writeImmutableBuffer(bytes)
        }
    }

    /// Parses the next reply; `reply` shows it until the following call. After a fault it stays at that.
    func next() -> Step {
        if let fault { return .fault(fault) }
        if self.holdsReply {
            self.holdsReply = false
            self.arena.pointee.reset()
        }
        while true {
            switch self.parse() {
            case .needMore where self.feedPortion(): continue
            case .fault(let fault):
                self.fault = fault
                return .fault(fault)
            case let step: return step
            }
        }
    }

    /// The last reply that `next` reported.
    var reply: RedisReply { RedisReply(self) }

    private func parse() -> Step {
        guard let parser else { return .fault(.malformed("no memory for a parser")) }
        var root: UnsafeMutableRawPointer?
        guard redisReaderGetReply(parser, &root) == REDIS_OK else {
            if self.arena.pointee.isTooLarge { return .fault(.tooLarge) }
            if self.arena.pointee.isUnterminated { return .fault(.malformed("an item does not end in CRLF")) }
            return .fault(.malformed(Self.text(of: parser)))
        }
        if root != nil {
            self.holdsReply = true
            return .reply
        }
        let left = parser.pointee.len - parser.pointee.pos
        guard left + self.arena.pointee.bytes.readableBytes <= self.limits.bytes else { return .fault(.tooLarge) }
        guard left <= Self.lineBytesMax || Self.hasLine(parser) else { return .fault(.malformed("an endless line")) }
        return .needMore
    }

    /// - Returns: false when all that was read has been fed.
    private func feedPortion() -> Bool {
        let count = min(self.pending.readableBytes, Self.portion)
        guard count > 0 else { return false }
        let isFed = self.pending.readWithUnsafeReadableBytes { bytes in
            (count, redisReaderFeed(self.parser, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), count))
        }
        if self.pending.readableBytes == 0 { self.pending = ByteBuffer() }
        return isFed == REDIS_OK
    }

    /// Whether CRLF stands near the front of what is left, as after the length of a bulk string.
    private static func hasLine(_ parser: UnsafeMutablePointer<redisReader>) -> Bool {
        guard let start = parser.pointee.buf else { return false }
        let left = UnsafeRawBufferPointer(start: start + parser.pointee.pos, count: Self.lineBytesMax)
        return (1..<left.count).contains { left[$0] == 0x0a && left[$0 - 1] == 0x0d }
    }

    private static func text(of parser: UnsafeMutablePointer<redisReader>) -> String {
        withUnsafeBytes(of: &parser.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    // MARK: For RedisReply

    func node(_ index: Int) -> ReplyNode {
        guard index >= 0, index < self.arena.pointee.nodes.count else { return .null }
        return self.arena.pointee.nodes[index]
    }

    func withBytes<Result>(of node: ReplyNode, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try self.arena.pointee.bytes.withUnsafeReadableBytes { all in
            let start = Int(node.value)
            guard start >= 0, start + Int(node.length) <= all.count else {
                return try body(.init(start: nil, count: 0))
            }
            return try body(UnsafeRawBufferPointer(rebasing: all[start..<(start + Int(node.length))]))
        }
    }

    func slice(of node: ReplyNode) -> ByteBuffer? {
        self.arena.pointee.bytes.getSlice(at: Int(node.value), length: Int(node.length))
    }

    /// Where the element `position` of the array at `index` stands.
    func child(_ position: Int, of index: Int) -> Int? {
        let array = self.node(index)
        guard array.kind == .array, position >= 0, position < array.value else { return nil }
        if self.arena.pointee.arrays == 1 { return index + 1 + position }
        var child = index + 1
        for _ in 0..<position { child = self.end(of: child) }
        return child
    }

    /// The place behind an item and all that is in it. Depth is at most seven: that is where the parser ends.
    private func end(of index: Int) -> Int {
        let node = self.node(index)
        guard node.kind == .array else { return index + 1 }
        var next = index + 1
        for _ in 0..<node.value { next = self.end(of: next) }
        return next
    }
}

// MARK: Callbacks of the parser

extension RESPReader {
    /// What stands for an object; the parser only asks whether it is there.
    private static var object: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: 1) }

    private static func arena(_ task: UnsafePointer<redisReadTask>?) -> UnsafeMutablePointer<Arena>? {
        task?.pointee.privdata?.assumingMemoryBound(to: Arena.self)
    }

    /// Nil, which is an error to the parser, when a bound is crossed.
    private static var callbacks: redisReplyObjectFunctions {
        redisReplyObjectFunctions(
            createString: { task, text, length in RESPReader.createString(task, text, length) },
            createArray: { task, count in RESPReader.createArray(task, count) },
            createInteger: { task, number in
                guard let arena = RESPReader.arena(task) else { return nil }
                arena.pointee.nodes.append(.init(kind: .integer, value: number, length: 0))
                return RESPReader.object
            },
            createNil: { task in
                guard let arena = RESPReader.arena(task) else { return nil }
                arena.pointee.nodes.append(.null)
                return RESPReader.object
            },
            freeObject: { _ in })
    }

    private static func createString(
        _ task: UnsafePointer<redisReadTask>?, _ text: UnsafeMutablePointer<CChar>?, _ length: Int
    ) -> UnsafeMutableRawPointer? {
        guard let arena = Self.arena(task), let task, let text else { return nil }
        let start = arena.pointee.bytes.readableBytes
        guard length <= arena.pointee.limits.bytes - start, length <= Int(Int32.max) else {
            arena.pointee.isTooLarge = true
            return nil
        }
        // The parser has the two bytes behind every item and does not look at those of a bulk string.
        guard text[length] == 0x0d, text[length + 1] == 0x0a else {
            arena.pointee.isUnterminated = true
            return nil
        }
        let kind: RedisReplyKind =
            switch task.pointee.type {
            case REDIS_REPLY_STATUS: .status
            case REDIS_REPLY_ERROR: .error
            default: .bytes
            }
        arena.pointee.bytes.writeBytes(UnsafeRawBufferPointer(start: text, count: length))
        arena.pointee.nodes.append(.init(kind: kind, value: Int64(start), length: Int32(length)))
        return Self.object
    }

    private static func createArray(_ task: UnsafePointer<redisReadTask>?, _ count: CInt) -> UnsafeMutableRawPointer? {
        guard let arena = Self.arena(task) else { return nil }
        guard count >= 0, Int(count) <= arena.pointee.limits.elements - arena.pointee.announced else {
            arena.pointee.isTooLarge = true
            return nil
        }
        arena.pointee.announced += Int(count)
        arena.pointee.arrays += 1
        arena.pointee.nodes.append(.init(kind: .array, value: Int64(count), length: 0))
        return Self.object
    }
}

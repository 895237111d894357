import NIOCore

/// Writes commands in RESP2 straight into memory that was taken once for the whole command: no string is built, nothing
/// is allocated.
///
/// A command is an array of bulk strings; numbers go as their decimal text.
/// Source: https://redis.io/docs/latest/develop/reference/protocol-spec/
struct RESPWriter {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0
    /// More was written than there is room for: what there is must not be sent.
    private(set) var isOverfull = false

    private init(_ memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    /// Appends to `buffer` what the body writes, in one piece.
    /// - Parameter sizeMax: the sum of the `size` of all arguments and of what else is written.
    /// - Returns: false when that was too little; the buffer is then as it was.
    static func append(
        to buffer: inout ByteBuffer, sizeMax: Int, _ body: (inout RESPWriter) -> Void
    ) -> Bool {
        var isWhole = true
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: sizeMax) { memory in
            var writer = RESPWriter(memory)
            body(&writer)
            isWhole = !writer.isOverfull
            return isWhole ? writer.count : 0
        }
        return isWhole
    }

    /// `*N\r\n`: as many bulk strings follow. Takes at most `headerSize`.
    mutating func arrayHeader(_ count: Int) {
        self.byte(UInt8(ascii: "*"))
        self.decimal(Int64(count))
        self.lineEnd()
    }

    mutating func bulk(_ bytes: UnsafeRawBufferPointer) {
        self.byte(UInt8(ascii: "$"))
        self.decimal(Int64(bytes.count))
        self.lineEnd()
        self.raw(bytes)
        self.lineEnd()
    }

    mutating func bulk(_ text: StaticString) {
        text.withUTF8Buffer { self.bulk(UnsafeRawBufferPointer($0)) }
    }

    mutating func bulk(_ number: Int64) {
        let length = Self.digits(of: number)
        self.byte(UInt8(ascii: "$"))
        self.decimal(Int64(length), digits: length < 10 ? 1 : 2)
        self.lineEnd()
        self.decimal(number, digits: length)
        self.lineEnd()
    }

    mutating func bulk(_ argument: RedisArgument) {
        switch argument {
        case .integer(let number): self.bulk(number)
        case .bytes(let bytes): bytes.withUnsafeBytes { self.bulk($0) }
        case .buffer(let bytes): bytes.withUnsafeReadableBytes { self.bulk($0) }
        case .text(let text): self.bulk(text)
        case .key(let key): self.raw(key.wire)
        }
    }

    /// What stands in its form on the wire already.
    mutating func raw(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { self.raw($0) }
    }

    private mutating func raw(_ bytes: UnsafeRawBufferPointer) {
        guard let target = self.take(bytes.count), let source = bytes.baseAddress else { return }
        target.copyMemory(from: source, byteCount: bytes.count)
    }

    private mutating func byte(_ byte: UInt8) {
        self.take(1)?.storeBytes(of: byte, as: UInt8.self)
    }

    private mutating func lineEnd() {
        self.take(2)?.storeBytes(of: (0x0a0d as UInt16).littleEndian, as: UInt16.self)
    }

    private mutating func decimal(_ number: Int64) {
        self.decimal(number, digits: Self.digits(of: number))
    }

    private mutating func decimal(_ number: Int64, digits length: Int) {
        guard let target = self.take(length) else { return }
        var rest = number.magnitude
        var place = length
        repeat {
            place -= 1
            target.storeBytes(
                of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10), toByteOffset: place, as: UInt8.self)
            rest /= 10
        } while rest > 0
        if number < 0 { target.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self) }
    }

    /// The next `count` bytes.
    private mutating func take(_ count: Int) -> UnsafeMutableRawPointer? {
        guard count <= self.memory.count - self.count, let start = self.memory.baseAddress else {
            self.isOverfull = true
            return nil
        }
        defer { self.count += count }
        return start + self.count
    }

    /// How long the decimal text is, with its sign: 1 to 20.
    static func digits(of number: Int64) -> Int {
        var rest = number.magnitude / 10
        var length = number < 0 ? 2 : 1
        while rest > 0 {
            length += 1
            rest /= 10
        }
        return length
    }

    /// What the header of an array or of a bulk string takes at most, and the end of a string.
    static let headerSize = 26

    /// What `argument` takes on the wire at most.
    static func size(of argument: RedisArgument) -> Int {
        switch argument {
        case .integer: 20 + Self.headerSize
        case .bytes(let bytes): bytes.count + Self.headerSize
        case .buffer(let bytes): bytes.readableBytes + Self.headerSize
        case .text(let text): text.utf8CodeUnitCount + Self.headerSize
        case .key(let key): key.wire.count
        }
    }
}

/// The fields of a head that the gateway makes itself, as the lines they are on the wire: `name: value` and CRLF each.
///
/// One block of bytes that grows, so that HTTP/1 sends it with one copy; a line is written with one look at the room.
/// Names are in lower case, values come from our own code, from checked configuration or from fields that a strict
/// parser has read: none can hold a line break.
public struct FieldLines: Sendable {
    /// The first `count` bytes are the lines, the others room for more.
    private var block: [UInt8] = []
    /// Bytes of all lines.
    public private(set) var count = 0

    /// No lines, and no memory until the first one.
    public init() {}

    /// A copy of the lines. Off the hot path.
    public var bytes: [UInt8] { Array(self.block[..<self.count]) }

    /// The lines in place.
    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        self.block.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<self.count])) }
    }

    /// Empties it and keeps its memory; when somebody else holds that too, the next line takes other memory.
    public mutating func removeAll() {
        self.count = 0
    }

    /// One line.
    ///
    /// - Parameter id: not `other`, which has no name: the line would begin with its colon.
    public mutating func append(_ id: HeaderID, _ value: UnsafeRawBufferPointer) {
        self.line(id.linePrefix, value)
    }

    /// One line, its value in UTF-8. `id` as above.
    public mutating func append(_ id: HeaderID, _ value: String) {
        var value = value
        value.withUTF8 { self.line(id.linePrefix, UnsafeRawBufferPointer($0)) }
    }

    /// - Parameter name: with its colon and space: `x-penstock-model: `.
    public mutating func append(_ name: StaticString, _ value: String) {
        var value = value
        value.withUTF8 { self.line(Self.bytes(of: name), UnsafeRawBufferPointer($0)) }
    }

    /// - Parameter name: with its colon and space.
    public mutating func append(_ name: StaticString, decimal value: UInt64) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { digits in
            var place = digits.count
            var rest = value
            repeat {
                place &-= 1
                digits[place] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            self.line(Self.bytes(of: name), UnsafeRawBufferPointer(rebasing: digits[place...]))
        }
    }

    /// Whole lines that were prepared elsewhere.
    public mutating func append(lines: UnsafeRawBufferPointer) {
        self.extend(by: lines.count) { Self.copy(lines, to: $0) }
    }

    /// Whole lines that were prepared once and are kept, as those about the dates of a version are.
    public mutating func append(lines: [UInt8]) {
        lines.withUnsafeBytes { self.append(lines: $0) }
    }

    /// The first value under that name (lower case). Off the hot path.
    public func text(named name: String) -> String? {
        for line in String(decoding: self.bytes, as: UTF8.self).split(separator: "\r\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0] == name { return String(parts[1].drop { $0 == " " }) }
        }
        return nil
    }

    @inline(__always)
    private mutating func line(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        self.extend(by: name.count &+ value.count &+ 2) { place in
            Self.copy(name, to: place)
            Self.copy(value, to: place + name.count)
            (place + name.count + value.count).storeBytes(of: UInt16(littleEndian: 0x0a0d), as: UInt16.self)
        }
    }

    /// Makes room for that many bytes and has them written.
    @inline(__always)
    private mutating func extend(by added: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
        guard added > 0 else { return }
        if self.block.count &- self.count < added { self.grow(by: added) }
        self.block.withUnsafeMutableBytes { block in
            if let base = block.baseAddress { write(base + self.count) }
        }
        self.count &+= added
    }

    @inline(never)
    private mutating func grow(by added: Int) {
        var larger = [UInt8](repeating: 0, count: max(512, self.block.count * 2, self.count + added))
        larger.replaceSubrange(..<self.count, with: self.block[..<self.count])
        self.block = larger
    }

    @inline(__always)
    private static func copy(_ bytes: UnsafeRawBufferPointer, to place: UnsafeMutableRawPointer) {
        if let source = bytes.baseAddress { place.copyMemory(from: source, byteCount: bytes.count) }
    }

    @inline(__always)
    private static func bytes(of text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}

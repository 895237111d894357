import GatewayCore
import GatewayWire

/// Space that was made for lines of a head, filled from its beginning. What does not fit is left out, which only a
/// wrong size of ours could cause.
///
/// Nothing is checked: values come from our own code, from checked configuration or from fields that a strict parser
/// has read.
public struct HeadSpace {
    private let space: UnsafeMutableRawBufferPointer
    /// Bytes written.
    private(set) var count = 0

    init(_ space: UnsafeMutableRawBufferPointer) { self.space = space }

    @inline(__always)
    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, let base = self.space.baseAddress,
            always(bytes.count <= self.space.count &- self.count, "room was made for it")
        else { return }
        (base + self.count).copyMemory(from: source, byteCount: bytes.count)
        self.count &+= bytes.count
    }

    @inline(__always)
    mutating func write(_ text: StaticString) {
        self.write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    mutating func write(byte: UInt8) {
        guard always(self.count < self.space.count, "room was made for it") else { return }
        self.space[self.count] = byte
        self.count &+= 1
    }

    /// One field line, its name as given.
    public mutating func field(name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        self.write(name)
        self.write(": ")
        self.write(value)
        self.write("\r\n")
    }

    /// One field line.
    ///
    /// - Parameter id: not `other`, which has no name.
    public mutating func field(_ id: HeaderID, _ value: String) {
        var value = value
        value.withUTF8 {
            self.write(id.linePrefix)
            self.write(UnsafeRawBufferPointer($0))
            self.write("\r\n")
        }
    }

    /// One field line whose value is a number.
    ///
    /// - Parameter id: not `other`, which has no name.
    public mutating func field(_ id: HeaderID, decimal value: Int) {
        self.write(id.linePrefix)
        self.write(decimal: value)
        self.write("\r\n")
    }

    /// Whole lines that were prepared elsewhere.
    public mutating func lines(_ lines: [UInt8]) {
        lines.withUnsafeBytes { self.write($0) }
    }

    /// The empty line that ends a head.
    public mutating func end() { self.write("\r\n") }

    mutating func write(status: Int, _ phrase: StaticString) {
        self.write("HTTP/1.1 ")
        self.write(byte: UInt8(truncatingIfNeeded: 0x30 + status / 100))
        self.write(byte: UInt8(truncatingIfNeeded: 0x30 + status / 10 % 10))
        self.write(byte: UInt8(truncatingIfNeeded: 0x30 + status % 10))
        self.write(" ")
        self.write(phrase)
        self.write("\r\n")
    }

    mutating func write(decimal value: Int) {
        if value < 0 { self.write(byte: 0x2d) }
        var length = 1
        var bound: UInt = 10
        let magnitude = value.magnitude
        while length < 19, magnitude >= bound {
            length &+= 1
            bound &*= 10
        }
        guard always(length <= self.space.count &- self.count, "room was made for it") else { return }
        var rest = magnitude
        var at = self.count &+ length
        while at > self.count {
            at &-= 1
            self.space[at] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        self.count &+= length
    }

    mutating func write(hexadecimal value: UInt64) {
        let length = max(1, (67 &- value.leadingZeroBitCount) &>> 2)
        guard always(length <= self.space.count &- self.count, "room was made for it") else { return }
        var rest = value
        var at = self.count &+ length
        while at > self.count {
            at &-= 1
            let digit = UInt8(truncatingIfNeeded: rest & 15)
            self.space[at] = digit < 10 ? 0x30 &+ digit : 0x57 &+ digit
            rest &>>= 4
        }
        self.count &+= length
    }
}

/// What the head of an answer says about its body and its connection.
public struct AnswerHeadFraming: Sendable {
    /// What the field `connection` says; `unsaid` leaves the field out, which on HTTP/1.1 means that the connection
    /// stays open and on HTTP/1.0 that it closes (RFC 9112 section 9.3).
    public enum Connection: Sendable {
        case unsaid, close, keepAlive
    }

    /// `content-length`, not below 0.
    public var length: Int?
    /// `transfer-encoding: chunked`: never to HTTP/1.0 and never beside a `length` (RFC 9112 section 6.2). The caller
    /// sees to it.
    public var isChunked: Bool
    /// `keepAlive` is for clients of HTTP/1.0 that may send another request.
    public var connection: Connection

    public init(length: Int? = nil, isChunked: Bool = false, connection: Connection = .unsaid) {
        self.length = length
        self.isChunked = isChunked
        self.connection = connection
    }
}

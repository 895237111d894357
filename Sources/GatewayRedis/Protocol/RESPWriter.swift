import NIOCore

/// Writes commands in RESP2 straight into a buffer: no string is built, nothing is allocated but the buffer's growth.
///
/// A command is an array of bulk strings; numbers go as their decimal text.
/// Source: https://redis.io/docs/latest/develop/reference/protocol-spec/
enum RESPWriter {
    /// `*N\r\n`: as many bulk strings follow.
    static func writeArrayHeader(_ count: Int, to buffer: inout ByteBuffer) {
        Self.writeHeader(UInt8(ascii: "*"), Int64(count), to: &buffer)
    }

    static func writeBulk(_ bytes: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        Self.writeHeader(UInt8(ascii: "$"), Int64(bytes.count), to: &buffer)
        buffer.writeBytes(bytes)
        Self.writeLineEnd(to: &buffer)
    }

    static func writeBulk(_ text: StaticString, to buffer: inout ByteBuffer) {
        text.withUTF8Buffer { Self.writeBulk(UnsafeRawBufferPointer($0), to: &buffer) }
    }

    static func writeBulk(_ text: String, to buffer: inout ByteBuffer) {
        var text = text
        text.withUTF8 { Self.writeBulk(UnsafeRawBufferPointer($0), to: &buffer) }
    }

    static func writeBulk(_ number: Int64, to buffer: inout ByteBuffer) {
        Decimal.withDigits(of: number) { Self.writeBulk($0, to: &buffer) }
    }

    static func writeBulk(_ argument: RedisArgument, to buffer: inout ByteBuffer) {
        switch argument {
        case .integer(let number): Self.writeBulk(number, to: &buffer)
        case .bytes(let bytes): bytes.withUnsafeBytes { Self.writeBulk($0, to: &buffer) }
        case .buffer(let bytes): bytes.withUnsafeReadableBytes { Self.writeBulk($0, to: &buffer) }
        case .text(let text): Self.writeBulk(text, to: &buffer)
        case .key(let key): buffer.writeBytes(key.wire)
        }
    }

    private static func writeHeader(_ type: UInt8, _ count: Int64, to buffer: inout ByteBuffer) {
        // The longest count has 20 bytes.
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 24) { free in
            free[0] = type
            var length = 1
            Decimal.withDigits(of: count) { digits in
                for digit in digits {
                    free[length] = digit
                    length += 1
                }
            }
            free[length] = UInt8(ascii: "\r")
            free[length + 1] = UInt8(ascii: "\n")
            return length + 2
        }
    }

    private static func writeLineEnd(to buffer: inout ByteBuffer) {
        buffer.writeInteger(0x0d0a as UInt16)
    }

    /// What `argument` takes on the wire at most: for bounds.
    static func size(of argument: RedisArgument) -> Int {
        let length =
            switch argument {
            case .integer: 20
            case .bytes(let bytes): bytes.count
            case .buffer(let bytes): bytes.readableBytes
            case .text(let text): text.utf8CodeUnitCount
            case .key(let key): key.wire.count
            }
        return length + 26
    }
}

/// Decimal text of a whole number, on the stack.
enum Decimal {
    static func withDigits<Result>(of number: Int64, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var place = 20
            var rest = number.magnitude
            repeat {
                place -= 1
                digits[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if number < 0 {
                place -= 1
                digits[place] = UInt8(ascii: "-")
            }
            return body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(digits)[place...]))
        }
    }
}

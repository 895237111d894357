import NIOCore
import Testing

@testable import GatewayRedis

@Suite struct RESPWriterTests {
    private func written(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return String(buffer: buffer)
    }

    @Test(arguments: [
        (Int64.min, "-9223372036854775808"), (.max, "9223372036854775807"), (0, "0"), (-1, "-1"), (10, "10"),
    ])
    func numbersGoAsDecimalText(number: Int64, text: String) {
        #expect(self.written { RESPWriter.writeBulk(number, to: &$0) } == "$\(text.utf8.count)\r\n\(text)\r\n")
    }

    @Test func argumentsOfEveryKind() {
        let arguments: [RedisArgument] = [
            .integer(-7), .bytes([0, 0x0d, 0x0a]), .buffer(ByteBuffer(string: "äß")), .text("NX"),
            .key(RedisKey(bytes: Array("k".utf8))), .bytes([]),
        ]
        let text = self.written { buffer in
            RESPWriter.writeArrayHeader(arguments.count, to: &buffer)
            for argument in arguments { RESPWriter.writeBulk(argument, to: &buffer) }
        }
        #expect(text == "*6\r\n$2\r\n-7\r\n$3\r\n\0\r\n\r\n$4\r\näß\r\n$2\r\nNX\r\n$1\r\nk\r\n$0\r\n\r\n")
    }

    /// The bound that is checked before a command is written never falls short.
    @Test func sizeIsAnUpperBound() {
        let arguments: [RedisArgument] = [
            .integer(.min), .bytes(Array(repeating: 1, count: 1000)), .buffer(ByteBuffer(string: "abc")), .text("NX"),
            .key(RedisKey(bytes: [1])),
        ]
        for argument in arguments {
            let written = self.written { RESPWriter.writeBulk(argument, to: &$0) }
            #expect(written.utf8.count <= RESPWriter.size(of: argument))
        }
    }
}

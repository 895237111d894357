import NIOCore
import Testing

@testable import GatewayRedis

@Suite struct RESPWriterTests {
    private func written(_ write: (inout RESPWriter) -> Void) -> String {
        var buffer = ByteBuffer()
        #expect(RESPWriter.append(to: &buffer, sizeMax: 2000, write))
        return String(buffer: buffer)
    }

    @Test(arguments: [
        (Int64.min, "-9223372036854775808"), (.max, "9223372036854775807"), (0, "0"), (-1, "-1"), (10, "10"),
        (-10, "-10"), (99, "99"), (100, "100"),
    ])
    func numbersGoAsDecimalText(number: Int64, text: String) {
        #expect(self.written { $0.bulk(number) } == "$\(text.utf8.count)\r\n\(text)\r\n")
    }

    @Test func argumentsOfEveryKind() {
        let arguments: [RedisArgument] = [
            .integer(-7), .bytes([0, 0x0d, 0x0a]), .buffer(ByteBuffer(string: "äß")), .text("NX"),
            .key(RedisKey(bytes: Array("k".utf8))), .bytes([]),
        ]
        let text = self.written { writer in
            writer.arrayHeader(arguments.count)
            for argument in arguments { writer.bulk(argument) }
        }
        #expect(text == "*6\r\n$2\r\n-7\r\n$3\r\n\0\r\n\r\n$4\r\näß\r\n$2\r\nNX\r\n$1\r\nk\r\n$0\r\n\r\n")
    }

    /// What is reserved for an argument never falls short.
    @Test func sizeIsAnUpperBound() {
        let arguments: [RedisArgument] = [
            .integer(.min), .bytes(Array(repeating: 1, count: 1000)), .buffer(ByteBuffer(string: "abc")), .text("NX"),
            .key(RedisKey(bytes: [1])),
        ]
        for argument in arguments {
            #expect(self.written { $0.bulk(argument) }.utf8.count <= RESPWriter.size(of: argument))
        }
        #expect(self.written { $0.arrayHeader(.max) }.utf8.count <= RESPWriter.headerSize)
    }

    @Test func whatDoesNotFitIsNotWritten() {
        var buffer = ByteBuffer(string: "before")
        let large = [UInt8](repeating: 1, count: buffer.capacity + 100)
        #expect(!RESPWriter.append(to: &buffer, sizeMax: 10) { $0.bulk(.bytes(large)) })
        #expect(String(buffer: buffer) == "before")
    }
}

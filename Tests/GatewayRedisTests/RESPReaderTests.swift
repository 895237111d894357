import GatewayTesting
import NIOCore
import Testing

@testable import GatewayRedis

/// What a reader makes of bytes.
private struct Reading: Equatable {
    var replies: [RedisValue] = []
    var fault: RESPFault?

    static let limits = RESPReader.Limits(bytes: 4096, elements: 64)

    init(_ pieces: [[UInt8]], limits: RESPReader.Limits = Self.limits) {
        let reader = RESPReader(limits: limits)
        for piece in pieces where self.fault == nil {
            reader.feed(ByteBuffer(bytes: piece))
            self.drain(reader)
        }
    }

    init(_ text: String, limits: RESPReader.Limits = Self.limits) {
        self.init([Array(text.utf8)], limits: limits)
    }

    private mutating func drain(_ reader: RESPReader) {
        while true {
            switch reader.next() {
            case .reply: self.replies.append(reader.reply.value)
            case .needMore: return
            case .fault(let fault):
                self.fault = fault
                return
            }
        }
    }

    var isMalformed: Bool { if case .malformed = self.fault { true } else { false } }
}

@Suite struct RESPReaderTests {
    private static let transcript =
        "+OK\r\n:-42\r\n$-1\r\n*-1\r\n$0\r\n\r\n$5\r\na\r\nb\0\r\n-NOSCRIPT No matching script.\r\n*0\r\n"
        + "*4\r\n:1\r\n*2\r\n$2\r\nab\r\n*1\r\n:9223372036854775807\r\n+in\r\n$-1\r\n:0\r\n"

    private static let values: [RedisValue] = [
        .status("OK"), .integer(-42), .null, .null, .bytes([]), .text("a\r\nb\0"),
        .error("NOSCRIPT No matching script."), .array([]),
        .array([
            .integer(1), .array([.text("ab"), .array([.integer(.max)])]), .status("in"), .null,
        ]), .integer(0),
    ]

    @Test func repliesAreTheSameWhereverTheBytesAreCut() {
        let bytes = Array(Self.transcript.utf8)
        #expect(Reading([bytes]).replies == Self.values)
        for first in 0...bytes.count {
            #expect(Reading([Array(bytes[..<first]), Array(bytes[first...])]).replies == Self.values)
        }
        #expect(Reading(bytes.map { [$0] }).replies == Self.values)
    }

    @Test func manyRepliesOfOneRead() {
        let count = 20_000
        let reading = Reading((0..<count).map { ":\($0)\r\n" }.joined())
        #expect(reading.replies == (0..<count).map { .integer(Int64($0)) })
    }

    @Test func elementsAreReachedOneByOne() throws {
        let reader = RESPReader(limits: Reading.limits)
        reader.feed(ByteBuffer(string: "*3\r\n*2\r\n:1\r\n$1\r\nx\r\n:7\r\n-OOM no\r\n"))
        guard case .reply = reader.next() else {
            Issue.record("no reply")
            return
        }
        #expect(reader.reply.count == 3)
        #expect(reader.reply.integer(at: 1) == 7)
        #expect(reader.reply.integer(at: 0) == nil)
        #expect(reader.reply.integer(at: 3) == nil)
        #expect(reader.reply.integer(at: -1) == nil)
        #expect(reader.reply.element(0)?.element(1)?.value == .text("x"))
        #expect(reader.reply.element(2)?.errorKind == .outOfMemory)
        #expect(reader.reply.element(3)?.value == nil)
        #expect(reader.reply.integer == nil)
        #expect(reader.reply.buffer == nil)
    }

    @Test func aSliceOutlivesItsReply() {
        let reader = RESPReader(limits: Reading.limits)
        reader.feed(ByteBuffer(string: "$5\r\nfirst\r\n$6\r\nsecond\r\n"))
        _ = reader.next()
        let slice = reader.reply.buffer
        _ = reader.next()
        #expect(slice.map { String(buffer: $0) } == "first")
        #expect(reader.reply.value == .text("second"))
    }

    @Test(arguments: [
        "?", "HTTP/1.1 200 OK\r\n", ":1x\r\n", ":\r\n", ":99999999999999999999\r\n", "$x\r\n", "$-2\r\n",
        "*-2\r\n", "*99999999999\r\n", "$3\r\nabcde", "*1\r\n%1\r\n", "$01\r\na\r\n",
        String(repeating: "*1\r\n", count: 9) + ":1\r\n",
    ])
    func whatIsNoRESPIsAFault(text: String) {
        let reading = Reading("+OK\r\n" + text)
        #expect(reading.replies == [.status("OK")])
        #expect(reading.isMalformed)
    }

    @Test func aReplyBeyondItsBytesIsRefusedBeforeItIsWhole() {
        let limits = RESPReader.Limits(bytes: 1000, elements: 64)
        #expect(
            Reading("$1000\r\n" + String(repeating: "x", count: 980), limits: limits) == Reading("", limits: limits))
        #expect(Reading("$5000\r\n" + String(repeating: "x", count: 1001), limits: limits).fault == .tooLarge)
        // Many small elements add up.
        let elements = String(repeating: "$100\r\n\(String(repeating: "x", count: 100))\r\n", count: 11)
        #expect(Reading("*11\r\n" + elements, limits: limits).fault == .tooLarge)
    }

    @Test func announcedElementsAreBoundedBeforeTheyCome() {
        #expect(Reading("*63\r\n").fault == nil)
        #expect(Reading("*64\r\n").fault == .tooLarge)
        #expect(Reading("*2147483647\r\n").fault == .tooLarge)
        #expect(Reading("*40\r\n*40\r\n").fault == .tooLarge)
        // Each reply has its own count.
        let whole = "*60\r\n" + String(repeating: ":1\r\n", count: 60)
        #expect(Reading(whole + whole).replies.count == 2)
    }

    @Test func anEndlessLineIsCutOff() {
        let limits = RESPReader.Limits(bytes: 1 << 24, elements: 64)
        let piece = Array(repeating: UInt8(ascii: "a"), count: 16384)
        let reading = Reading([[UInt8(ascii: "+")]] + Array(repeating: piece, count: 6), limits: limits)
        #expect(reading.isMalformed)
        // A long bulk string is none.
        let bulk = Reading(
            [Array("$\(8 * 16384)\r\n".utf8)] + Array(repeating: piece, count: 8) + [[0x0d, 0x0a]], limits: limits)
        #expect(bulk.replies.count == 1)
        #expect(bulk.fault == nil)
    }

    @Test(arguments: 0..<40)
    func mutatedBytesNeverTrap(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            var bytes = Array(Self.transcript.utf8)
            for _ in 0..<random.int(1...6) {
                let place = random.int(0...(bytes.count - 1))
                switch random.int(0...2) {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.insert(Array("*$:+-\r\n019".utf8)[random.int(0...9)], at: place)
                default: bytes.remove(at: place)
                }
            }
            let cut = random.int(0...bytes.count)
            let reading = Reading([Array(bytes[..<cut]), Array(bytes[cut...])])
            // Cut or not, the same replies and the same verdict.
            #expect(reading == Reading([bytes]))
        }
    }
}

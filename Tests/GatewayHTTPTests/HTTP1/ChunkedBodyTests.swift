import Testing

@testable import GatewayHTTP

@Suite struct ChunkedBodyTests {
    /// Guarantee: framing is told from data at the exact byte, whatever the data looks like.
    @Test func framingEndsWhereDataBegins() throws {
        var body = ChunkedBody()
        let bytes = Array("5;a=b\r\n0\r\n\r\n\r\n3\r\n".utf8)
        guard case .data(7) = try Self.step(&body, bytes[...]) else { return #expect(Bool(false), "no data") }
        #expect(body.dataRemaining == 5)
        body.take(2)
        #expect(body.dataRemaining == 3)
        guard case .data(0) = try Self.step(&body, bytes[9...]) else { return #expect(Bool(false), "no rest") }
        body.take(3)
        guard case .data(5) = try Self.step(&body, bytes[12...]) else { return #expect(Bool(false), "no second chunk") }
        #expect(body.dataRemaining == 3)
    }

    /// Guarantee: the last chunk hands over to the trailer section at its line end, and no byte further.
    @Test func lastChunkEndsAtItsLine() throws {
        var body = ChunkedBody()
        guard case .lastChunk(5) = try Self.step(&body, Array("000\r\nX: y\r\n\r\n".utf8)[...]) else {
            return #expect(Bool(false), "no last chunk")
        }
    }

    /// Guarantee: the bound on a chunk line counts over pieces, and each line anew.
    @Test func lineBoundCountsOverPieces() throws {
        var body = ChunkedBody()
        let name = Array(repeating: UInt8(0x61), count: 4092)
        for _ in 0..<2 {
            guard case .needMore = try Self.step(&body, Array("1;".utf8)[...]) else { return #expect(Bool(false)) }
            for byte in name { _ = try Self.step(&body, [byte]) }
            guard case .data(2) = try Self.step(&body, [13, 10]) else {
                return #expect(Bool(false), "4,096 bytes pass")
            }
            body.take(1)
            _ = try Self.step(&body, [13, 10])
        }
        _ = try Self.step(&body, Array("1;a".utf8)[...])
        #expect(throws: Breach.self) { for byte in name + [13, 10] { _ = try Self.step(&body, [byte]) } }
    }

    private static func step(_ body: inout ChunkedBody, _ bytes: ArraySlice<UInt8>) throws(Breach) -> ChunkedBody.Step {
        let count = bytes.count
        return try HeadGrammarTests.withBase(Array(bytes)) { base throws(Breach) in
            try body.step(UnsafeRawBufferPointer(start: base, count: count))
        }
    }
}

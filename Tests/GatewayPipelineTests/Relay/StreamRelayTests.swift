import GatewayContract
import GatewayDialects
import GatewayWire
import NIOCore
import Testing

@testable import GatewayPipeline

@Suite struct StreamRelayTests {
    private static let role = #"data: {"id":"1","choices":[{"index":0,"delta":{"role":"assistant"}}]}"# + "\n\n"
    private static let text = #"data: {"id":"1","choices":[{"index":0,"delta":{"content":"héllo"}}]}"# + "\n\n"
    private static let finish =
        #"data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"# + "\n\n"
    private static let usage =
        #"data: {"id":"1","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"# + "\n\n"
    private static let done = "data: [DONE]\n\n"

    private static func relay(_ pieces: [[UInt8]], drops: Bool) throws -> (out: String, relay: StreamRelay) {
        let relay = StreamRelay(watch: StreamWatch(endpoint: .chatCompletions, dropUsageEvent: drops))
        var out = ByteBuffer()
        for piece in pieces where !piece.isEmpty {
            try relay.feed(ByteBuffer(bytes: piece)) { out.writeImmutableBuffer($0) }
        }
        return (String(buffer: out), relay)
    }

    /// Guarantee (S-1, S-9, M-11): wherever the stream is cut, the client gets the same bytes, without the usage event
    /// that it did not ask for, and the usage is read.
    @Test func everyCutGivesTheSameBytes() throws {
        let stream = Array((Self.role + Self.text + Self.finish + Self.usage + Self.done).utf8)
        let wanted = Self.role + Self.text + Self.finish + Self.done
        for cut in stream.indices {
            let result = try Self.relay([Array(stream[..<cut]), Array(stream[cut...])], drops: true)
            #expect(result.out == wanted, "cut at \(cut)")
            #expect(result.relay.watch.usage?.total == 7)
        }
        let drip = try Self.relay(stream.map { [$0] }, drops: true)
        #expect(drip.out == wanted)
    }

    /// Guarantee: a client that asked for usage gets every byte as it came.
    @Test func nothingIsDroppedForAClientThatAsked() throws {
        let stream = Self.role + Self.text + Self.finish + Self.usage + Self.done
        for cut in Array(stream.utf8).indices {
            let bytes = Array(stream.utf8)
            let result = try Self.relay([Array(bytes[..<cut]), Array(bytes[cut...])], drops: false)
            #expect(result.out == stream)
        }
    }

    /// Guarantee: an event that has not ended is held back, and whole events before it are not.
    @Test func wholeEventsPassAtOnce() throws {
        let result = try Self.relay([Array((Self.role + Self.text + "data: {\"id\"").utf8)], drops: false)
        #expect(result.out == Self.role + Self.text)
    }
}

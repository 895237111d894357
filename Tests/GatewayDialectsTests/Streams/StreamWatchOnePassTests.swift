import GatewayContract
import GatewayCore
import GatewayTesting
import GatewayWire
import Testing

@testable import GatewayDialects

/// Events are read in one pass, and again with a look at every end where that pass meets anything unusual. What is seen
/// does not depend on it. Each seed is one run; its number is in the message.
@Suite struct StreamWatchOnePassTests {
    private static func mutated(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<random.int(1...5) where !bytes.isEmpty {
            let place = random.int(0...bytes.count - 1)
            let token = Array("{}[]\",:\\u0-9enr \t1tf".utf8).randomElement(using: &random) ?? 0
            switch random.int(0...5) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(token, at: place)
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + random.int(0...20)))
            case 4: bytes[place] = token
            default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 20)], at: place)
            }
        }
        return bytes
    }

    private struct Sight: Equatable {
        var verdict: EventVerdict
        var (sawContent, sawError, sawEnd, isOutputFinal): (Bool, Bool, Bool, Bool)
        var (contentEvents, textBytes, nextSequence): (Int64, Int64, Int64)
        var reported: ReportedUsage
        var (isAnyChoice, areChoicesWhole): (Bool, Bool)

        init(_ verdict: EventVerdict, _ watch: StreamWatch) {
            self.verdict = verdict
            (self.sawContent, self.sawError) = (watch.sawContent, watch.sawError)
            (self.sawEnd, self.isOutputFinal) = (watch.sawEnd, watch.isOutputFinal)
            (self.contentEvents, self.textBytes) = (watch.contentEvents, watch.outputTextBytes)
            self.nextSequence = watch.nextSequenceNumber
            self.reported = watch.reported
            (self.isAnyChoice, self.areChoicesWhole) = (watch.choices.isAnySeen, watch.choices.isWhole)
        }

        static func == (one: Sight, other: Sight) -> Bool {
            one.verdict == other.verdict && one.sawContent == other.sawContent && one.sawError == other.sawError
                && one.sawEnd == other.sawEnd && one.isOutputFinal == other.isOutputFinal
                && one.contentEvents == other.contentEvents && one.textBytes == other.textBytes
                && one.nextSequence == other.nextSequence && one.reported == other.reported
                && one.isAnyChoice == other.isAnyChoice && one.areChoicesWhole == other.areChoicesWhole
        }
    }

    @Test("mutated events are read alike in one pass and with a look at every end", arguments: GoldenStream.names)
    func alike(_ name: String) throws {
        let golden = try GoldenStream(name)
        let endpoint = try #require(golden.endpoint)
        for seed in 0..<300 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let bytes = seed == 0 ? golden.bytes : Self.mutated(golden.bytes, &random)
            var watch = StreamWatch(endpoint: endpoint, dropUsageEvent: true)
            var careful = watch
            var scanner = SSEScanner()
            try bytes.withUnsafeBytes { chunk in
                try scanner.feed(chunk) { event in
                    let one = Sight(watch.event(name: event.name, data: event.data), watch)
                    let other = Sight(
                        careful.event(name: event.name, data: event.data, checksEnds: true), careful)
                    #expect(one == other, "seed \(seed): \(text(Array(event.data)))")
                }
            }
        }
    }

    private static func chunk(_ head: String, _ rest: String) -> String {
        #"{"id":"chatcmpl-0123456789","object":"chat.completion.chunk","#
            + head + #""choices":"# + rest
    }

    @Test(
        "chunks that begin like the one before are read to their end, and those that differ from their beginning",
        arguments: [
            (#""usage":{"prompt_tokens":1,"completion_tokens":2},"#, #"[{"delta":{"content":"ab"}}]}"#),
            ("", #"[]}"#), ("", " [{\"delta\":{\"content\":\"ab\"}}]}"), ("", "null}"), ("", "}"), ("", ""),
            ("", #"{"delta":{"content":"ab"}}}"#), ("", #"[{"delta":{"content":"ab"}}],"error":{"message":"m"}}"#),
            (#""error":null,"#, #"[{"delta":{"content":"ab"}}]}"#), (#""error":1,"#, #"[{"delta":{}}]}"#),
            ("", #"[{"delta":{"content":"ab"}}],"choices":[{"delta":{"content":"cd"}}]}"#),
            (" ", #"[{"delta":{"content":"ab"},"finish_reason":"stop"}]}"#),
        ])
    func heads(_ head: String, _ rest: String) {
        var watch = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: true)
        var careful = watch
        let usual = Self.chunk("", #"[{"delta":{"content":"ab"}}]}"#)
        for event in [usual, usual, Self.chunk(head, rest), Self.chunk(head, rest), usual] {
            let one = Sight(watch.event(event), watch)
            let verdict = Array(event.utf8).withUnsafeBytes {
                careful.event(name: UnsafeRawBufferPointer(start: nil, count: 0), data: $0, checksEnds: true)
            }
            #expect(one == Sight(verdict, careful), "\(event)")
        }
        #expect(watch.outputTextBytes >= 4)
    }
}

import GatewayContract
import GatewayCore
import GatewayDialects
import Testing

/// Recorded-style streams of every dialect: what is seen in them is what their `.expect` file says, however they are
/// cut.
@Suite struct StreamWatchGoldenTests {
    private static func watch(_ golden: GoldenStream) throws -> StreamWatch {
        StreamWatch(
            endpoint: try #require(golden.endpoint), dropUsageEvent: golden.expected["drop-usage"] == "yes",
            choiceCount: Int64(golden.expected["choices"] ?? "1") ?? 1)
    }

    private static func indices(_ golden: GoldenStream, _ key: String) -> [Int] {
        golden.expected[key]?.split(separator: " ").compactMap { Int($0) } ?? []
    }

    @Test("M-2 M-10 M-11 M-15 S-3 S-4 S-8 S-9: what a whole stream shows", arguments: GoldenStream.names)
    func seen(_ name: String) throws {
        let golden = try GoldenStream(name)
        let sight = try StreamSight(golden.bytes, cuts: [], watch: Self.watch(golden))
        #expect(sight.sawContent == (golden.expected["content"] == "yes"))
        #expect(sight.textBytes == Int64(golden.expected["text-bytes"] ?? ""))
        #expect(sight.usage == golden.units("usage"))
        #expect(sight.sawError == (golden.expected["error"] == "yes"))
        #expect(sight.nextSequence == Int64(golden.expected["next-sequence"] ?? "0"))
        switch golden.expected["end"] {
        case "complete": #expect(sight.end == .complete)
        case "supplied": #expect(sight.end == .completeSupplying(Array("data: [DONE]\n\n".utf8)))
        case "failed": #expect(sight.end == .failed)
        default: #expect(sight.end == .truncated)
        }
        let dropped = sight.verdicts.indices.filter { sight.verdicts[$0] == .drop }
        #expect(dropped == Self.indices(golden, "dropped"))
        let replaced = sight.verdicts.indices.filter { sight.verdicts[$0] != .drop && sight.verdicts[$0] != .pass }
        #expect(replaced == Self.indices(golden, "replaced"))
    }

    @Test("M-1 M-15: without a final report known input and forwarded text are settled", arguments: GoldenStream.names)
    func settled(_ name: String) throws {
        let golden = try GoldenStream(name)
        let sight = try StreamSight(golden.bytes, cuts: [], watch: Self.watch(golden))
        if let usage = golden.units("usage") {
            #expect(sight.settled == usage)
            #expect(sight.source == .provider)
            return
        }
        var units = golden.units("known-input") ?? UsageUnits()
        if golden.expected["known-input"] == nil { units.inputUncached = 100 }
        units.output = Int64(golden.expected["estimate"] ?? "") ?? -1
        #expect(sight.settled == units)
        #expect(sight.source == .estimated)
    }

    @Test("S-1 M-11: cut at any byte, the stream shows the same", arguments: GoldenStream.names)
    func everySplit(_ name: String) throws {
        let golden = try GoldenStream(name)
        let watch = try Self.watch(golden)
        let whole = try StreamSight(golden.bytes, cuts: [], watch: watch)
        for cut in 0...golden.bytes.count {
            let sight = try StreamSight(golden.bytes, cuts: [cut], watch: watch)
            guard sight == whole else {
                Issue.record("\(name) differs when cut at byte \(cut)")
                return
            }
        }
        #expect(try StreamSight(golden.bytes, cuts: Array(1..<golden.bytes.count), watch: watch) == whole)
    }

    @Test("M-10: settling does not depend on where the stream is when it is asked", arguments: GoldenStream.names)
    func neverNegative(_ name: String) throws {
        let golden = try GoldenStream(name)
        for count in stride(from: 0, to: golden.bytes.count, by: 7) {
            let sight = try StreamSight(Array(golden.bytes[..<count]), cuts: [], watch: Self.watch(golden))
            let units = sight.settled
            for part in [units.inputUncached, units.cacheRead, units.output, units.reasoning, units.audioInput] {
                #expect(part >= 0)
            }
        }
    }
}

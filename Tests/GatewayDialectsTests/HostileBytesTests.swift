import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayTesting
import GatewayWire
import Testing

/// DESIGN 8: nothing that a peer can send may trap. Each seed is one run; a trap names it.
@Suite struct HostileBytesTests {
    private static func mutated(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<random.int(1...6) where !bytes.isEmpty {
            let place = random.int(0...bytes.count - 1)
            switch random.int(0...4) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(Array("{}[]\",:\\u0-9e".utf8).randomElement(using: &random) ?? 0, at: place)
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + random.int(0...40)))
            default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 20)], at: place)
            }
        }
        return bytes
    }

    private static func seen(_ units: UsageUnits) -> Bool {
        [
            units.inputUncached, units.cacheRead, units.cacheWrite5m, units.cacheWrite1h, units.output, units.reasoning,
            units.audioInput, units.audioOutput, units.imageInput, units.toolUnits,
        ].allSatisfy { $0 >= 0 }
    }

    @Test("M-7: mutated streams neither trap nor give negative units", arguments: GoldenStream.names)
    func streams(_ name: String) throws {
        let golden = try GoldenStream(name)
        let endpoint = try #require(golden.endpoint)
        for seed in 0..<150 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let bytes = Self.mutated(golden.bytes, &random)
            let watch = StreamWatch(endpoint: endpoint, dropUsageEvent: true)
            let sight = try StreamSight(bytes, cuts: [random.int(0...bytes.count)], watch: watch)
            #expect(Self.seen(sight.settled), "seed \(seed)")
            #expect(sight.usage.map(Self.seen) ?? true, "seed \(seed)")
            var reader = AnswerReader(endpoint: endpoint)
            bytes.withUnsafeBytes { reader.feed($0) }
            #expect(Self.seen(reader.end().settlement(estimatedInput: 1).units), "seed \(seed)")
            _ = ProviderErrorReading.read(status: 500, body: bytes, family: endpoint.family, requestID: "r")
        }
    }

    @Test("mutated requests are refused or give edits that keep to the body")
    func requests() {
        for (index, given) in StoredObjectsTests.refused.enumerated() {
            for seed in 0..<100 as Range<UInt64> {
                var random = SeededRandom(seed: seed &+ UInt64(index) << 32)
                let body = Self.mutated(Array(#"{"stream":true,"model":"m",\#(given.fields)}"#.utf8), &random)
                body.withUnsafeBytes { body in
                    guard
                        let inspection = try? RequestInspector.inspect(
                            body, endpoint: given.endpoint, modelInPath: "g")
                    else { return }
                    let splices = RequestSplices.make(
                        for: inspection, upstreamModelLiteral: Array("\"up\"".utf8), addUsage: true)
                    #expect(splices.applied(to: body).count == splices.resultCount(of: body.count))
                }
            }
        }
    }
}

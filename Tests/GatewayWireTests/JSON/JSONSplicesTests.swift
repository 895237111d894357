import GatewayTesting
import GatewayWire
import Testing

@Suite struct JSONSplicesTests {
    private func apply(_ splices: JSONSplices, _ body: String) -> String {
        bytes(body).withUnsafeBytes { all in
            let result = splices.applied(to: all)
            #expect(splices.resultCount(of: all.count) == result.count)
            return text(result)
        }
    }

    @Test func nothingChangesWithoutEdits() {
        #expect(self.apply(JSONSplices(), "{\"a\": 1}") == "{\"a\": 1}")
        #expect(self.apply(JSONSplices(), "") == "")
    }

    @Test func editsStandInTheOrderOfTheBody() {
        var splices = JSONSplices()
        splices.replace(4..<6, with: bytes("XYZ"))
        splices.insert(bytes("<"), at: 0)
        splices.replace(1..<2, with: [])
        splices.insert(bytes(">"), at: 8)
        #expect(splices.edits.map(\.range) == [0..<0, 1..<2, 4..<6, 8..<8])
        #expect(self.apply(splices, "01234567") == "<023XYZ67>")
    }

    @Test func insertionsAtOnePlaceKeepTheOrderOfTheCalls() {
        var splices = JSONSplices()
        splices.insert(bytes("a"), at: 2)
        splices.insert(bytes("b"), at: 2)
        splices.replace(2..<3, with: bytes("c"))
        #expect(self.apply(splices, "0123") == "01abc3")
    }

    @Test func adjacentEditsDoNotOverlap() {
        var splices = JSONSplices()
        splices.replace(2..<4, with: bytes("B"))
        splices.replace(0..<2, with: bytes("A"))
        splices.replace(4..<6, with: bytes("C"))
        #expect(self.apply(splices, "001122") == "ABC")
    }

    @Test func randomEditsGiveWhatASlowReplacementGives() {
        for seed in 0..<300 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let body = (0..<random.int(0...40)).map { UInt8(0x41 + $0 % 26) }
            var ranges: [Range<Int>] = []
            var from = 0
            while from < body.count {
                let start = random.int(from...body.count)
                let end = random.int(start...min(body.count, start + 4))
                ranges.append(start..<end)
                from = end + 1
            }
            var expected = body
            for (index, range) in ranges.enumerated().reversed() {
                expected.replaceSubrange(range, with: bytes("[\(index)]"))
            }
            var splices = JSONSplices()
            for (index, range) in ranges.enumerated().shuffled(using: &random) {
                splices.replace(range, with: bytes("[\(index)]"))
            }
            #expect(self.apply(splices, text(body)) == text(expected), "seed \(seed)")
        }
    }

    /// Places of another body do no harm.
    @Test func editsBeyondTheBodyAreCut() {
        var splices = JSONSplices()
        splices.replace(2..<10, with: bytes("x"))
        #expect(self.apply(splices, "0123") == "01x")
    }
}

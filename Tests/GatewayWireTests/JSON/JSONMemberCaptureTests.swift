import GatewayTesting
import GatewayWire
import Testing

@Suite struct JSONMemberCaptureTests {
    private static let names = JSONNames(JSONGenerator.names)

    private func capture(_ chunks: [[UInt8]], max: Int = 65536) -> JSONMemberCapture {
        var capture = JSONMemberCapture(names: Self.names, capturedBytesMax: max)
        for chunk in chunks { chunk.withUnsafeBytes { capture.feed($0) } }
        return capture
    }

    /// What the one-pass scanner says of the whole text.
    private func whole(_ body: [UInt8]) -> [[UInt8]?]? {
        body.withUnsafeBytes { all in
            (try? JSONTopLevel.scan(all, for: Self.names))?.members.map { $0.map { Array(body[$0.value]) } }
        }
    }

    private func check(_ capture: JSONMemberCapture, _ body: [UInt8], _ expected: [[UInt8]?]?, _ note: String) {
        let note: Comment = "\(note): \(text(body).debugDescription)"
        #expect(capture.isWhole == (expected != nil), note)
        #expect(!(capture.isWhole && capture.isMalformed), note)
        guard let expected else { return }
        for index in expected.indices { #expect(capture.value(index) == expected[index], note) }
    }

    private static let sample = #"""
         {"id":"x\u00e9\"","mod\u0065l" : "gpt\n-4o","usage":{"a":[1,{"b":"}\\\""}],"c":"é"} ,
          "n":-1.5e+10,"stream":false,"max_tokens":null}
        """#

    @Test func everySplitGivesTheSameValues() throws {
        let body = bytes(Self.sample)
        let expected = try #require(self.whole(body))
        #expect(expected.compactMap { $0 }.count == 5)
        for cut in 0...body.count {
            self.check(self.capture([Array(body[..<cut]), Array(body[cut...])]), body, expected, "cut \(cut)")
        }
        self.check(self.capture(body.map { [$0] }), body, expected, "byte by byte")
    }

    @Test func aPartIsNotWhole() {
        let body = bytes(Self.sample)
        let lastBrace = body.lastIndex(of: UInt8(ascii: "}")) ?? 0
        for cut in 0...lastBrace {
            let capture = self.capture([Array(body[..<cut])])
            #expect(!capture.isWhole && !capture.isMalformed, "cut \(cut)")
        }
    }

    /// The resumable reader and the one-pass scanner are two implementations of one rule.
    @Test func agreesWithTheScannerOnGeneratedAndMutatedTexts() {
        var (accepted, count) = (0, 0)
        for seed in 0..<8000 as Range<UInt64> {
            var generator = JSONGenerator(random: SeededRandom(seed: seed))
            var body = generator.object(repeats: seed % 7 == 0)
            if seed % 3 != 0 { body = generator.random.mutate(body, alphabet: JSONGenerator.alphabet) }
            let expected = self.whole(body)
            count += 1
            accepted += expected == nil ? 0 : 1
            let chunks = generator.random.chunks(body, every: 4)
            self.check(self.capture(chunks), body, expected, "seed \(seed)")
        }
        print("JSON captured: \(accepted * 100 / count) % accepted")
        #expect(accepted * 100 >= count * 25 && accepted * 100 <= count * 85)
    }

    @Test func surplusAfterTheObjectIsMalformed() {
        let capture = self.capture([bytes("{\"n\":1}"), bytes(" \n"), bytes("{")])
        #expect(capture.isMalformed && !capture.isWhole)
        #expect(self.capture([bytes("{} \r\n\t")]).isWhole)
    }

    @Test func aValueBeyondTheCapIsPassedOver() {
        let body = bytes("{\"usage\":{\"a\":\"0123456789\"},\"n\":12345678,\"model\":\"123456789\"}")
        for every in [1, 2, 100] as [UInt64] {
            var random = SeededRandom(seed: every)
            let capture = self.capture(every == 1 ? body.map { [$0] } : random.chunks(body, every: every), max: 8)
            #expect(capture.isWhole)
            #expect(capture.value(3) == nil && capture.isOverCap(3))
            #expect(capture.value(2) == bytes("12345678") && !capture.isOverCap(2))
            #expect(capture.value(0) == nil && capture.isOverCap(0))
        }
    }

    @Test func anUnfinishedValueIsNotHandedOut() {
        let capture = self.capture([bytes("{\"model\":\"a\",\"usage\":{\"a\":1")])
        #expect(capture.value(0) == bytes("\"a\""))
        #expect(capture.value(3) == nil)
        #expect(capture.value(99) == nil && capture.value(-1) == nil)
    }

    @Test func aNameWithoutEndIsRefusedInBoundedMemory() {
        var capture = JSONMemberCapture(names: Self.names)
        bytes("{\"").withUnsafeBytes { capture.feed($0) }
        let piece = [UInt8](repeating: 0x61, count: 1000)
        for _ in 0..<6 { piece.withUnsafeBytes { capture.feed($0) } }
        #expect(capture.isMalformed)
    }

    @Test func depthBombsAreMalformed() {
        let bomb = bytes("{\"x\":") + [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        #expect(self.capture([bomb]).isMalformed)
        let deep = String(repeating: "[", count: 511) + String(repeating: "]", count: 511)
        #expect(self.capture([bytes("{\"x\":\(deep)}")]).isWhole)
    }
}

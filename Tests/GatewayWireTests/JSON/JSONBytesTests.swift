import GatewayTesting
import Testing

@testable import GatewayWire

/// The searches that look at many bytes at once find what a look at each byte finds.
@Suite struct JSONBytesTests {
    private static func isStop(_ byte: UInt8) -> Bool { byte == 0x22 || byte == 0x5c || byte < 0x20 }

    private static func isStructure(_ byte: UInt8) -> Bool { Array("\"{}[]".utf8).contains(byte) }

    /// Bytes of which one in `rarity` is from `special`.
    private static func bytes(_ random: inout SeededRandom, rarity: UInt64, special: [UInt8]) -> [UInt8] {
        (0..<random.int(0...200)).map { _ in
            let byte = UInt8(truncatingIfNeeded: random.next())
            if random.oneIn(rarity) { return special.randomElement(using: &random) ?? 0 }
            return isStop(byte) || isStructure(byte) ? 0x61 : byte
        }
    }

    @Test("plain bytes end at the first quote, backslash or control byte, whatever lies around them")
    func plainEnds() {
        for seed in 0..<4000 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let text = Self.bytes(&random, rarity: random.oneIn(2) ? 20 : 150, special: [0x22, 0x5c, 0, 0x1f, 0x0a])
            let end = random.int(0...text.count)
            let from = random.int(0...end)
            let expected = text[from..<end].firstIndex(where: Self.isStop) ?? end
            text.withUnsafeBytes { text in
                guard let base = text.baseAddress else { return }
                #expect(JSONBytes.plainEnd(base, from: from, to: end) == expected, "seed \(seed)")
            }
        }
    }

    /// Every byte value at every place of a block, and one byte of each kind is found among all others.
    @Test func everyByteIsClassedAlike() {
        for place in 0..<40 {
            for byte in UInt8.min...UInt8.max {
                var text = [UInt8](repeating: 0x61, count: 40)
                text[place] = byte
                text.withUnsafeBytes { text in
                    guard let base = text.baseAddress else { return }
                    let (plain, structure) = (Self.isStop(byte) ? place : 40, Self.isStructure(byte) ? place : 40)
                    #expect(JSONBytes.plainEnd(base, from: 0, to: 40) == plain)
                    #expect(JSONBytes.structureStart(base, from: 0, to: 40) == structure)
                    let line = byte == 0x0a || byte == 0x0d ? place : 40
                    #expect(SSEBytes.lineEnd(base, from: 0, to: 40) == line)
                }
            }
        }
    }

    @Test func linesEndAtTheFirstLineFeedOrCarriageReturn() {
        for seed in 0..<4000 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let text = Self.bytes(&random, rarity: random.oneIn(2) ? 20 : 150, special: [0x0a, 0x0d])
            let end = random.int(0...text.count)
            let from = random.int(0...end)
            let expected = text[from..<end].firstIndex { $0 == 0x0a || $0 == 0x0d } ?? end
            text.withUnsafeBytes { text in
                guard let base = text.baseAddress else { return }
                #expect(SSEBytes.lineEnd(base, from: from, to: end) == expected, "seed \(seed)")
            }
        }
    }

    /// As many closing brackets as opening ones, strings left out.
    private static func containerEnd(_ text: [UInt8]) -> Int? {
        var (at, depth, isInString) = (0, 0, false)
        while at < text.count {
            let byte = text[at]
            at += 1
            if isInString {
                if byte == 0x5c { at += 1 }
                if byte == 0x22 { isInString = false }
                continue
            }
            switch byte {
            case 0x22: isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: continue
            }
            if depth == 0, !isInString { return at }
        }
        return nil
    }

    @Test("objects and arrays end where their brackets are even, whatever is in them")
    func containerEnds() {
        var found = 0
        for seed in 0..<6000 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            var generator = JSONGenerator(random: random)
            var text = Array("[".utf8) + generator.object() + Array("]".utf8)
            if seed % 2 == 1 { text = Array("{".utf8) + random.mutate(text, alphabet: JSONGenerator.alphabet) }
            let expected = Self.containerEnd(text)
            found += expected == nil ? 0 : 1
            text.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                #expect(JSONBytes.containerEnd(base, from: 0, to: bytes.count) == expected, "seed \(seed)")
            }
        }
        #expect(found > 2000)
    }
}

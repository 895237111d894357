import GatewayTesting
import GatewayWire
import Testing

@Suite struct InflaterTests {
    private struct Reading: Equatable {
        var bytes: [UInt8] = []
        var fault: InflateFault?
        var isFinished = false
    }

    private func inflate(_ chunks: [[UInt8]], _ format: InflateFormat, max: Int = 1 << 20, ratio: Int = 200) -> Reading
    {
        let inflater = Inflater(format: format, outputBytesMax: max, ratioMax: ratio)
        var reading = Reading()
        for chunk in chunks {
            chunk.withUnsafeBytes { bytes in
                do throws(InflateFault) {
                    try inflater.feed(bytes) { reading.bytes.append(contentsOf: $0) }
                } catch { reading.fault = error }
            }
        }
        reading.isFinished = inflater.isFinished
        return reading
    }

    private static let cases: [(InflateFormat, [UInt8])] = [
        (.gzip, EncodedBodies.gzipText), (.deflate, EncodedBodies.zlibText), (.deflate, EncodedBodies.rawText),
        (.gzip, EncodedBodies.storedGzip(bytes(EncodedBodies.plain))),
    ]

    @Test(arguments: cases.indices) func everySplitGivesTheSameBytes(index: Int) {
        let (format, encoded) = Self.cases[index]
        let expected = Reading(bytes: bytes(EncodedBodies.plain), fault: nil, isFinished: true)
        for cut in 0...encoded.count {
            #expect(self.inflate([Array(encoded[..<cut]), Array(encoded[cut...])], format) == expected, "cut \(cut)")
        }
        #expect(self.inflate(encoded.map { [$0] }, format) == expected)
        #expect(self.inflate([[]] + [encoded] + [[]], format) == expected)
    }

    /// A truncated body is no fault but never finished.
    @Test(arguments: cases.indices) func truncationIsTold(index: Int) {
        let (format, encoded) = Self.cases[index]
        for cut in 0..<encoded.count {
            let reading = self.inflate([Array(encoded[..<cut])], format)
            #expect(reading.fault == nil && !reading.isFinished, "cut \(cut)")
        }
    }

    @Test(arguments: cases.indices) func surplusAfterTheEndIsMalformed(index: Int) {
        let (format, encoded) = Self.cases[index]
        for surplus in [[0], [0x1f, 0x8b, 0x09, 0], [0x78, 0x9c, 0, 0, 0]] as [[UInt8]] {
            let one = self.inflate([encoded + surplus], format)
            let two = self.inflate([encoded, surplus], format)
            #expect(!one.isFinished && !two.isFinished)
            // The first byte of a gzip member could be one: only that much is no fault yet.
            if format == .deflate || surplus.count > 2 { #expect(one.fault == .malformed && two.fault == .malformed) }
        }
    }

    @Test func membersOfGzipInARowAreOneBody() {
        let encoded = EncodedBodies.gzipText + EncodedBodies.storedGzip([]) + EncodedBodies.gzipText
        let expected = Reading(bytes: bytes(EncodedBodies.plain + EncodedBodies.plain), fault: nil, isFinished: true)
        #expect(self.inflate([encoded], .gzip) == expected)
        #expect(self.inflate(encoded.map { [$0] }, .gzip) == expected)
        #expect(!self.inflate([Array(encoded.dropLast())], .gzip).isFinished)
        #expect(self.inflate([EncodedBodies.zlibText + EncodedBodies.zlibText], .deflate).fault == .malformed)
    }

    @Test func changedBytesAreFound() {
        for (format, encoded) in [(InflateFormat.gzip, EncodedBodies.gzipText), (.deflate, EncodedBodies.zlibText)] {
            for index in encoded.indices {
                var changed = encoded
                changed[index] ^= 0x55
                let reading = self.inflate([changed], format)
                let isSame = reading.bytes == bytes(EncodedBodies.plain)
                #expect(!reading.isFinished || isSame, "byte \(index)")
            }
        }
    }

    @Test func theOutputIsCapped() {
        let count = EncodedBodies.plain.utf8.count
        #expect(self.inflate([EncodedBodies.gzipText], .gzip, max: count).isFinished)
        #expect(self.inflate([EncodedBodies.gzipText], .gzip, max: count - 1).fault == .tooLarge)
        let large = EncodedBodies.storedGzip([UInt8](repeating: 0x61, count: 200_000))
        let reading = self.inflate([large], .gzip, max: 100_000)
        #expect(reading.fault == .tooLarge && reading.bytes.count <= 100_000)
        #expect(self.inflate([large], .gzip).bytes.count == 200_000)
    }

    @Test func theRatioIsCapped() {
        let reading = self.inflate([EncodedBodies.bomb], .gzip)
        #expect(reading.fault == .tooLarge && reading.bytes.count <= 64 << 10)
        #expect(self.inflate([EncodedBodies.bomb], .gzip, ratio: 1000).bytes.count == 300_000)
        #expect(self.inflate(EncodedBodies.bomb.map { [$0] }, .gzip).fault == .tooLarge)
    }

    @Test func aPresetDictionaryIsMalformed() {
        #expect(self.inflate([EncodedBodies.dictionary], .deflate).fault == .malformed)
    }

    @Test func aFaultLasts() throws {
        let inflater = Inflater(format: .gzip, outputBytesMax: 1000)
        for chunk in [bytes("no gzip"), EncodedBodies.gzipText] {
            #expect(throws: InflateFault.malformed) { try chunk.withUnsafeBytes { try inflater.feed($0) { _ in } } }
        }
        #expect(!inflater.isFinished)
    }

    @Test func codingsAreNamed() {
        for (name, format) in [
            ("gzip", InflateFormat.gzip), ("GZIP", .gzip), ("x-gzip", .gzip), ("deflate", .deflate), ("br", nil),
            ("gzip, gzip", nil), ("identity", nil),
            ("", nil),
        ] as [(String, InflateFormat?)] {
            #expect(bytes(name).withUnsafeBytes { InflateFormat(contentEncoding: $0) } == format)
        }
    }

    /// S-4: garbage never traps and never counts as finished in silence.
    @Test func garbageNeverTraps() {
        var random = SeededRandom(seed: 17)
        for _ in 0..<1000 {
            var garbage = (0..<random.int(0...80)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            if random.oneIn(2) { garbage = random.mutate(EncodedBodies.gzipText, alphabet: garbage + [0]) }
            let chunks = random.chunks(garbage, every: 10)
            for format in [InflateFormat.gzip, .deflate] {
                #expect(self.inflate(chunks, format) == self.inflate([garbage], format))
            }
        }
    }
}

import GatewayTesting
import Testing

@testable import GatewayDialects

@Suite struct Base64RunsTests {
    private static func count(_ bytes: [UInt8], pieces: (inout SeededRandom) -> Int, seed: UInt64 = 1) -> Int64 {
        var random = SeededRandom(seed: seed)
        var runs = Base64Runs()
        var from = 0
        while from < bytes.count {
            let end = min(bytes.count, from + pieces(&random))
            bytes[from..<end].withUnsafeBytes { runs.feed($0) }
            from = end
        }
        return runs.byteCount
    }

    /// Byte by byte, as it is defined.
    private static func plain(_ bytes: [UInt8]) -> Int64 {
        let letters = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_\\".utf8)
        var (count, run) = (0, 0)
        for byte in bytes {
            if letters.contains(byte) || (run >= Base64Runs.shortest && byte != 0x22) {
                run += 1
            } else {
                count += run >= Base64Runs.shortest ? run : 0
                run = 0
            }
        }
        return Int64(count + (run >= Base64Runs.shortest ? run : 0))
    }

    @Test("runs of every length are counted as defined, however the text is cut", arguments: 0..<60 as Range<UInt64>)
    func splits(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var bytes: [UInt8] = []
        for _ in 0..<random.int(0...12) {
            let length = [random.int(0...40), random.int(1000...1050), random.int(1024...5000)][random.int(0...2)]
            bytes += (0..<length).map { _ in Array("aZ09+/=-_\\".utf8)[random.int(0...9)] }
            bytes += Array(
                repeating: [0x20, 0x22, 0x2E, 0x3A, 0x40, 0x5B, 0x60, 0x7B, 0xC3][random.int(0...8)], count: 1)
        }
        let expected = Self.plain(bytes)
        #expect(Self.count(bytes, pieces: { _ in .max / 2 }) == expected)
        #expect(Self.count(bytes, pieces: { _ in 1 }) == expected)
        #expect(Self.count(bytes, pieces: { $0.int(1...3000) }, seed: seed) == expected)
    }

    @Test("text of ordinary words is none")
    func words() {
        let bytes = Array(String(repeating: "The quick brown fox, 2 dogs. \\n", count: 500).utf8)
        #expect(Self.count(bytes, pieces: { _ in .max / 2 }) == 0)
    }
}

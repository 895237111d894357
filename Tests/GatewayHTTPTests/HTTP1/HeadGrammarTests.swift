import GatewayCore
import GatewayTesting
import GatewayWire
import Testing

@testable import GatewayHTTP

@Suite struct HeadGrammarTests {
    private static let alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

    /// Guarantee: the sets written as numbers are the sets of the grammar.
    @Test func byteSetsHoldWhatTheyName() {
        let unreserved = Self.alphanumeric + "-._~"
        let query = unreserved + "!$&'()*+,;=" + ":@/?" + "[]"
        let sets: [(ByteSet, String)] = [
            (.token, Self.alphanumeric + "!#$%&'*+-.^_`|~"), (.query, query),
            (.path, query.filter { $0 != "?" }), (.host, Self.alphanumeric + "-._"),
        ]
        for (set, members) in sets {
            let expected = Set(members.utf8)
            for byte in UInt8.min...UInt8.max { #expect(set.contains(byte) == expected.contains(byte)) }
        }
    }

    /// Guarantee: looking at eight bytes at once finds exactly what looking at each would, in every lane.
    @Test func wordsAreJudgedLikeTheirBytes() {
        let common = Set((Self.alphanumeric + "-").utf8)
        var random = SeededRandom(seed: 1)
        for round in 0..<4000 {
            var bytes = (0..<8).map { _ in
                random.oneIn(3) ? UInt8(truncatingIfNeeded: random.next()) : UInt8(random.int(0x2b...0x7f))
            }
            bytes[round % 8] = UInt8(truncatingIfNeeded: round / 8)
            let word = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let uncommon = bytes.indices.reduce(UInt64(0)) {
                common.contains(bytes[$1]) ? $0 : $0 | 0x80 << UInt64($1 * 8)
            }
            #expect(HeadGrammar.uncommonBytes(word) == uncommon)
            let firstControl = bytes.firstIndex { $0 < 0x20 }
            let controls = HeadGrammar.controlBytes(word)
            #expect((controls == 0 ? nil : controls.trailingZeroBitCount / 8) == firstControl)
            let zeros = HeadGrammar.zeroBytes(word)
            #expect((zeros == 0 ? nil : zeros.trailingZeroBitCount / 8) == bytes.firstIndex(of: 0))
        }
    }

    /// Guarantee: an illegal byte is found at every offset of a value, whatever the alignment.
    @Test func endOfTextStopsAtEveryOffset() throws {
        for length in 0..<40 {
            for place in 0..<max(length, 1) {
                var text = Array(repeating: UInt8(0xe9), count: length) + [13, 10]
                let whole = try Self.withBase(text) { base throws(Breach) in
                    try HeadGrammar.endOfText(base, 0, text.count)
                }
                #expect(whole == length)
                guard length > 0 else { continue }
                for bad: UInt8 in [0, 10, 31, 127] {
                    text[place] = bad
                    #expect(throws: Breach.self) {
                        try Self.withBase(text) { base throws(Breach) in try HeadGrammar.endOfText(base, 0, text.count)
                        }
                    }
                }
                text[place] = 9
                let tabbed = try Self.withBase(text) { base throws(Breach) in
                    try HeadGrammar.endOfText(base, 0, text.count)
                }
                #expect(tabbed == length)
                for cut in 0...(length + 1) {
                    let end = try Self.withBase(text) { base throws(Breach) in try HeadGrammar.endOfText(base, 0, cut) }
                    #expect(end == HeadGrammar.incomplete)
                }
            }
        }
    }

    @Test(arguments: [
        ("0", 0), ("9", 9), ("000000000000000000000000000042", 42), ("999999999999999999", 999_999_999_999_999_999),
        ("9223372036854775807", Int64.max), ("9223372036854775808", nil), ("99999999999999999999", nil), ("", nil),
        ("+1", nil), ("1 ", nil), ("1a", nil), ("0000000000000000000a", nil), ("١", nil),
    ])
    func decimalIsDigitsWithin63Bits(_ text: String, _ value: Int64?) {
        let bytes = Array(text.utf8) + [0]
        #expect(bytes.withUnsafeBytes { HeadGrammar.decimal($0.baseAddress!, 0..<bytes.count - 1) } == value)
    }

    /// Guarantee: a name in a head is classified as `HeaderID(name:)` classifies it, near misses included.
    @Test func namesAreClassifiedAsByTheTable() throws {
        for id in HeaderID.allCases where id != .other {
            let name = id.name
            for text in [name, name.uppercased(), name + "x", String(name.dropLast()), "x" + name, "_" + name] {
                for room in [0, 1, 40] where !text.isEmpty {
                    let bytes = Array((text + ":" + String(repeating: "v", count: room)).utf8)
                    var found = HeaderID.other
                    let colon = try Self.withBase(bytes) { base throws(Breach) in
                        try FieldName.read(base, 0, bytes.count, HeadNames.slots, &found)
                    }
                    #expect(colon == text.utf8.count)
                    #expect(found == HeaderID(name: Array(text.utf8)), "\(text)")
                }
            }
        }
    }

    /// Guarantee: no byte but the other case of a letter passes for a letter, digit or hyphen of a known name.
    @Test func noOtherByteStandsForALetter() {
        let name = Array("content-length".utf8)
        for place in name.indices {
            for byte in UInt8.min...UInt8.max where byte | 0x20 != name[place] || byte < 0x20 {
                var changed = name
                changed[place] = byte
                let bytes = changed + Array(": 1\r\nHost: a\r\n\r\n".utf8)
                var found = HeaderID.other
                _ = try? Self.withBase(bytes) { base throws(Breach) in
                    try FieldName.read(base, 0, bytes.count, HeadNames.slots, &found)
                }
                #expect(found == .other)
            }
        }
    }

    static func withBase<Result>(
        _ bytes: [UInt8], _ body: (UnsafeRawPointer) throws(Breach) -> Result
    ) throws(Breach) -> Result {
        // An exact allocation, so that a read behind the end is seen by a sanitiser.
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes)
        return try body(UnsafeRawPointer(copy.baseAddress!))
    }
}

import GatewayTesting
import GatewayWire
import Testing

@Suite struct JSONTextTests {
    private func string(_ literal: [UInt8]) -> String? { literal.withUnsafeBytes { JSONText.string($0) } }

    private func string(_ literal: String) -> String? { self.string(bytes(literal)) }

    private func integer(_ literal: String) -> Int64? { bytes(literal).withUnsafeBytes { JSONText.integer($0) } }

    @Test func stringsAreDecoded() {
        #expect(self.string("\"\"") == "")
        #expect(self.string("\"gpt-4o\"") == "gpt-4o")
        #expect(self.string(#""\"\\\/\b\f\n\r\t""#) == "\"\\/\u{8}\u{c}\n\r\t")
        #expect(self.string(#""\u0041\u00e9\u20AC\ud83d\ude00""#) == "Aé€😀")
        #expect(self.string(#""\u0000""#) == "\0")
        #expect(self.string("\"é€😀\"") == "é€😀")
    }

    @Test(arguments: [
        "", "\"", "a", "\"a", "a\"", "\"a\"b\"", "\"\\\"", "\"\\q\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"",
        "\"\u{1f}\"",
        "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83dx\"", "\"\\ud83d\\n\"", "\"\\ud83d\\u0041\"", "\"\\ude00\\ud83d\"",
        "\"\\ud83d\\ude\"",
        "\"\\u+123\"", "\"\\U0041\"",
    ])
    func whatIsNoJSONStringIsRefused(literal: String) {
        #expect(self.string(literal) == nil)
    }

    @Test(
        arguments: [
            [0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82],
        ] as [[UInt8]])
    func whatIsNoUTF8IsRefused(inside: [UInt8]) {
        #expect(self.string([0x22] + inside + [0x22]) == nil)
        #expect(self.string(bytes("\"\\n") + inside + [0x22]) == nil)
    }

    @Test func integersAreReadHoweverTheyAreWritten() {
        for (literal, value) in [
            ("0", 0), ("-0", 0), ("-0.0e5", 0), ("12", 12), ("-12", -12), ("1e3", 1000), ("1E+3", 1000), ("2.0", 2),
            ("2.50e1", 25),
            ("100e-2", 1), ("1000000e-6", 1), ("0.000001e6", 1), ("9223372036854775807", Int64.max),
            ("-9223372036854775808", Int64.min),
            ("9223372036854775807.000", Int64.max), ("92233720368547758070e-1", Int64.max),
            ("0e999999999999999999999", 0),
        ] as [(String, Int64)] {
            #expect(self.integer(literal) == value, "\(literal)")
        }
    }

    /// M-7 and its like: what does not fit or is no whole number is never rounded to one.
    @Test(arguments: [
        "", "-", "1.5", "1e-1", "9223372036854775808", "-9223372036854775809", "1e19", "1e400",
        "1e99999999999999999999", "01", "+1",
        ".5", "1.", "1e", "\"1\"", "true", "null", "1 ", " 1", "1x", "0x10", "NaN", "10e-2", "1e-99999999999999999999",
    ])
    func whatIsNoWholeNumberIsRefused(literal: String) {
        #expect(self.integer(literal) == nil)
    }

    @Test func integersRoundTrip() {
        var random = SeededRandom(seed: 3)
        for _ in 0..<2000 {
            let value = Int64(truncatingIfNeeded: random.next()) >> Int64(random.int(0...63))
            #expect(self.integer(String(value)) == value)
            #expect(self.integer("\(value).00e+0") == value)
            if value != 0 { #expect(self.integer("\(value)000e-3") == value) }
        }
    }

    @Test func words() {
        #expect(bytes("true").withUnsafeBytes { JSONText.isTrue($0) && !JSONText.isFalse($0) && !JSONText.isNull($0) })
        #expect(bytes("false").withUnsafeBytes { JSONText.isFalse($0) && !JSONText.isTrue($0) })
        #expect(bytes("null").withUnsafeBytes { JSONText.isNull($0) })
        #expect(bytes("True").withUnsafeBytes { !JSONText.isTrue($0) })
    }

    @Test func quotingEscapesOnlyWhatMustBe() {
        #expect(text(JSONText.quote("a/é€😀\u{7f}")) == "\"a/é€😀\u{7f}\"")
        #expect(text(JSONText.quote("\"\\\n\r\t\u{8}\u{c}\u{1}\u{1f}\0")) == #""\"\\\n\r\t\b\f\u0001\u001f\u0000""#)
        #expect(text(JSONText.quote("")) == "\"\"")
    }

    @Test func quotedTextReadsBack() {
        var random = SeededRandom(seed: 5)
        for _ in 0..<2000 {
            let scalars = (0..<random.int(0...30)).compactMap { _ in
                Unicode.Scalar(UInt32(random.int(0...(random.oneIn(3) ? 0x10ffff : 0x7f))))
            }
            var original = ""
            original.unicodeScalars.append(contentsOf: scalars)
            #expect(self.string(JSONText.quote(original)).map { Array($0.utf8) } == Array(original.utf8))
        }
    }
}

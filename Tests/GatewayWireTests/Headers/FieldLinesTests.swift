import GatewayWire
import Testing

@Suite struct FieldLinesTests {
    private func text(_ lines: FieldLines) -> String { String(decoding: lines.bytes, as: UTF8.self) }

    /// Guarantee: each call adds one whole line.
    @Test func eachCallAddsALine() {
        var lines = FieldLines()
        lines.append(.contentType, "application/json")
        Array("r-1".utf8).withUnsafeBytes { lines.append(.xRequestID, $0) }
        lines.append("x-penstock-model: ", "m")
        lines.append("x-a: ", decimal: 0)
        lines.append("x-b: ", decimal: .max)
        lines.append(.vary, "")
        lines.append(lines: Array("x-c: 1\r\n".utf8))
        #expect(
            self.text(lines)
                == "content-type: application/json\r\nx-request-id: r-1\r\nx-penstock-model: m\r\nx-a: 0\r\n"
                + "x-b: 18446744073709551615\r\nvary: \r\nx-c: 1\r\n")
        #expect(lines.withUnsafeBytes { Array($0) } == lines.bytes && lines.count == lines.bytes.count)
        #expect(lines.text(named: "x-penstock-model") == "m")
    }

    /// Guarantee: it grows over any size, and keeps what it had.
    @Test func itGrows() {
        var lines = FieldLines()
        var expected = ""
        for length in [1, 400, 100, 5000, 3] {
            let value = String(repeating: "v", count: length)
            lines.append("x: ", value)
            expected += "x: \(value)\r\n"
        }
        #expect(self.text(lines) == expected)
    }

    /// Guarantee: a copy keeps its lines when the other is emptied and filled again.
    @Test func aCopyKeepsItsLines() {
        var lines = FieldLines()
        lines.append("x: ", "before")
        let copy = lines
        lines.removeAll()
        #expect(lines.bytes.isEmpty)
        lines.append("x: ", "after")
        #expect(self.text(copy) == "x: before\r\n" && self.text(lines) == "x: after\r\n")
    }
}

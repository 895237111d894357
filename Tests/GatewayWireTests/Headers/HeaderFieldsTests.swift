import GatewayWire
import Testing

@Suite struct HeaderFieldsTests {
    private func sample() -> HeaderFields {
        var fields = HeaderFields()
        fields.append("Host", "example.test")
        fields.append("X-Custom", "one")
        fields.append("Set-Cookie", "a=1")
        fields.append("set-cookie", "b=2")
        fields.append("Retry-After", "")
        return fields
    }

    @Test func fieldsKeepOrderCaseAndValues() {
        let fields = self.sample()
        #expect(fields.fields.map(\.id) == [.host, .other, .setCookie, .setCookie, .retryAfter])
        #expect(
            fields.fields.map { fields.text($0.name) } == [
                "Host", "X-Custom", "Set-Cookie", "set-cookie", "Retry-After",
            ])
        #expect(fields.fields.map { fields.text($0.value) } == ["example.test", "one", "a=1", "b=2", ""])
    }

    @Test func theFirstOfSeveralAnswers() {
        let fields = self.sample()
        #expect(fields.text(.setCookie) == "a=1")
        #expect(fields.count(.setCookie) == 2)
        #expect(fields.count(.date) == 0)
        #expect(!fields.contains(.date))
        #expect(fields.withValue(.host) { $0.count } == 12)
        #expect(fields.withValue(.date) { $0.count } == nil)
    }

    @Test func namesChosenByConfigurationAreFoundWithoutCase() {
        #expect(self.sample().text(named: "x-custom") == "one")
        #expect(self.sample().text(named: "x-other") == nil)
    }

    @Test func removeAllForgetsEverything() {
        var fields = self.sample()
        fields.removeAll()
        #expect(fields.fields.isEmpty && fields.bytes.isEmpty)
        fields.append("Date", "now")
        #expect(fields.text(.date) == "now")
    }

    /// Guarantee: what somebody else holds does not change.
    @Test func aCopyKeepsWhatItHad() {
        var fields = self.sample()
        let before = fields
        let count = before.fields.count
        fields.append("X-More", "1")
        #expect(before.fields.count == count && fields.fields.count == count + 1)
        #expect(before.text(named: "x-more") == nil && fields.text(named: "x-more") == "1")
        fields.removeAll()
        #expect(before.fields.count == count)
    }

    /// Guarantee: bytes and table are those that were given, whatever their sizes.
    @Test(arguments: [0, 1, 19, 20, 21, 300])
    func bytesAndTableAreKept(_ count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let table = (0..<count / 4).map { HeaderFields.Field(id: .date, name: 0..<1, value: 1..<Int32($0 + 1)) }
        let fields = HeaderFields(bytes: bytes, fields: table)
        #expect(Array(fields.bytes) == bytes && fields.bytes.withUnsafeBytes { Array($0) } == bytes)
        #expect(fields.fields.map(\.value) == table.map(\.value))
        #expect(fields.count(.date) == table.count && !fields.contains(.host))
    }

    @Test func bytesThatAreNoTextStillRead() {
        let fields = HeaderFields(
            bytes: Array("date".utf8) + [0xff, 0x41], fields: [.init(id: .date, name: 0..<4, value: 4..<6)])
        #expect(fields.text(.date) == "\u{fffd}A")
    }
}

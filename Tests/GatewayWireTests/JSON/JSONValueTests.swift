import GatewayWire
import Testing

@Suite struct JSONValueTests {
    private func parse(_ text: String) throws(JSONFault) -> JSONValue { try JSONValue(parsing: bytes(text)) }

    private func fault(_ text: String) -> JSONFault? {
        do {
            _ = try self.parse(text)
            return nil
        } catch { return error }
    }

    /// Order and the writing of numbers survive; only white space and needless escapes go.
    @Test func nothingIsLostInARoundTrip() throws {
        let source =
            #" { "z" : 1.0 , "a":[ 1e400, -0, 123456789012345678901234567890, {} , [] ],"#
            + #""m":"\u00e9\/\n", "t":[true,false,null]} "#
        let value = try self.parse(source)
        #expect(
            text(value.serialized())
                == #"{"z":1.0,"a":[1e400,-0,123456789012345678901234567890,{},[]],"m":"é/\n","t":[true,false,null]}"#)
        #expect(try JSONValue(parsing: value.serialized()) == value)
    }

    @Test func partsAreReached() throws {
        var value = try self.parse(#"{"a":{"b":[10,"x",2.0,1.5]},"t":true,"n":null}"#)
        #expect(value["a"]?["b"]?[0]?.integer == 10)
        #expect(value["a"]?["b"]?[1]?.string == "x")
        #expect(value["a"]?["b"]?[2]?.integer == 2)
        #expect(value["a"]?["b"]?[3]?.integer == nil)
        #expect(value["a"]?["b"]?[4] == nil && value["a"]?["b"]?[-1] == nil)
        #expect(value["a"]?["b"]?.array?.count == 4)
        #expect(value["t"]?.bool == true && value["n"]?.isNull == true)
        #expect(value["a"]?.object?.map(\.name) == ["b"])
        #expect(value["x"] == nil && value["t"]?["x"] == nil && value["t"]?[0] == nil)
        value["t"] = 3
        value["n"] = nil
        value["new"] = ["k": [1, "two", nil, true]]
        #expect(text(value.serialized()) == #"{"a":{"b":[10,"x",2.0,1.5]},"t":3,"new":{"k":[1,"two",null,true]}}"#)
    }

    @Test func anyKindOfValueIsRead() throws {
        #expect(try self.parse(" \"a\" ") == "a")
        #expect(try self.parse("true") == true)
        #expect(try self.parse("[]") == [])
        #expect(try self.parse("{}") == [:])
        #expect(try self.parse("null") == nil)
        #expect(try self.parse("-1.5") == .number("-1.5"))
    }

    @Test func namesAreUniqueByTheirBytes() throws {
        #expect(self.fault(#"{"a":1,"\u0061":2}"#) == .repeated(name: "a"))
        #expect(self.fault(#"{"x":[{"b":1,"b":1}]}"#) == .repeated(name: "b"))
        // Composed and decomposed é are two names, though Swift strings call them equal.
        let both = try self.parse("{\"\u{e9}\":1,\"e\u{301}\":2}")
        #expect(both["\u{e9}"]?.integer == 1)
        #expect(both["e\u{301}"]?.integer == 2)
        #expect(JSONValue.string("\u{e9}") != JSONValue.string("e\u{301}"))
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "tru", "nulll", "1 1", "01",
        "\"\\q\"", "[}", "{]", "\u{feff}1",
    ])
    func brokenTextsAreMalformed(text: String) {
        guard case .malformed = self.fault(text) else {
            Issue.record("\(text) gave \(String(describing: self.fault(text)))")
            return
        }
    }

    @Test func textThatIsNoTextIsRefused() {
        #expect(self.fault(#"["\ud800"]"#) == .invalidText(at: 1))
        #expect(throws: JSONFault.invalidText(at: 0)) { try JSONValue(parsing: [0x22, 0xff, 0x22]) }
    }

    @Test func depthIsBounded() throws {
        let fits = String(repeating: "[", count: 512) + String(repeating: "]", count: 512)
        #expect(text(try self.parse(fits).serialized()) == fits)
        #expect(self.fault("[\(fits)]") == .tooDeep(at: 512))
        #expect(self.fault(String(repeating: "{\"a\":", count: 100_000)) == .tooDeep(at: 512 * 5))
    }

    @Test func equalityIsOfTheWriting() {
        #expect(JSONValue.number("1") != .number("1.0"))
        #expect(JSONValue.object([.init("a", 1), .init("b", 2)]) != .object([.init("b", 2), .init("a", 1)]))
        #expect(JSONValue.null != .bool(false))
    }
}

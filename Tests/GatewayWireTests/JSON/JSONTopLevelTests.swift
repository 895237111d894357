import GatewayWire
import Testing

@Suite struct JSONTopLevelTests {
    private static let names = JSONNames(["model", "stream", "n", "stream_options"])

    private func scan(_ body: [UInt8], _ names: JSONNames = names) throws(JSONFault) -> JSONTopLevel {
        try body.withUnsafeBufferPointer { body throws(JSONFault) in
            try JSONTopLevel.scan(UnsafeRawBufferPointer(body), for: names)
        }
    }

    private func scan(_ body: String) throws(JSONFault) -> JSONTopLevel { try self.scan(bytes(body)) }

    private func fault(_ body: String) -> JSONFault? {
        do {
            _ = try self.scan(body)
            return nil
        } catch { return error }
    }

    private func value(_ body: String, _ index: Int) throws -> String? {
        try self.scan(body).members[index].map { text(bytes(body)[$0.value]) }
    }

    @Test func placesAndKindsOfMembers() throws {
        let body = #" { "model" : "gpt-4o" ,"x":[{"model":"no"}],"stream":true, "n":1.5e3,"stream_options":{"a":[]} } "#
        let found = try self.scan(body)
        #expect(found.members.map { $0?.kind } == [.string, .true, .number, .object])
        #expect(
            found.members.map { $0.map { text(bytes(body)[$0.value]) } } == [
                #""gpt-4o""#, "true", "1.5e3", #"{"a":[]}"#,
            ])
        #expect(
            found.members.map { $0.map { text(bytes(body)[$0.key]) } } == [
                #""model""#, #""stream""#, #""n""#, #""stream_options""#,
            ])
        #expect(found.objectOpen == 2)
        #expect(!found.isEmptyObject)
    }

    @Test func everyKindOfValue() throws {
        for (value, kind) in [
            ("\"\"", JSONKind.string), ("0", .number), ("-0.5E-7", .number), ("{}", .object), ("[]", .array),
            ("true", .true),
            ("false", .false), ("null", .null), ("[[1,2],{\"a\":\"]}\"}]", .array), ("\"\\\"}\"", .string),
        ] {
            let found = try self.scan("{\"n\":\(value)}").members[2]
            #expect(found == JSONMember(kind: kind, key: 1..<4, value: 5..<5 + value.utf8.count), "\(value)")
        }
    }

    @Test func emptyObjects() throws {
        #expect(try self.scan("{}").isEmptyObject)
        #expect(try self.scan(" \n{\t} ").isEmptyObject)
        #expect(try self.scan(" \n{\t} ").objectOpen == 3)
    }

    /// DESIGN 3: names are compared after unescaping, so no upstream reads a model that was not checked here.
    @Test func namesAreComparedAfterUnescaping() throws {
        #expect(try self.value(#"{"mod\u0065l":"a"}"#, 0) == "\"a\"")
        #expect(try self.value(#"{"\u006d\u006F\u0064el":"a"}"#, 0) == "\"a\"")
        #expect(try self.value(#"{"mod\\u0065l":"a"}"#, 0) == nil)
        #expect(try self.value(#"{"Model":"a","model ":"b","mode":"c","models":"d"}"#, 0) == nil)
    }

    /// DESIGN 3: one of the looked-for names given twice is refused, however it is written; others may repeat.
    @Test func aLookedForNameTwiceIsRefused() {
        #expect(self.fault(#"{"model":"a","model":"b"}"#) == .repeated(name: "model"))
        #expect(self.fault(#"{"model":"a","x":1,"mod\u0065l":"a"}"#) == .repeated(name: "model"))
        #expect(self.fault(#"{"x":1,"x":2,"model":"a"}"#) == nil)
        #expect(self.fault(#"{"x":{"model":"a","model":"b"},"model":"a"}"#) == nil)
    }

    @Test func textsThatAreNoObject() {
        for body in ["", " ", "[]", "\"model\"", "1", "null", "\u{feff}{}", "model"] {
            #expect(self.fault(body) == .notAnObject, "\(body)")
        }
    }

    @Test(arguments: [
        ("{", 1), ("{\"", 2), ("{\"model", 7), ("{\"model\"", 8), ("{\"model\":", 9), ("{\"model\":\"a\"", 12),
        ("{\"model\":\"a\",", 13),
        ("{\"n\":1,}", 7), ("{,}", 1), ("{\"n\" 1}", 5), ("{\"n\"::1}", 5), ("{n:1}", 1), ("{'n':1}", 1),
        ("{\"n\":1 2}", 7),
        ("{\"n\":1}}", 7), ("{\"n\":1}x", 7), ("{\"n\":1}\0", 7), ("{\"n\":01}", 6), ("{\"n\":+1}", 5),
        ("{\"n\":-}", 6), ("{\"n\":1.}", 7),
        ("{\"n\":.5}", 5), ("{\"n\":1e}", 7), ("{\"n\":1e+}", 8), ("{\"n\":0x1}", 6), ("{\"n\":NaN}", 5),
        ("{\"n\":truE}", 8),
        ("{\"n\":nul}", 8), ("{\"n\":tru", 8), ("{\"n\":[}", 6), ("{\"n\":[1,{]}}", 9), ("{\"n\":{\"a\":1]}", 11),
        ("{\"n\":[", 6),
        ("{\"n\":\"\n\"}", 6), ("{\"n\":\"\\q\"}", 7), ("{\"n\":\"\\u12g4\"}", 10), ("{\"n\":\"\\", 7),
        ("{\"\u{1}\":1}", 2), ("{\"n\":[\"\t\"]}", 7),
        ("{\"n\":[\"abc]}", 12), ("{\"n\":[\"\\", 7),
    ])
    func malformedTextsSayWhere(body: String, place: Int) {
        #expect(self.fault(body) == .malformed(at: place))
    }

    /// The inside of nested values is only matched, so what is merely passed on stays as it came.
    @Test func nestedValuesAreNotJudged() {
        for nested in ["[1 2 nul]", "{\"a\" \"a\":}", "[\"\\q\"]", "[,,,]", "{\"a\":\"\\ud800\"}", "[01]"] {
            #expect(self.fault("{\"x\":\(nested),\"model\":\"a\"}") == nil, "\(nested)")
        }
    }

    @Test func depthIsBoundedWithoutRecursion() {
        let fits = 511
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = String(repeating: open, count: fits) + "1" + String(repeating: close, count: fits)
            #expect(self.fault("{\"x\":\(deep),\"model\":\"a\"}") == nil)
            #expect(self.fault("{\"x\":\(open)\(deep)\(close)}") == .tooDeep(at: 5 + open.utf8.count * fits))
        }
        let bomb = "{\"x\":" + String(repeating: "[", count: 1_000_000)
        #expect(self.fault(bomb) == .tooDeep(at: 5 + fits))
    }

    /// Types of brackets are remembered on all levels, also across the words they are packed in.
    @Test func bracketTypesAreMatchedOnEveryLevel() {
        let levels = 200
        for wrong in [0, 1, 62, 63, 64, 65, 127, 128, 129, 199] {
            let open = (0..<levels).map { $0 % 3 == 0 ? "{" : "[" }.joined()
            var closing = (0..<levels).reversed().map { $0 % 3 == 0 ? "}" : "]" }
            #expect(self.fault("{\"x\":\(open)\(closing.joined())}") == nil)
            closing[levels - 1 - wrong] = wrong % 3 == 0 ? "]" : "}"
            #expect(self.fault("{\"x\":\(open)\(closing.joined())}") == .malformed(at: 5 + levels + levels - 1 - wrong))
        }
    }

    @Test func namesThatAreNoTextAreRefused() {
        #expect(throws: JSONFault.invalidText(at: 1)) { try self.scan([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) }
        // An overlong "m": a lenient reader could take the name for "model".
        #expect(throws: JSONFault.invalidText(at: 1)) {
            try self.scan(bytes("{\"") + [0xc1, 0xad] + bytes("odel\":1}"))
        }
        #expect(self.fault(#"{"\ud83d":1}"#) == .invalidText(at: 1))
        #expect(self.fault(#"{"\ud83d\ude00":1}"#) == nil)
        #expect(self.fault(#"{"é":1}"#) == nil)
    }

    /// The scanner leaves the text of values to the reader of the value, who can tell.
    @Test func invalidTextInAValueIsTold() throws {
        let body = bytes("{\"model\":\"") + [0xff] + bytes("\"}")
        let place = try #require(try self.scan(body).members[0]).value
        #expect(body[place].withUnsafeBytes { JSONText.string($0) } == nil)
    }

    @Test func namesInsideOfAnEscapedBodyAreFoundByUnicode() throws {
        let names = JSONNames(["é", "", "😀"])
        let found = try self.scan(bytes(#"{"\u00e9":1,"":2,"\ud83d\ude00":3}"#), names)
        #expect(found.members.allSatisfy { $0 != nil })
        // Another normalisation of é is another name.
        #expect(try self.scan(bytes("{\"e\u{301}\":1}"), names).members[0] == nil)
    }

    @Test func anObjectAtAPlace() throws {
        let body = #"{"stream_options":{"stream":true,"n":2},"n":1}"#
        let place = try #require(try self.scan(body).members[3]).value
        let inner = try bytes(body).withUnsafeBytes { try JSONTopLevel.scan($0, in: place, for: Self.names) }
        #expect(inner.objectOpen == 19)
        #expect(inner.members[2].map { text(bytes(body)[$0.value]) } == "2")
        for wrong in [place.lowerBound..<place.upperBound - 1, 0..<1000, -1..<3, 1..<5, 3..<3] {
            #expect(throws: JSONFault.self) {
                try bytes(body).withUnsafeBytes { try JSONTopLevel.scan($0, in: wrong, for: Self.names) }
            }
        }
    }

    @Test func stringsOfEveryLengthEndWhereTheyEnd() throws {
        for count in 0..<40 {
            for special in ["", "\\\"", "\\\\", "é"] {
                let filler = String(repeating: "a", count: count)
                let body =
                    "{\"x\":\"\(filler)\(special)\(filler)\",\"y\":[\"\(filler)\(special)\"],\"model\":\"\(special)\"}"
                #expect(try self.value(body, 0) == "\"\(special)\"")
            }
        }
    }

    @Test("members come back under their own names, in whatever order and however many there are")
    func order() throws {
        let all = (0..<64).map { "name\($0)" }
        let names = JSONNames(all)
        for count in [0, 1, 7, 8, 9, 17, 64] {
            for step in [1, 5, 63] {
                let chosen = (0..<count).map { ($0 * step + 3) % 64 }
                let body = bytes("{" + chosen.map { "\"\(all[$0])\":\($0)" }.joined(separator: ",") + "}")
                let found = try self.scan(body, names).members
                #expect(found.count == 64)
                for index in 0..<64 {
                    let member = found[index]
                    #expect(member.map { text(body[$0.value]) } == (chosen.contains(index) ? String(index) : nil))
                    #expect(member.map { text(body[$0.key]) } == (chosen.contains(index) ? "\"name\(index)\"" : nil))
                }
                if let again = chosen.last {
                    let twice = Array(body.dropLast()) + bytes(",\"name\(again)\":1}")
                    #expect(throws: JSONFault.repeated(name: all[again])) { try self.scan(twice, names) }
                }
            }
        }
    }
}

import Foundation
import GatewayContract
import GatewayCore
import Testing

@testable import GatewayTelemetry

@Suite struct AccessLogTests {
    private func line(_ record: UsageRecord) -> String {
        var lines = LineBuffer()
        AccessLog.append(record, to: &lines)
        return String(decoding: lines.bytes, as: UTF8.self)
    }

    private func parsed(_ record: UsageRecord) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(self.line(record).utf8)) as? [String: Any])
    }

    @Test func aLineIsExactlyThis() {
        var record = UsageRecord.finished()
        record.startedAt = .init(nanoseconds: 1_700_000_000_042_999_999)
        record.firstContent = .microseconds(9000)
        record.isStream = true
        #expect(
            self.line(record)
                == #"{"ts":"2023-11-14T22:13:20.042Z","request_id":"req-0001","generation":3,"method":"POST","#
                + #""route":"chat","version":"v1","endpoint":"chatCompletions","status":200,"outcome":"completed","#
                + #""key":"dev","client":"192.0.2.7","model_requested":"fast","model":"fast","provider":"openai","#
                + #""deployment":"openai/gpt-5-mini","stream":true,"#
                + #""usage":{"input":12,"output":30,"source":"provider"},"#
                + #""attempts":[{"deployment":"openai/gpt-5-mini","status":200,"us":40000}],"#
                + #""request_bytes":600,"response_bytes":1200,"duration_us":42000,"#
                + #""first_content_us":9000,"overhead_us":180}"#
                + "\n")
    }

    /// Guarantee: the key's name, its public id, whose it is and which credential of a rotation was used.
    @Test func whoseKeyItWas() throws {
        var record = UsageRecord.finished()
        record.keyID = KeyID("Ab0123456789")
        record.usedPreviousKey = true
        record.owner = KeyOwner(org: "acme", team: "search", holder: .user("ann\n"))
        let line = self.line(record)
        #expect(
            line.contains(
                #""key":"dev","key_id":"Ab0123456789","key_state":"previous","org":"acme","team":"search","#
                    + #""user":"ann\n","client":"192.0.2.7""#), "\(line)")
        record.usedPreviousKey = false
        record.owner = KeyOwner(holder: .serviceAccount("indexer"))
        let fields = try self.parsed(record)
        #expect(fields["service_account"] as? String == "indexer")
        #expect(fields["org"] == nil && fields["user"] == nil && fields["key_state"] == nil)
    }

    @Test func aRefusalLeavesOutWhatIsNotKnown() throws {
        var record = UsageRecord(requestID: "r", startedAt: .init(unixSeconds: 0), generation: 1)
        record.status = 401
        record.error = .keyInvalid
        record.errorDetail = "no such key"
        let fields = try self.parsed(record)
        #expect(
            Set(fields.keys) == [
                "ts", "request_id", "generation", "status", "outcome", "error", "error_detail", "stream",
                "request_bytes", "response_bytes", "duration_us", "overhead_us",
            ])
        #expect(fields["error"] as? String == "invalid_api_key")
        #expect(fields["outcome"] as? String == "refused")
    }

    /// Fault 61: whatever a client puts into a field, the log gets one line of valid JSON that says the same.
    @Test(arguments: [
        "a\nb", "a\r\nb", "\u{1b}[2J", "\u{0}", "\u{7f}", "\u{85}", "\u{9b}31m", "\u{2028}", "\u{202e}", "\u{2067}",
        "\"}\n{\"ts\":\"forged\"", "\\\"", "ключ", "模型", "👩‍👩‍👧", "é", "©", "€", "\t",
    ])
    func hostileTextStaysInsideItsField(text: String) throws {
        var record = UsageRecord.finished()
        record.requestID = text
        record.method = text
        record.modelRequested = text
        record.key = .init(text)
        record.error = .upstreamGarbage
        record.errorDetail = text
        record.attempts[0].deployment = .init(text)
        let line = self.line(record)
        #expect(line.unicodeScalars.count { $0 == "\n" } == 1 && line.hasSuffix("}\n"))
        #expect(
            line.dropLast().unicodeScalars.allSatisfy {
                $0.properties.generalCategory != .control && $0.value != 0x2028 && $0.value != 0x202e
                    && $0.value != 0x2067
            })
        let fields = try self.parsed(record)
        for name in ["request_id", "method", "model_requested", "key", "error_detail"] {
            #expect(fields[name] as? String == text, "\(name)")
        }
    }

    /// Every two-scalar text survives the round trip: the escaping has no gap at its edges.
    @Test func everyScalarSurvives() throws {
        var record = UsageRecord.finished()
        for start in stride(from: UInt32(0), to: 0x2100, by: 64) {
            let text = String(String.UnicodeScalarView((start..<start + 64).compactMap(UnicodeScalar.init)))
            record.modelRequested = text
            #expect(try self.parsed(record)["model_requested"] as? String == text)
        }
    }

    @Test func longTextIsCutBetweenCharacters() throws {
        var record = UsageRecord.finished()
        for lead in 0..<4 {
            record.modelRequested = String(repeating: "x", count: lead) + String(repeating: "€", count: 4000)
            let cut = try #require(self.parsed(record)["model_requested"] as? String)
            #expect((253...256).contains(cut.utf8.count))
            #expect(record.modelRequested?.hasPrefix(cut) == true)
        }
    }

    /// The room for a line is computed, not grown: the worst text in every field and the longest numbers must fit.
    @Test func theWorstRecordFits() throws {
        let worst = String(repeating: "\u{1}", count: 5000)
        var record = UsageRecord(requestID: worst, startedAt: .init(nanoseconds: .max), generation: .max)
        record.route = .init(worst)
        record.version = .init(worst)
        record.endpoint = .geminiStreamGenerateContent
        record.method = worst
        record.key = .init(worst)
        record.clientAddress = IPAddress("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
        record.modelRequested = worst
        record.model = .init(worst)
        record.provider = .init(worst)
        record.deployment = .init(worst)
        record.status = .min
        record.error = .upstreamGarbage
        record.errorDetail = worst
        record.outcome = .clientLeft
        record.usageSource = .estimated
        let counts: [WritableKeyPath<UsageUnits, Int64>] = [
            \.inputUncached, \.cacheRead, \.cacheWrite5m, \.cacheWrite1h, \.output, \.reasoning, \.audioInput,
            \.audioOutput, \.imageInput, \.toolUnits,
        ]
        for path in counts { record.usage[keyPath: path] = .min }
        record.attempts = .init(
            repeating: .init(
                deployment: .init(worst), status: .min, error: .upstreamGarbage, elapsed: .init(nanoseconds: .min)),
            count: 100)
        record.requestBytes = .min
        record.responseBytes = .min
        record.elapsed = .init(nanoseconds: .min)
        record.firstContent = .init(nanoseconds: .min)
        record.overhead = .init(nanoseconds: .min)
        let fields = try self.parsed(record)
        #expect((fields["attempts"] as? [Any])?.count == 32)
    }

    /// Guarantee: lines follow one another whatever memory there was at first, and memory is used again.
    @Test func linesAreAppended() {
        var lines = LineBuffer(capacity: 0)
        let line = self.line(.finished())
        for _ in 0..<2 {
            for _ in 0..<200 { AccessLog.append(.finished(), to: &lines) }
            #expect(lines.lineCount == 200)
            #expect(lines.byteCount == line.utf8.count * 200)
            #expect(String(decoding: lines.bytes, as: UTF8.self) == String(repeating: line, count: 200))
            lines.removeAll()
            #expect(lines.lineCount == 0 && lines.byteCount == 0)
        }
    }

    /// Guarantee: a time is written as the calendar has it, whatever second was written before it.
    @Test func timesFollowOneAnother() {
        var random = Seeded(state: 5)
        var lines = LineBuffer()
        var time = Int64(951_782_399_999_000_000)
        for _ in 0..<2000 {
            let steps = [0, 1_000_000, 999_999_999, 1_000_000_000, -1, -1_000_000_000, 86_400_000_000_000] as [Int64]
            time += steps[Int(random.next() % UInt64(steps.count))]
            lines.removeAll()
            lines.timestamp(.init(nanoseconds: time))
            let seconds = WallTime(nanoseconds: time).unixSeconds
            let milliseconds = String((time - seconds * 1_000_000_000) / 1_000_000 + 1000).dropFirst()
            let expected = CivilDate(unixSeconds: seconds).rfc3339.dropLast() + ".\(milliseconds)Z"
            #expect(String(decoding: lines.bytes, as: UTF8.self) == String(expected))
        }
    }

    @Test(arguments: [0, 9, 10, 99, 100, 12345, .max, .min, -1] as [Int64])
    func numbersReadAsTheyAre(number: Int64) throws {
        var record = UsageRecord.finished()
        record.responseBytes = number
        #expect(self.line(record).contains("\"response_bytes\":\(number),"))
    }

    @Test func timesBefore1970HaveMilliseconds() {
        var record = UsageRecord.finished()
        record.startedAt = .init(nanoseconds: -1)
        #expect(self.line(record).hasPrefix("{\"ts\":\"1969-12-31T23:59:59.999Z\""))
    }

    /// Guarantee: an address is written as its description, numbers as Swift writes them.
    @Test func addressesAndNumbers() throws {
        let texts = [
            "0.0.0.0", "9.10.99.100", "255.255.255.255", "::", "::1", "1::", "2001:db8::1:0:0:1", "1:0:0:2::3",
            "2001:db8:0:1:1:1:1:1", "1:2:3:4:5:6:7:0", "64:ff9b::c000:201", "fe80::f:ff:fff:ffff", "0:1:2:3:4:5:6:7",
        ]
        for text in texts {
            let address = try #require(IPAddress(text))
            #expect(Self.written { $0.quoted(address) } == "\"\(address.description)\"")
        }
        var random = Seeded(state: 11)
        for _ in 0..<2000 {
            let groups = (0..<8).map { _ in random.next() % 3 == 0 ? UInt16.random(in: 0...(.max), using: &random) : 0 }
            let bytes = groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
            let address = try #require(IPAddress(bytes: bytes))
            #expect(Self.written { $0.quoted(address) } == "\"\(address.description)\"")
            let number = random.next() >> (random.next() % 64)
            #expect(Self.written { $0.decimal(number) } == String(number))
        }
        for number in [0, 9, 10, 99, 100, 101, 999, 1000, 9_999_999_999_999_999_999, UInt64.max] as [UInt64] {
            #expect(Self.written { $0.decimal(number) } == String(number))
        }
        for count in 0...40 {
            for odd in ["x", "\"", "\n", "é"] {
                let text =
                    String(repeating: "a", count: count / 2) + odd + String(repeating: "b", count: count - count / 2)
                let expected = odd == "\"" ? "\\\"" : odd == "\n" ? "\\n" : odd
                #expect(
                    Self.written { $0.quoted(text, bytesMax: 64) } == "\"\(text.replacing(odd, with: expected))\"")
            }
        }
    }

    private static func written(_ write: (inout LineBuffer) -> Void) -> String {
        var lines = LineBuffer()
        write(&lines)
        return String(decoding: lines.bytes, as: UTF8.self)
    }
}

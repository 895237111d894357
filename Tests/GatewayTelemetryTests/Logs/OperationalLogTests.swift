import GatewayContract
import GatewayCore
import Testing

@testable import GatewayTelemetry

@Suite struct OperationalLogTests {
    private func line(_ metadata: KeyValuePairs<StaticString, String>) -> String {
        var line = LineBuffer(capacity: 0)
        OperationalLog.append(
            .warning, "configuration refused", metadata, at: .init(unixSeconds: 1_700_000_000), to: &line)
        return String(decoding: line.bytes, as: UTF8.self)
    }

    @Test func aLineIsReadable() {
        #expect(
            self.line(["file": "routes/chat.yaml", "line": "12", "problem": "unknown key \"modle\""])
                == "2023-11-14T22:13:20.000Z warning configuration refused file=routes/chat.yaml line=12 "
                + "problem=\"unknown key \\\"modle\\\"\"\n")
        #expect(self.line([:]) == "2023-11-14T22:13:20.000Z warning configuration refused\n")
        #expect(self.line(["text": ""]).hasSuffix(" text=\"\"\n"))
    }

    /// Fault 61: a value cannot start a line or a field of its own.
    @Test func aValueStaysInsideItsField() {
        #expect(self.line(["text": "x\n2023 error forged"]).hasSuffix(" text=\"x\\n2023 error forged\"\n"))
        #expect(self.line(["text": "a level=error"]).hasSuffix(" text=\"a level=error\"\n"))
        #expect(self.line(["text": String(repeating: "\u{1}", count: 9000)]).utf8.count < 8000)
    }

    /// Fault 62.
    @Test func aSecretDoesNotPrint() {
        let key = Secret("sk-test-canary")
        #expect(!self.line(["key": "\(key)"]).contains("canary"))
    }

    @Test func whatMattersLessIsNotBuilt() throws {
        let log = OperationalLog(writer: try LogWriter(output: .off), minimum: .warning)
        var isBuilt = false
        func metadata() -> KeyValuePairs<StaticString, String> {
            isBuilt = true
            return [:]
        }
        log.log(.info, "quiet", metadata())
        #expect(!isBuilt)
        log.log(.error, "loud", metadata())
        #expect(isBuilt)
    }
}

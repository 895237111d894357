import GatewayCore
import GatewayWire
import Testing

@testable import GatewayHTTP

@Suite struct HTTP1ServerMachineTests {
    private static func head(
        _ method: HTTPMethod = .post, version: HTTPVersion = .http11, keepAlive: Bool = true, expects: Bool = false
    ) -> RequestHead {
        RequestHead(
            method: method, version: version, target: 0..<0, path: 0..<0, query: 0..<0, framing: .none,
            keepAlive: keepAlive, expectsContinue: expects, fields: HeaderFields())
    }

    /// Guarantee: a whole request with a whole answer leaves the connection open for the next.
    @Test func keepsAlive() {
        var machine = HTTP1ServerMachine()
        machine.requestHead(Self.head())
        #expect(machine.requestEnd() == .wait)
        #expect(machine.answerHead(.length(3)))
        #expect(machine.answerEnd() == .readNextRequest)
        #expect(machine.isBetweenRequests)
    }

    /// Guarantee: an answer before the end of the request says `close`, and what still comes is discarded.
    @Test func anEarlyAnswerLingers() {
        var machine = HTTP1ServerMachine()
        machine.requestHead(Self.head())
        #expect(!machine.answerHead(.length(3)))
        #expect(machine.answerEnd() == .linger)
        #expect(machine.state == .lingering)
    }

    /// Guarantee: a stream to an HTTP/1.0 client ends with the connection, because it has no chunks.
    @Test func streamsCloseHTTP10() {
        var machine = HTTP1ServerMachine()
        machine.requestHead(Self.head(version: .http10))
        _ = machine.requestEnd()
        #expect(!machine.answerHead(.stream))
        #expect(machine.answerEnd() == .close)
    }

    /// Guarantee: `100 Continue` is sent at most once, and never to HTTP/1.0 or after the body began.
    @Test func continuesOnce() {
        var machine = HTTP1ServerMachine()
        machine.requestHead(Self.head(expects: true))
        #expect(machine.takeContinue())
        #expect(!machine.takeContinue())
        machine.requestHead(Self.head(version: .http10, expects: true))
        #expect(!machine.takeContinue())
        machine.requestHead(Self.head(expects: true))
        machine.requestBody()
        #expect(!machine.takeContinue())
    }

    /// Guarantee: after a head that could not be read nothing more is read.
    @Test func anUnreadableHeadCloses() {
        var machine = HTTP1ServerMachine()
        machine.requestUnreadable()
        #expect(!machine.answerHead(.length(1)))
        #expect(machine.answerEnd() == .linger)
    }
}

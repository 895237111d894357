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
        let step1 = machine.requestEnd()
        #expect(step1 == .wait)
        let step2 = machine.answerHead(.length(3))
        #expect(step2)
        let step3 = machine.answerEnd()
        #expect(step3 == .readNextRequest)
        #expect(machine.isBetweenRequests)
    }

    /// Guarantee: an answer before the end of the request says `close`, and what still comes is discarded.
    @Test func anEarlyAnswerLingers() {
        var machine = HTTP1ServerMachine()
        machine.requestHead(Self.head())
        let step4 = machine.answerHead(.length(3))
        #expect(!step4)
        let step5 = machine.answerEnd()
        #expect(step5 == .linger)
        #expect(machine.state == .lingering)
    }

    /// Guarantee: a stream to an HTTP/1.0 client ends with the connection, because it has no chunks.
    @Test func streamsCloseHTTP10() {
        var machine = HTTP1ServerMachine()
        machine.requestHead(Self.head(version: .http10))
        _ = machine.requestEnd()
        let step6 = machine.answerHead(.stream)
        #expect(!step6)
        let step7 = machine.answerEnd()
        #expect(step7 == .close)
    }

    /// Guarantee: `100 Continue` is sent at most once, and never to HTTP/1.0 or after the body began.
    @Test func continuesOnce() {
        var machine = HTTP1ServerMachine()
        machine.requestHead(Self.head(expects: true))
        let step8 = machine.takeContinue()
        #expect(step8)
        let step9 = machine.takeContinue()
        #expect(!step9)
        machine.requestHead(Self.head(version: .http10, expects: true))
        let step10 = machine.takeContinue()
        #expect(!step10)
        machine.requestHead(Self.head(expects: true))
        machine.requestBody()
        let step11 = machine.takeContinue()
        #expect(!step11)
    }

    /// Guarantee: after a head that could not be read nothing more is read.
    @Test func anUnreadableHeadCloses() {
        var machine = HTTP1ServerMachine()
        machine.requestUnreadable()
        let step12 = machine.answerHead(.length(1))
        #expect(!step12)
        let step13 = machine.answerEnd()
        #expect(step13 == .linger)
    }
}

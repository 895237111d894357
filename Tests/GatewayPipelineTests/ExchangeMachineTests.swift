import Testing

@testable import GatewayPipeline

@Suite struct ExchangeMachineTests {
    /// Guarantee: an exchange ends once, whatever comes after.
    @Test func endsOnce() {
        var machine = ExchangeMachine()
        #expect(machine.end())
        #expect(!machine.end())
        #expect(machine.isOver)
        #expect(!machine.admitted())
        #expect(!machine.answerBegan())
        #expect(machine.attemptFailed(hasNext: true) == .ignore)
    }

    /// Guarantee: another attempt is made only while nothing has reached the client (invariant 12).
    @Test func noAttemptAfterTheAnswerBegan() {
        var machine = ExchangeMachine()
        #expect(machine.admitted())
        machine.attemptBegan()
        #expect(machine.attemptFailed(hasNext: true) == .tryNext)
        machine.attemptBegan()
        #expect(machine.attempts == 2)
        #expect(machine.answerBegan())
        #expect(machine.attemptFailed(hasNext: true) == .breakOff)
    }

    /// Guarantee: a failure without another candidate is answered while that is possible.
    @Test func aFailureIsAnsweredBeforeTheHead() {
        var machine = ExchangeMachine()
        #expect(machine.admitted())
        machine.attemptBegan()
        #expect(machine.attemptFailed(hasNext: false) == .reply)
    }

    /// Guarantee: the head goes out once.
    @Test func answersOnce() {
        var machine = ExchangeMachine()
        #expect(machine.answerBegan())
        #expect(!machine.answerBegan())
        #expect(!machine.admitted())
    }
}

import Testing

@testable import GatewayPipeline

@Suite struct ExchangeMachineTests {
    /// Guarantee: an exchange ends once, whatever comes after.
    @Test func endsOnce() {
        var machine = ExchangeMachine()
        let step1 = machine.end()
        #expect(step1)
        let step2 = machine.end()
        #expect(!step2)
        #expect(machine.isOver)
        let step3 = machine.admitted()
        #expect(!step3)
        let step4 = machine.answerBegan()
        #expect(!step4)
        #expect(machine.attemptFailed(hasNext: true) == .ignore)
    }

    /// Guarantee: another attempt is made only while nothing has reached the client (invariant 12).
    @Test func noAttemptAfterTheAnswerBegan() {
        var machine = ExchangeMachine()
        let step5 = machine.admitted()
        #expect(step5)
        machine.attemptBegan()
        #expect(machine.attemptFailed(hasNext: true) == .tryNext)
        machine.attemptBegan()
        #expect(machine.attempts == 2)
        let step6 = machine.answerBegan()
        #expect(step6)
        #expect(machine.attemptFailed(hasNext: true) == .breakOff)
    }

    /// Guarantee: a failure without another candidate is answered while that is possible.
    @Test func aFailureIsAnsweredBeforeTheHead() {
        var machine = ExchangeMachine()
        let step7 = machine.admitted()
        #expect(step7)
        machine.attemptBegan()
        #expect(machine.attemptFailed(hasNext: false) == .reply)
    }

    /// Guarantee: the head goes out once.
    @Test func answersOnce() {
        var machine = ExchangeMachine()
        let step8 = machine.answerBegan()
        #expect(step8)
        let step9 = machine.answerBegan()
        #expect(!step9)
        let step10 = machine.admitted()
        #expect(!step10)
    }

    /// Guarantee: a body is taken until its end, the answer or the end of the exchange, and ends once.
    @Test func takesABodyWhileSomebodyWantsIt() {
        var machine = ExchangeMachine()
        #expect(machine.takesBody)
        let step11 = machine.admitted()
        #expect(step11 && machine.takesBody)
        let step12 = machine.requestEnded()
        #expect(step12 && !machine.takesBody)
        let step13 = machine.requestEnded()
        #expect(!step13)
        var answered = ExchangeMachine()
        _ = answered.answerBegan()
        #expect(!answered.takesBody)
    }

    /// Guarantee: once a part of the body is gone the attempt under way is the last (pitfall T-3).
    @Test func noAttemptWithoutTheBodysBeginning() {
        var machine = ExchangeMachine()
        _ = machine.admitted()
        machine.attemptBegan()
        #expect(machine.mayTryAgain)
        machine.bodyReleased()
        #expect(!machine.mayTryAgain)
        #expect(machine.attemptFailed(hasNext: true) == .reply)
    }
}

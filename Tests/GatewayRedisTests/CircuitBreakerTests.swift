import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayRedis

@Suite struct CircuitBreakerTests {
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)

    private func opened() -> CircuitBreaker {
        var breaker = CircuitBreaker(failuresMax: 3, span: .seconds(1))
        for _ in 0..<3 {
            #expect(breaker.admit(at: self.start) == .send)
            breaker.failed(isProbe: false, at: self.start)
        }
        return breaker
    }

    @Test func onlyFailuresInARowOpenIt() {
        var breaker = CircuitBreaker(failuresMax: 3, span: .seconds(1))
        for _ in 0..<10 {
            breaker.failed(isProbe: false, at: self.start)
            breaker.failed(isProbe: false, at: self.start)
            breaker.succeeded(isProbe: false)
        }
        #expect(breaker.admit(at: self.start) == .send)
        #expect(breaker.openings == 0)
    }

    @Test func oneProbeAfterTheSpan() {
        var breaker = self.opened()
        #expect(breaker.admit(at: self.start + .milliseconds(999)) == .refuse)
        #expect(breaker.admit(at: self.start + .seconds(1)) == .sendAsProbe)
        #expect(breaker.admit(at: self.start + .seconds(100)) == .refuse)
        // What was sent before it opened says nothing.
        breaker.succeeded(isProbe: false)
        breaker.failed(isProbe: false, at: self.start)
        #expect(breaker.state == .probing)
        breaker.succeeded(isProbe: true)
        #expect(breaker.admit(at: self.start + .seconds(1)) == .send)
    }

    @Test func aFailedProbeOpensItAgain() {
        var breaker = self.opened()
        let later = self.start + .seconds(2)
        #expect(breaker.admit(at: later) == .sendAsProbe)
        breaker.failed(isProbe: true, at: later)
        #expect(breaker.state == .open(until: later + .seconds(1)))
        #expect(breaker.openings == 2)
    }

    @Test func aNewConnectionIsWorthAProbeAtOnce() {
        var breaker = self.opened()
        breaker.serverAnswered()
        #expect(breaker.admit(at: self.start) == .sendAsProbe)
        #expect(breaker.admit(at: self.start) == .refuse)
    }
}

@Suite struct OutstandingCommandsTests {
    private func command(_ tag: UInt64, deadline: Int64) -> OutstandingCommand {
        OutstandingCommand(
            responder: nil, tag: tag, sentAt: .init(nanoseconds: Int64(tag)), deadline: .init(nanoseconds: deadline),
            commandClass: .limits, purpose: .plain)
    }

    @Test func overdueOnesKeepTheirPlace() {
        var commands = OutstandingCommands()
        for (tag, deadline) in [(0, 50), (1, 10), (2, 30), (3, 10)] {
            commands.append(self.command(UInt64(tag), deadline: Int64(deadline)))
        }
        #expect(commands.earliestDeadline.nanoseconds == 10)
        var cursor: UInt64 = 0
        var overdue: [UInt64] = []
        while let command = commands.nextOverdue(at: .init(nanoseconds: 30), cursor: &cursor) {
            overdue.append(command.tag)
        }
        #expect(overdue == [1, 2, 3])
        #expect(commands.earliestDeadline.nanoseconds == 50)
        var places: [Bool] = []
        while let command = commands.popFirst() { places.append(command.isOverdue) }
        #expect(places == [false, true, true, true])
        #expect(commands.earliestDeadline == .never)
    }

    /// Against a plain list, with commands coming and going between the steps of a walk.
    @Test(arguments: 0..<30)
    func behavesAsAList(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var commands = OutstandingCommands()
        var model: [(tag: UInt64, deadline: Int64, overdue: Bool)] = []
        var tag: UInt64 = 0
        for step in 0..<500 {
            for _ in 0..<random.int(0...3) {
                let deadline = Int64(step + random.int(0...40))
                commands.append(self.command(tag, deadline: deadline))
                model.append((tag, deadline, false))
                tag += 1
            }
            var cursor: UInt64 = 0
            while let command = commands.nextOverdue(at: .init(nanoseconds: Int64(step)), cursor: &cursor) {
                let place = model.firstIndex { $0.tag == command.tag && !$0.overdue && $0.deadline <= step }
                #expect(place != nil)
                if let place { model[place].overdue = true }
                if random.oneIn(3), let popped = commands.popFirst() {
                    #expect(popped.tag == model.removeFirst().tag)
                }
            }
            #expect(!model.contains { !$0.overdue && $0.deadline <= step })
            #expect(commands.earliestDeadline.nanoseconds <= model.filter { !$0.overdue }.map(\.deadline).min() ?? .max)
            for _ in 0..<random.int(0...3) {
                let popped = commands.popFirst()
                #expect(popped?.tag == model.first?.tag && popped?.isOverdue == model.first?.overdue)
                if !model.isEmpty { model.removeFirst() }
            }
            #expect(commands.count == model.count)
        }
    }
}

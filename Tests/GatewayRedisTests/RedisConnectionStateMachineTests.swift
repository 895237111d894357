import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayRedis

@Suite struct RedisConnectionStateMachineTests {
    private typealias Machine = RedisConnectionStateMachine
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)

    private func settings() -> RedisSettings { RedisSettings(host: "host") }

    private func ready(_ machine: inout Machine, at now: MonotonicTime, random: inout SeededRandom) {
        let attempt = machine.attempt
        guard case .greet(let steps) = machine.connected(attempt: attempt) else {
            Issue.record("not greeting")
            return
        }
        for step in steps { _ = machine.greeted(step, error: nil, at: now, random: &random) }
        #expect(machine.isReady)
    }

    @Test func theGreetingHasTheStepsThatTheSettingsAskFor() {
        #expect(RedisGreetingStep.steps(for: self.settings()) == [.setName, .ping])
        var settings = self.settings()
        settings.password = Secret("test-password")
        settings.database = 2
        #expect(RedisGreetingStep.steps(for: settings) == [.authenticate, .selectDatabase, .setName, .ping])
    }

    @Test func fromStartToReady() {
        var random = SeededRandom(seed: 1)
        var machine = Machine(settings: self.settings())
        #expect(machine.status == .stopped)
        #expect(machine.admit(at: self.start) == .failure(.notConnected))
        #expect(machine.start(at: self.start) == .dial(attempt: 1))
        #expect(machine.start(at: self.start) == .none)
        #expect(machine.status == .connecting)
        #expect(machine.connected(attempt: 1) == .greet([.setName, .ping]))
        #expect(machine.status == .authenticating)
        #expect(machine.greeted(.setName, error: .noPermission, at: self.start, random: &random) == .none)
        #expect(machine.admit(at: self.start) == .failure(.notConnected))
        #expect(machine.greeted(.ping, error: nil, at: self.start, random: &random) == .becomeReady)
        #expect(machine.admit(at: self.start) == .success(false))
        #expect(machine.nextWake == nil)
        #expect(machine.stop() == .drop)
        #expect(machine.status == .stopped)
        #expect(machine.ended(attempt: 1, at: self.start, random: &random) == .none)
    }

    @Test(arguments: [
        (RedisGreetingStep.authenticate, RedisErrorKind.wrongPassword), (.authenticate, .other),
        (.selectDatabase, .other), (.setName, .noAuthentication), (.ping, .loading), (.ping, .noAuthentication),
        (.ping, .masterDown),
    ])
    func aGreetingThatIsRefusedBacksOff(step: RedisGreetingStep, error: RedisErrorKind) {
        var random = SeededRandom(seed: 1)
        var machine = Machine(settings: self.settings())
        _ = machine.start(at: self.start)
        _ = machine.connected(attempt: 1)
        #expect(machine.greeted(step, error: error, at: self.start, random: &random) == .drop)
        #expect(machine.status == .backingOff)
    }

    @Test func newsOfAnOldSocketCountForNothing() {
        var random = SeededRandom(seed: 1)
        var machine = Machine(settings: self.settings())
        _ = machine.start(at: self.start)
        #expect(machine.timePassed(at: self.start + .seconds(1), random: &random) == .drop)
        let wake = machine.nextWake ?? self.start
        #expect(machine.timePassed(at: wake, random: &random) == .dial(attempt: 2))
        #expect(machine.connected(attempt: 1) == .closeStray)
        #expect(machine.ended(attempt: 1, at: wake, random: &random) == .closeStray)
        #expect(machine.status == .connecting)
    }

    @Test func aGreetingThatHangsEndsWithTheConnectTimeout() {
        var random = SeededRandom(seed: 1)
        var machine = Machine(settings: self.settings())
        _ = machine.start(at: self.start)
        _ = machine.connected(attempt: 1)
        #expect(machine.timePassed(at: self.start + .milliseconds(999), random: &random) == .none)
        #expect(machine.timePassed(at: self.start + .seconds(1), random: &random) == .drop)
    }

    /// Full jitter: anywhere up to a bound that doubles from 20 ms and ends at 1 s.
    @Test func backoffIsExponentialWithFullJitter() {
        var largest = [TimeSpan](repeating: .zero, count: 12)
        var smallest = [TimeSpan](repeating: .minutes(1), count: 12)
        for seed in 0..<300 {
            var random = SeededRandom(seed: UInt64(seed))
            var machine = Machine(settings: self.settings())
            var now = self.start
            _ = machine.start(at: now)
            for round in 0..<12 {
                #expect(machine.ended(attempt: machine.attempt, at: now, random: &random) == .drop)
                let wake = machine.nextWake ?? now
                largest[round] = max(largest[round], wake - now)
                smallest[round] = min(smallest[round], wake - now)
                now = wake
                #expect(machine.timePassed(at: now, random: &random) == .dial(attempt: machine.attempt))
            }
        }
        for round in 0..<12 {
            let bound = TimeSpan.milliseconds(min(1000, 20 << Int64(round)))
            #expect(largest[round] <= bound)
            #expect(largest[round].nanoseconds > bound.nanoseconds * 9 / 10)
            #expect(smallest[round].nanoseconds < bound.nanoseconds / 10)
        }
    }

    @Test func aConnectionThatHeldForAWhileStartsTheBackoffAnew() {
        var random = SeededRandom(seed: 7)
        var machine = Machine(settings: self.settings())
        var now = self.start
        _ = machine.start(at: now)
        for _ in 0..<10 {
            _ = machine.ended(attempt: machine.attempt, at: now, random: &random)
            now = machine.nextWake ?? now
            _ = machine.timePassed(at: now, random: &random)
        }
        self.ready(&machine, at: now, random: &random)
        now = now + .seconds(1)
        #expect(machine.ended(attempt: machine.attempt, at: now, random: &random) == .drop)
        #expect((machine.nextWake ?? now) - now <= .milliseconds(20))
    }

    @Test func theBreakerOpensAndAReconnectAllowsAProbe() {
        var random = SeededRandom(seed: 1)
        var machine = Machine(settings: self.settings())
        _ = machine.start(at: self.start)
        self.ready(&machine, at: self.start, random: &random)
        for _ in 0..<5 { machine.commandFailed(isProbe: false, at: self.start) }
        #expect(machine.admit(at: self.start) == .failure(.breakerOpen))
        _ = machine.ended(attempt: machine.attempt, at: self.start, random: &random)
        _ = machine.timePassed(at: self.start + .milliseconds(20), random: &random)
        self.ready(&machine, at: self.start + .milliseconds(20), random: &random)
        #expect(machine.admit(at: self.start + .milliseconds(20)) == .success(true))
        #expect(machine.admit(at: self.start + .milliseconds(20)) == .failure(.breakerOpen))
        machine.commandSucceeded(isProbe: true)
        #expect(machine.admit(at: self.start + .milliseconds(20)) == .success(false))
    }

    /// A loss is one failure, whatever it takes along: a restarted server is used again at once.
    @Test func aLossAloneDoesNotOpenTheBreaker() {
        var random = SeededRandom(seed: 1)
        var machine = Machine(settings: self.settings())
        _ = machine.start(at: self.start)
        self.ready(&machine, at: self.start, random: &random)
        _ = machine.ended(attempt: 1, at: self.start, random: &random)
        #expect(machine.breaker.state == .closed)
    }

    /// A probe that the connection takes with it is a failed probe, not one that is waited for for ever.
    @Test func aProbeThatIsLostDoesNotBlockTheBreaker() {
        var random = SeededRandom(seed: 1)
        var machine = Machine(settings: self.settings())
        _ = machine.start(at: self.start)
        self.ready(&machine, at: self.start, random: &random)
        for _ in 0..<5 { machine.commandFailed(isProbe: false, at: self.start) }
        let later = self.start + .seconds(2)
        #expect(machine.admit(at: later) == .success(true))
        _ = machine.ended(attempt: 1, at: later, random: &random)
        #expect(machine.breaker.state == .open(until: later + .seconds(1)))
    }
}

import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayUpstream

@Suite struct RetryBudgetTests {
    private func at(_ seconds: Int64, _ milliseconds: Int64 = 0) -> MonotonicTime {
        MonotonicTime(nanoseconds: 0) + .seconds(seconds) + .milliseconds(milliseconds)
    }

    @Test func aQuietGatewayHasThreeRetries() {
        var budget = RetryBudget()
        let granted = (0..<10).count { _ in budget.mayRetry(at: self.at(5)) }
        #expect(granted == 3)
    }

    @Test func aTenthOfTheRequestsMayBeRetried() {
        var budget = RetryBudget()
        for _ in 0..<1000 { budget.request(at: self.at(5)) }
        let granted = (0..<1000).count { _ in budget.mayRetry(at: self.at(6)) }
        #expect(granted == 103)
    }

    @Test func theWindowSlidesBySeconds() {
        var budget = RetryBudget()
        for _ in 0..<100 { budget.request(at: self.at(100)) }
        #expect((0..<20).count { _ in budget.mayRetry(at: self.at(100)) } == 13)
        #expect((0..<20).count { _ in budget.mayRetry(at: self.at(109, 999)) } == 0)
        // Requests and retries of second 100 have left; the floor is whole again.
        #expect((0..<20).count { _ in budget.mayRetry(at: self.at(110)) } == 3)
    }

    @Test func timeThatRunsBackwardsCountsAsTheLatestSecond() {
        var budget = RetryBudget()
        let granted = [50, 50, 50, 10, 59, 60].map { budget.mayRetry(at: self.at($0)) }
        #expect(granted == [true, true, true, false, false, true])
    }

    /// In any window of ten whole seconds: retries ≤ requests / 10 + 3, whatever the pattern.
    @Test(arguments: [UInt64(1), 2, 3, 4, 5]) func retriesNeverExceedTheBound(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var budget = RetryBudget()
        var clock = ManualClock(at: self.at(7))
        var requests: [Int64: Int] = [:]
        var retries: [Int64: Int] = [:]
        for _ in 0..<20_000 {
            let second = clock.now.nanoseconds / 1_000_000_000
            if random.oneIn(3) {
                if budget.mayRetry(at: clock.now) {
                    retries[second, default: 0] += 1
                    let window = (second - 9)...second
                    let allowed = window.reduce(0) { $0 + requests[$1, default: 0] } / 10 + 3
                    #expect(window.reduce(0) { $0 + retries[$1, default: 0] } <= allowed)
                }
            } else {
                budget.request(at: clock.now)
                requests[second, default: 0] += 1
            }
            if random.oneIn(20) { clock.advance(by: .milliseconds(Int64(random.int(0...900)))) }
            if random.oneIn(2000) { clock.advance(by: .seconds(Int64(random.int(1...30)))) }
        }
    }
}

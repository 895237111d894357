import GatewayCore
import GatewayHTTP
import Testing

@Suite struct DeadlineTableTests {
    private final class Owner: DeadlineOwner {
        var times: [MonotonicTime] = []
        func deadlinePassed(at now: MonotonicTime) { self.times.append(now) }
    }

    private let start = MonotonicTime(nanoseconds: 1_000_000_000)

    /// Guarantee: an owner is told once, at the first tick that is not before its deadline.
    @Test func anOwnerIsToldOnce() {
        let table = DeadlineTable()
        let owner = Owner()
        let slot = table.register(owner)
        table.set(slot, self.start + .seconds(2))
        for second in 0..<5 { table.tick(at: self.start + .seconds(Int64(second))) }
        #expect(owner.times == [self.start + .seconds(2)])
    }

    /// Guarantee: a span that counts from the next tick is never cut short, and is over a tick late at most.
    @Test func aSpanCountsFromTheNextTick() {
        let table = DeadlineTable()
        let owner = Owner()
        let slot = table.register(owner)
        table.tick(at: self.start)
        table.set(slot, afterNextTick: .seconds(2))
        for step in 1..<40 { table.tick(at: self.start + .milliseconds(100 * Int64(step))) }
        #expect(owner.times == [self.start + .milliseconds(2100)])
    }

    /// Guarantee: what is set again or cleared before the next tick does not come.
    @Test func aSpanIsReplacedAndCleared() {
        let table = DeadlineTable()
        let owner = Owner()
        let slot = table.register(owner)
        table.set(slot, afterNextTick: .zero)
        table.set(slot, afterNextTick: .seconds(1))
        table.tick(at: self.start)
        table.tick(at: self.start + .milliseconds(999))
        #expect(owner.times.isEmpty)
        table.clear(slot)
        table.tick(at: self.start + .seconds(9))
        #expect(owner.times.isEmpty)
        table.set(slot, afterNextTick: TimeSpan(nanoseconds: .max))
        table.tick(at: self.start + .seconds(10))
        table.tick(at: self.start + .seconds(11))
        #expect(owner.times.isEmpty)
        table.release(slot)
        #expect(table.count == 0)
    }
}

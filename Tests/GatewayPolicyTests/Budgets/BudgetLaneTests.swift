import GatewayContract
import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayPolicy

struct BudgetLaneTests {
    private typealias Fixture = BudgetFixture

    private func standing(_ ledger: BudgetLedger, _ path: BudgetPath, _ line: Int = 0, at now: WallTime = Fixture.now)
        -> BudgetStanding
    {
        ledger.standing(of: path.budget(line), at: now)
    }

    /// B-1. Guarantee: a reservation counts at once, a settlement charges what it cost and gives back the rest.
    @Test func reserveSettleRelease() throws {
        let ledger = BudgetLedger(capacity: 4)
        let path = try Fixture.path(ledger, [Fixture.spec("b", micro: 10)])
        let lane = try Fixture.lane(ledger)
        let first = try #require(lane.reserve(path, 6_000_000).reservation)
        #expect(lane.reserve(path, 4_000_001).refusal != nil)
        let second = try #require(lane.reserve(path, 4_000_000).reservation)
        #expect(self.standing(ledger, path).reserved == ExactAmount(micro: 10, pico: 0))
        #expect(lane.settle(first, actual: PicoAmount(pico: 1_300_000)) == .init(end: .settled, overrun: .zero))
        #expect(self.standing(ledger, path).spent == ExactAmount(micro: 1, pico: 300_000))
        #expect(lane.release(second).end == .released)
        #expect(self.standing(ledger, path).reserved == .zero)
        #expect(lane.reserve(path, 8_700_001).refusal != nil)
        #expect(lane.reserve(path, 8_700_000).reservation != nil, "all of the rest can be had")
        #expect(lane.heldCount == 1)
    }

    /// Guarantee: a reservation ends once; what comes after changes nothing, even when its entry is used again.
    @Test func aReservationEndsOnce() throws {
        let ledger = BudgetLedger(capacity: 4)
        let path = try Fixture.path(ledger, [Fixture.spec("b", micro: 10)])
        let lane = try Fixture.lane(ledger)
        let first = try #require(lane.reserve(path, 5_000_000).reservation)
        #expect(lane.settle(first, actual: PicoAmount(pico: 1_000_000)).end == .settled)
        let second = try #require(lane.reserve(path, 5_000_000).reservation)
        #expect(lane.settle(first, actual: PicoAmount(pico: 5_000_000)).end == .nothing)
        #expect(lane.release(first).end == .nothing)
        #expect(lane.topUp(first, by: PicoAmount(pico: 1), at: Fixture.now) == nil)
        #expect(lane.amount(of: first) == .zero)
        #expect(self.standing(ledger, path).reserved == ExactAmount(micro: 5, pico: 0))
        #expect(lane.amount(of: second) == PicoAmount(pico: 5_000_000))
        #expect(lane.settle(.none, actual: PicoAmount(pico: 1)).end == .nothing)
    }

    /// B-6. Guarantee: what is free passes, however exhausted its budgets are.
    @Test func freeIsNeverBlocked() throws {
        let ledger = BudgetLedger(capacity: 4)
        let path = try Fixture.path(ledger, [Fixture.spec("b", micro: 0)])
        let lane = try Fixture.lane(ledger)
        #expect(lane.reserve(path, 1).refusal != nil)
        #expect(lane.reserve(path, 0).reservation == BudgetReservation.none)
        #expect(lane.reserve(.none, 5).reservation == BudgetReservation.none, "nor what has no budget")
    }

    /// B-5. Guarantee: every budget on the path must admit; one refusal leaves all as they were.
    @Test func allOrNothing() throws {
        let ledger = BudgetLedger(capacity: 8)
        let key = Fixture.spec("key", micro: 100)
        let org = Fixture.spec("org", micro: 60, scope: .org)
        let model = Fixture.spec("model", micro: 30, scope: .model)
        let path = try Fixture.path(ledger, [key, org], model: [model])
        let lane = try Fixture.lane(ledger)
        let other = try Fixture.path(ledger, [key, org])
        #expect(lane.reserve(path, 31_000_000).refusal?.budget == "model")
        for line in 0..<3 { #expect(self.standing(ledger, path, line).reserved == .zero) }
        #expect(lane.reserve(other, 61_000_000).refusal?.budget == "org")
        #expect(lane.reserve(other, 101_000_000).refusal?.budget == "key", "narrow scopes first")
        let held = try #require(lane.reserve(path, 30_000_000).reservation)
        for line in 0..<3 { #expect(self.standing(ledger, path, line).reserved == ExactAmount(micro: 30, pico: 0)) }
        _ = lane.settle(held, actual: PicoAmount(pico: 7))
        for line in 0..<3 { #expect(self.standing(ledger, path, line).spent == ExactAmount(micro: 0, pico: 7)) }
    }

    /// Guarantee: at the boundary a new window begins to the second, and what was reserved before settles before.
    @Test func windowsRollOver() throws {
        let ledger = BudgetLedger(capacity: 4)
        let path = try Fixture.path(ledger, [Fixture.spec("b", micro: 10, .day)])
        let lane = try Fixture.lane(ledger)
        let midnight = Fixture.now.unixSeconds + 86400
        let before = WallTime(nanoseconds: midnight * 1_000_000_000 - 1)
        let after = WallTime(unixSeconds: midnight)
        let old = try #require(lane.reserve(path, 10_000_000, at: before).reservation)
        #expect(lane.reserve(path, 1, at: before).refusal?.resetsAt == midnight)
        let new = try #require(lane.reserve(path, 9_000_000, at: after).reservation)
        #expect(lane.topUp(old, by: PicoAmount(pico: 1), at: after) != nil, "its own window is full")
        #expect(lane.settle(old, actual: PicoAmount(pico: 4_000_000)).end == .settled)
        let standing = self.standing(ledger, path, at: after)
        #expect(standing.pastSpent == ExactAmount(micro: 4, pico: 0))
        #expect(standing.pastReserved == .zero)
        #expect(standing.spent == .zero)
        #expect(standing.reserved == ExactAmount(micro: 9, pico: 0))
        #expect(standing.period == BudgetPeriod(start: midnight, end: midnight + 86400))
        // A clock that is set back does not bring the old window back.
        #expect(lane.reserve(path, 1_000_001, at: before).refusal != nil)
        // Two windows later nobody asks for it any more.
        let later = WallTime(unixSeconds: midnight + 2 * 86400)
        let latest = try #require(lane.reserve(path, 10_000_000, at: later).reservation)
        #expect(self.standing(ledger, path, at: later).pastReserved == ExactAmount(micro: 9, pico: 0))
        let last = WallTime(unixSeconds: midnight + 9 * 86400)
        _ = try #require(lane.reserve(path, 1_000_000, at: last).reservation)
        #expect(lane.topUp(new, by: PicoAmount(pico: 1), at: last) != nil, "a closed window gives nothing")
        #expect(lane.settle(new, actual: PicoAmount(pico: 1)).end == .settled)
        #expect(lane.settle(latest, actual: PicoAmount(pico: 2)).end == .settled)
        #expect(self.standing(ledger, path, at: last).pastSpent == ExactAmount(micro: 0, pico: 2))
        #expect(self.standing(ledger, path, at: last).spent == .zero)
    }

    /// Guarantee: a rolling window never holds more than its limit over any of its lengths, and gives all back in time.
    @Test(arguments: [UInt64(1), 2, 3])
    func rollingWindows(_ seed: UInt64) throws {
        let ledger = BudgetLedger(capacity: 4)
        let path = try Fixture.path(ledger, [Fixture.spec("b", micro: 100, .hours(2))])
        let lane = try Fixture.lane(ledger)
        var random = SeededRandom(seed: seed)
        var spent: [(at: Int64, pico: Int64)] = []
        var seconds = Fixture.now.unixSeconds
        for _ in 0..<3000 {
            seconds += Int64(random.int(0...200))
            let pico = Int64(random.int(1...9_000_000))
            guard let held = lane.reserve(path, pico, at: WallTime(unixSeconds: seconds)).reservation else { continue }
            let actual = random.oneIn(4) ? Int64(random.int(0...Int(pico))) : pico
            _ = lane.settle(held, actual: PicoAmount(pico: actual))
            spent.append((seconds, actual))
            let within = spent.reversed().prefix { $0.at > seconds - 7200 }.reduce(0) { $0 + $1.pico }
            #expect(within <= 100_000_000)
        }
        #expect(spent.count > 500)
        // After 1.1 lengths nothing is left of it.
        let later = WallTime(unixSeconds: seconds + 7920)
        #expect(self.standing(ledger, path, at: later).spent == .zero)
        #expect(lane.reserve(path, 100_000_000, at: later).reservation != nil)
    }

    /// Guarantee: what a rolling window still holds belongs to the slice in which it was reserved.
    @Test func rollingSettlementsBelongToTheirSlice() throws {
        let ledger = BudgetLedger(capacity: 4)
        let path = try Fixture.path(ledger, [Fixture.spec("b", micro: 100, .hours(1))])
        let lane = try Fixture.lane(ledger)
        func at(_ slice: Int64) -> WallTime { WallTime(unixSeconds: Fixture.now.unixSeconds + slice * 360) }
        let early = try #require(lane.reserve(path, 60_000_000, at: at(0)).reservation)
        let late = try #require(lane.reserve(path, 40_000_000, at: at(5)).reservation)
        _ = lane.settle(early, actual: PicoAmount(pico: 60_000_000))
        #expect(lane.reserve(path, 1, at: at(10)).refusal != nil)
        let next = try #require(lane.reserve(path, 60_000_000, at: at(11)).reservation, "the first slice has left")
        #expect(lane.reserve(path, 1, at: at(20)).refusal != nil, "what is reserved counts until it ends")
        _ = lane.settle(late, actual: PicoAmount(pico: 40_000_000))
        #expect(self.standing(ledger, path, at: at(20)).spent == .zero, "its slice had left before")
        _ = lane.release(next)
        #expect(self.standing(ledger, path, at: at(20)).reserved == .zero)
    }

    /// B-17. Guarantee: an edited limit, and a budget that was away, keep what was spent; another window starts anew.
    @Test func editsKeepTheState() throws {
        let ledger = BudgetLedger(capacity: 8)
        let lane = try Fixture.lane(ledger)
        let path = try Fixture.path(ledger, [Fixture.spec("b", micro: 10, .day)])
        let held = try #require(lane.reserve(path, 10_000_000).reservation)
        let raised = try Fixture.path(ledger, [Fixture.spec("b", micro: 12, .day)])
        #expect(lane.reserve(raised, 2_000_001).refusal != nil)
        #expect(lane.reserve(raised, 2_000_000).reservation != nil)
        _ = lane.settle(held, actual: PicoAmount(pico: 10_000_000))
        let lowered = try Fixture.path(ledger, [Fixture.spec("b", micro: 5, .day)])
        #expect(lane.reserve(lowered, 1).refusal?.spent == ExactAmount(micro: 10, pico: 0))
        let monthly = try Fixture.path(ledger, [Fixture.spec("b", micro: 5, .month(from: 1))])
        #expect(lane.reserve(monthly, 5_000_000).reservation != nil)
    }

    /// Guarantee: a soft budget refuses nothing, and each threshold of any budget is told once in a window.
    @Test func thresholdsAreToldOnce() throws {
        let ledger = BudgetLedger(capacity: 4)
        let spec = Fixture.spec("b", micro: 1000, .day, hard: false, thresholds: [50, 80, 0, 101])
        let path = try Fixture.path(ledger, [spec])
        let lane = try Fixture.lane(ledger)
        func spend(_ micro: Int64, at now: WallTime = Fixture.now) throws -> [Int] {
            let held = try #require(lane.reserve(path, micro * 1_000_000, at: now).reservation)
            _ = lane.settle(held, actual: PicoAmount(pico: micro * 1_000_000))
            return lane.takeCrossings().map(\.percent)
        }
        #expect(try spend(499) == [])
        #expect(try spend(1) == [50])
        #expect(try spend(200) == [])
        #expect(try spend(400) == [80, 100])
        #expect(try spend(5000) == [], "it goes on")
        #expect(try spend(900, at: WallTime(unixSeconds: Fixture.now.unixSeconds + 86400)) == [50, 80])
    }

    /// Guarantee: an expired lease charges what had been delivered, at most what was held, and frees the rest.
    @Test func expiredLeasesAreSwept() throws {
        let ledger = BudgetLedger(capacity: 4)
        let path = try Fixture.path(ledger, [Fixture.spec("b", micro: 30)])
        let lane = try Fixture.lane(ledger)
        let silent = try #require(lane.reserve(path, 10_000_000).reservation)
        let partial = try #require(lane.reserve(path, 10_000_000).reservation)
        let alive = try #require(lane.reserve(path, 10_000_000).reservation)
        lane.renew(partial, progress: PicoAmount(pico: 50_000_000), lease: Fixture.lease)
        lane.renew(alive, progress: PicoAmount(pico: 1), lease: Fixture.lease + .seconds(10))
        #expect(lane.sweep(at: Fixture.lease) == 0)
        #expect(lane.sweep(at: Fixture.lease + .seconds(1)) == 2)
        #expect(self.standing(ledger, path).spent == ExactAmount(micro: 10, pico: 0))
        #expect(self.standing(ledger, path).reserved == ExactAmount(micro: 10, pico: 0))
        #expect(lane.settle(silent, actual: PicoAmount(pico: 1)).end == .nothing)
        #expect(lane.settle(alive, actual: PicoAmount(pico: 1)).end == .settled)
        #expect(lane.heldCount == 0)
    }

    /// Guarantee: a top-up takes from every budget or from none, and is settled with the rest.
    @Test func topUps() throws {
        let ledger = BudgetLedger(capacity: 4)
        let specs = [Fixture.spec("key", micro: 100), Fixture.spec("org", micro: 20, scope: .org)]
        let path = try Fixture.path(ledger, specs)
        let lane = try Fixture.lane(ledger)
        let held = try #require(lane.reserve(path, 10_000_000).reservation)
        #expect(lane.topUp(held, by: PicoAmount(pico: 10_000_000), at: Fixture.now) == nil)
        #expect(lane.topUp(held, by: PicoAmount(pico: 1), at: Fixture.now)?.budget == "org")
        #expect(self.standing(ledger, path).reserved == ExactAmount(micro: 20, pico: 0))
        #expect(lane.topUp(held, by: PicoAmount(pico: .max), at: Fixture.now)?.wanted == PicoAmount(pico: .max))
        #expect(lane.amount(of: held) == PicoAmount(pico: 20_000_000))
        let settlement = lane.settle(held, actual: PicoAmount(pico: 20_000_007))
        #expect(settlement.overrun == PicoAmount(pico: 7), "told, and charged in full")
        #expect(self.standing(ledger, path, 1).spent == ExactAmount(micro: 20, pico: 7))
        #expect(self.standing(ledger, path, 1).reserved == .zero)
    }

    /// DESIGN 13.6. Guarantee: a refusal says which budget, scope, limit, what is spent and when it resets.
    @Test func refusalsSayWhy() throws {
        let ledger = BudgetLedger(capacity: 4)
        let lane = try Fixture.lane(ledger)
        let path = try Fixture.path(ledger, [Fixture.spec("acme-daily", micro: 5_000_000, .day, scope: .org)])
        let held = try #require(lane.reserve(path, 4_000_000_000_000).reservation)
        _ = lane.settle(held, actual: PicoAmount(pico: 3_000_000_000_001))
        _ = try #require(lane.reserve(path, 1_000_000_000_000).reservation)
        let refusal = try #require(lane.reserve(path, 2_000_000_000_000).refusal)
        #expect(refusal.scope == BudgetScope(.org, "acme-daily"))
        #expect(refusal.code == .orgBudget && refusal.code.isMoney)
        #expect(refusal.error.retry == .never)
        #expect(
            refusal.error.message == "The budget of the organization is exhausted. The org `acme-daily` may spend "
                + "5.000000 USD, 3.000000000001 is spent and 1.000000 reserved; this request may cost 2.000000. "
                + "Resets at 2026-09-02T00:00:00Z.")
        #expect(ErrorCode.orgBudget.row.label == "organization_spend_limit_exceeded")
        #expect(ErrorCode.teamBudget.row.label == "project_spend_limit_exceeded")
        #expect(ErrorCode.budget.row.label == "insufficient_quota")
    }
}

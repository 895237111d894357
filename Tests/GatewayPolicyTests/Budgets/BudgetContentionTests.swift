import GatewayContract
import GatewayCore
import GatewayTesting
import Synchronization
import Testing

@testable import GatewayPolicy

/// Real threads, each with a lane of its own, on the same budgets.
struct BudgetContentionTests {
    private typealias Fixture = BudgetFixture

    private final class Counts: Sendable {
        let admitted = Atomic<Int>(0)
        let charged = Atomic<Int>(0)
        let crossings = Atomic<Int>(0)
        let broken = Atomic<Int>(0)
        let finished = Atomic<Int>(0)
        let isOver = Atomic<Bool>(false)
    }

    /// DESIGN 13.2. Guarantee: 1,000 concurrent requests of equal price on money for 100: exactly 100 are admitted, and
    /// once settled all of the money can be spent.
    @Test(arguments: [1_000_000_000_000, 200_000, 10_000, 1_230_000] as [Int64])
    func exactlyOneHundred(_ price: Int64) throws {
        for round in 0..<10 {
            let ledger = BudgetLedger(capacity: 4)
            let limit = price * 100 / 1_000_000
            var specs = [Fixture.spec("key", micro: limit * (round % 2 == 0 ? 1 : 3))]
            if round > 2 { specs.append(Fixture.spec("org", micro: limit, scope: .org)) }
            if round < 3 { specs = [Fixture.spec("key", micro: limit)] }
            let path = try Fixture.path(ledger, specs)
            let counts = Counts()
            ThreadTeam.run(4) { _ in
                guard let lane = ledger.makeLane() else { return }
                var held: [BudgetReservation] = []
                for _ in 0..<250 {
                    if let reservation = lane.reserve(path, price).reservation { held.append(reservation) }
                }
                counts.admitted.add(held.count, ordering: .relaxed)
                // Money that comes back may be had again: nothing is settled before everyone has asked.
                counts.finished.add(1, ordering: .acquiringAndReleasing)
                while counts.finished.load(ordering: .acquiring) < 4 {}
                for reservation in held { _ = lane.settle(reservation, actual: PicoAmount(pico: price / 2)) }
            }
            #expect(counts.admitted.load(ordering: .relaxed) == 100)
            let lane = try Fixture.lane(ledger)
            var further = 0
            while let held = lane.reserve(path, price / 2).reservation {
                _ = lane.settle(held, actual: PicoAmount(pico: price / 2))
                further += 1
            }
            #expect(further == 100)
            let standing = ledger.standing(of: path.budget(specs.count - 1), at: Fixture.now)
            #expect(standing.spent == ExactAmount(micro: limit, pico: 0))
            #expect(standing.reserved == .zero)
        }
    }

    /// Invariant 4. Guarantee: no reader ever sees a budget beyond its limit, and in the end nothing is reserved and
    /// all that was charged is spent, to the pico.
    @Test(arguments: [UInt64(11), 12, 13])
    func mixesStayWithinTheirLimits(_ seed: UInt64) throws {
        let ledger = BudgetLedger(capacity: 8)
        let path = try Fixture.path(
            ledger, [Fixture.spec("key", micro: 50_000), Fixture.spec("org", micro: 40_000, .hours(9), scope: .org)],
            model: [Fixture.spec("model", micro: 45_000, .day, scope: .model)])
        let counts = Counts()
        ThreadTeam.run(4) { number in
            guard let lane = ledger.makeLane() else { return }
            if number == 3 {
                while !counts.isOver.load(ordering: .relaxed) {
                    for line in 0..<3 {
                        let standing = ledger.standing(of: path.budget(line), at: Fixture.now)
                        let total = Fixture.pico(standing.spent) + Fixture.pico(standing.reserved)
                        if total > Int128(standing.limit.micro) * 1_000_000 { counts.broken.add(1, ordering: .relaxed) }
                    }
                }
                return
            }
            Self.spend(lane, path, SeededRandom(seed: seed &* 7 &+ UInt64(number)), counts)
            if number == 0 { counts.isOver.store(true, ordering: .relaxed) }
        }
        #expect(counts.broken.load(ordering: .relaxed) == 0)
        for line in 0..<3 {
            let standing = ledger.standing(of: path.budget(line), at: Fixture.now)
            #expect(standing.reserved == .zero)
            #expect(Fixture.pico(standing.spent) == Int128(counts.charged.load(ordering: .relaxed)))
        }
    }

    private static func spend(_ lane: BudgetLane, _ path: BudgetPath, _ seeded: SeededRandom, _ counts: Counts) {
        var random = seeded
        var held: [(reservation: BudgetReservation, pico: Int)] = []
        for _ in 0..<5000 {
            let pico = random.int(1...900_000_000)
            if let reservation = lane.reserve(path, Int64(pico)).reservation { held.append((reservation, pico)) }
            if random.oneIn(5), let last = held.indices.last {
                let more = PicoAmount(pico: Int64(random.int(1...50_000_000)))
                if lane.topUp(held[last].reservation, by: more, at: Fixture.now) == nil {
                    held[last].pico += Int(more.pico)
                }
            }
            while held.count > random.int(0...8) {
                let (reservation, pico) = held.remove(at: random.int(0...held.count - 1))
                let actual = random.oneIn(3) ? 0 : random.int(0...pico / 40)
                counts.charged.add(actual, ordering: .relaxed)
                _ = lane.settle(reservation, actual: PicoAmount(pico: Int64(actual)))
            }
        }
        for (reservation, _) in held { _ = lane.release(reservation) }
    }

    /// Guarantee: two loops on one budget lose nothing and report each threshold once between them.
    @Test func twoLoopsOneBudget() throws {
        let ledger = BudgetLedger(capacity: 1)
        let each = 20_000
        let path = try Fixture.path(
            ledger, [Fixture.spec("b", micro: Int64(each) * 2 * 200_000 / 1_000_000, thresholds: [10, 50, 90])])
        let counts = Counts()
        ThreadTeam.run(2) { _ in
            guard let lane = ledger.makeLane() else { return }
            for _ in 0..<each {
                guard let held = lane.reserve(path, 200_000).reservation else { continue }
                _ = lane.settle(held, actual: PicoAmount(pico: 200_000))
                counts.admitted.add(1, ordering: .relaxed)
            }
            counts.crossings.add(lane.takeCrossings().count, ordering: .relaxed)
        }
        #expect(counts.admitted.load(ordering: .relaxed) == each * 2)
        #expect(counts.crossings.load(ordering: .relaxed) == 4)
        #expect(ledger.standing(of: path.budget(0), at: Fixture.now).spent == ExactAmount(micro: 8000, pico: 0))
    }

    /// Guarantee: while windows roll over under way, no window is given more than its limit.
    @Test func rollOverUnderWay() throws {
        let ledger = BudgetLedger(capacity: 1)
        let path = try Fixture.path(ledger, [Fixture.spec("b", micro: 100, .day)])
        let days = 200
        let admitted = (0..<days).map { _ in Counts() }
        ThreadTeam.run(4) { _ in
            guard let lane = ledger.makeLane() else { return }
            for day in 0..<days {
                let now = WallTime(unixSeconds: Fixture.now.unixSeconds + Int64(day) * 86400)
                for _ in 0..<60 {
                    guard let held = lane.reserve(path, 1_000_000, at: now).reservation else { continue }
                    _ = lane.settle(held, actual: PicoAmount(pico: 1_000_000))
                    admitted[day].admitted.add(1, ordering: .relaxed)
                }
            }
        }
        // A lane that lags reserves in the window that the others have begun: no window gets more, all together fit.
        let total = admitted.reduce(0) { $0 + $1.admitted.load(ordering: .relaxed) }
        #expect(total <= days * 100)
        #expect(ledger.standing(of: path.budget(0), at: Fixture.now).spent <= ExactAmount(MicroAmount(micro: 100)))
    }
}

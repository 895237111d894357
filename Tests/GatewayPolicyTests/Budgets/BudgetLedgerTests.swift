import GatewayContract
import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayPolicy

/// The ledger against a table that knows nothing of cells: what stands in each (budget, window), in 128 bits.
struct BudgetLedgerTests {
    /// Guarantee: over random reservations, top-ups, settlements, releases and days, the ledger agrees with the table,
    /// verdict by verdict and pico by pico.
    @Test(arguments: [UInt64(21), 22, 23, 24])
    func agreesWithATable(_ seed: UInt64) throws {
        var pair = try LedgerAndTable(seed: seed)
        for _ in 0..<4000 {
            try pair.step()
            pair.compare()
        }
        pair.releaseAll()
        pair.compare()
        #expect(pair.lane.heldCount == 0)
        #expect(pair.admitted > 200 && pair.refused > 200)
    }

    /// Guarantee: a name and a window always find the same state, and a full ledger is told.
    @Test func namesFindTheirState() throws {
        let ledger = BudgetLedger(capacity: 2)
        let day = try #require(ledger.budget(BudgetFixture.spec("b", micro: 1, .day), zone: .utc))
        let rolling = try #require(ledger.budget(BudgetFixture.spec("b", micro: 1, .hours(2)), zone: .utc))
        #expect(day.terms.cell != rolling.terms.cell)
        #expect(ledger.budget(BudgetFixture.spec("b", micro: 9, .day), zone: .utc)?.terms.cell == day.terms.cell)
        #expect(ledger.budget(BudgetFixture.spec("c", micro: 9, .day), zone: .utc) == nil)
    }

    /// Guarantee: lanes that come and go use the same spare nodes.
    @Test func lanesReturnTheirNodes() {
        let ledger = BudgetLedger(capacity: 1)
        for _ in 0..<10_000 { #expect(ledger.makeLane() != nil) }
    }
}

private struct LedgerAndTable {
    private struct Account {
        var committed: Int128 = 0
        var reserved: Int128 = 0
    }

    private struct Held {
        var reservation: BudgetReservation
        var amount: Int128
        /// Places in `specs`, and the start of each one's window.
        var lines: [(spec: Int, window: Int64)]
    }

    private var random: SeededRandom
    private let ledger = BudgetLedger(capacity: 8)
    private let specs: [BudgetSpec]
    private let budgets: [Budget]
    private let paths: [(lines: [Int], path: BudgetPath)]
    let lane: BudgetLane
    private var table: [[Int64: Account]] = [[:], [:], [:]]
    private var held: [Held] = []
    private var seconds = BudgetFixture.now.unixSeconds
    private(set) var admitted = 0
    private(set) var refused = 0

    /// A week, a day, and a soft day.
    init(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let ledger = self.ledger
        let specs = (0..<3).map { number in
            BudgetFixture.spec(
                BudgetName("b\(number)"), micro: Int64(random.int(50...200)), number == 0 ? .week(from: 1) : .day,
                hard: number != 2)
        }
        self.random = random
        self.specs = specs
        self.budgets = try specs.map { try #require(ledger.budget($0, zone: .utc)) }
        self.paths = try [[0], [0, 1], [0, 1, 2], [1, 2]].map { lines in
            (lines, try BudgetFixture.path(ledger, lines.map { specs[$0] }))
        }
        self.lane = try BudgetFixture.lane(ledger)
    }

    mutating func step() throws {
        if self.random.oneIn(40) {
            self.seconds += Int64(self.random.int(1...50_000))
            self.releaseOld()
        }
        let now = WallTime(unixSeconds: self.seconds)
        let pico = Int64(self.random.int(1...40_000_000))
        switch self.random.int(0...5) {
        case 0...2:
            let (lines, path) = self.paths[self.random.int(0...self.paths.count - 1)]
            let places = lines.map { ($0, self.budgets[$0].window.period(containing: self.seconds).start) }
            let verdict = self.lane.reserve(path, pico, at: now).reservation
            self.expect(verdict != nil, self.fits(places, Int128(pico)))
            guard let verdict else { return }
            self.add(places, reserved: Int128(pico))
            self.held.append(Held(reservation: verdict, amount: Int128(pico), lines: places))
        case 3:
            guard let place = self.held.indices.randomElement(using: &self.random) else { return }
            let refusal = self.lane.topUp(self.held[place].reservation, by: PicoAmount(pico: pico), at: now)
            self.expect(refusal == nil, self.fits(self.held[place].lines, Int128(pico)))
            guard refusal == nil else { return }
            self.add(self.held[place].lines, reserved: Int128(pico))
            self.held[place].amount += Int128(pico)
        default:
            guard let place = self.held.indices.randomElement(using: &self.random) else { return }
            let held = self.held.remove(at: place)
            let actual = self.random.oneIn(3) ? 0 : Int64(self.random.int(0...Int(held.amount)))
            _ = self.lane.settle(held.reservation, actual: PicoAmount(pico: actual))
            self.add(held.lines, reserved: -held.amount, committed: Int128(actual))
        }
    }

    func compare() {
        for (place, budget) in self.budgets.enumerated() {
            let standing = self.ledger.standing(of: budget, at: WallTime(unixSeconds: self.seconds))
            let account = self.table[place][budget.window.period(containing: self.seconds).start] ?? Account()
            #expect(BudgetFixture.pico(standing.spent) == account.committed)
            #expect(BudgetFixture.pico(standing.reserved) == account.reserved)
        }
    }

    mutating func releaseAll() {
        for held in self.held {
            _ = self.lane.release(held.reservation)
            self.add(held.lines, reserved: -held.amount)
        }
        self.held = []
    }

    /// No reservation lives longer than the window after its own.
    private mutating func releaseOld() {
        let seconds = self.seconds
        let old = self.held.filter { held in
            held.lines.contains { $0.window <= seconds - 2 * 86400 * ($0.spec == 0 ? 7 : 1) }
        }
        for held in old {
            _ = self.lane.release(held.reservation)
            self.add(held.lines, reserved: -held.amount)
        }
        self.held.removeAll { held in old.contains { $0.reservation == held.reservation } }
    }

    private mutating func expect(_ verdict: Bool, _ reference: Bool) {
        #expect(verdict == reference)
        if reference { self.admitted += 1 } else { self.refused += 1 }
    }

    private func fits(_ lines: [(spec: Int, window: Int64)], _ pico: Int128) -> Bool {
        lines.allSatisfy { spec, window in
            let account = self.table[spec][window] ?? Account()
            let limit = Int128(self.specs[spec].limit.micro) * 1_000_000
            return self.specs[spec].enforcement == .soft || account.committed + account.reserved + pico <= limit
        }
    }

    private mutating func add(_ lines: [(spec: Int, window: Int64)], reserved: Int128, committed: Int128 = 0) {
        for (spec, window) in lines {
            self.table[spec][window, default: Account()].reserved += reserved
            self.table[spec][window, default: Account()].committed += committed
        }
    }
}

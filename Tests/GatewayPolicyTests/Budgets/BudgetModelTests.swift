import GatewayContract
import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayPolicy

/// The operations of `BudgetSteps.swift` in every order in which requests can touch memory.
struct BudgetModelTests {
    /// States in an array: every access is one step.
    private struct ArrayMemory: BudgetMemory, Hashable {
        var states: [BudgetState]
        var versions: [UInt64]
        /// There are only plain budgets here.
        var slices = BudgetSlices()

        mutating func load(_ cell: Int32, isRolling: Bool) -> (state: BudgetState, version: UInt64) {
            (self.states[Int(cell)], self.versions[Int(cell)])
        }

        mutating func replace(_ cell: Int32, isRolling: Bool, version: UInt64, with state: BudgetState) -> Bool {
            guard self.versions[Int(cell)] == version else { return false }
            self.states[Int(cell)] = state
            self.versions[Int(cell)] += 1
            return true
        }
    }

    private struct Lines: BudgetLines {
        var terms: [BudgetTerms]
        var count: Int { self.terms.count }
        subscript(_ line: Int) -> BudgetTerms { self.terms[line] }
        func period(_ line: Int, at seconds: Int64) -> BudgetPeriod {
            BudgetPeriod(start: seconds / 100 * 100, end: seconds / 100 * 100 + 100)
        }
    }

    private enum Request: Hashable {
        case taking(TakeSteps)
        case settling(SettleSteps, left: Int)
        case admitted, refused
    }

    private struct World: Hashable {
        var memory: ArrayMemory
        var requests: [Request]
    }

    private struct Plan {
        var lines: Lines
        var amount: PicoAmount
        var actual: PicoAmount
        var now: Int64
    }

    /// All worlds that can be reached, each once. `check` sees every one, `end` those where all requests have ended.
    private func explore(_ plans: [Plan], cells: Int, check: (World) -> Void, end: (World) -> Void) -> Int {
        let memory = ArrayMemory(
            states: Array(repeating: BudgetState(), count: cells), versions: Array(repeating: 0, count: cells))
        let requests = plans.map { Request.taking(TakeSteps($0.amount, at: $0.now, lines: $0.lines.count)) }
        let first = World(memory: memory, requests: requests)
        var seen: Set<World> = [first]
        var open = [first]
        while let world = open.popLast() {
            check(world)
            var isEnd = true
            for place in plans.indices {
                guard let next = self.advance(world, place, plans[place]) else { continue }
                isEnd = false
                if seen.insert(next).inserted { open.append(next) }
            }
            if isEnd { end(world) }
        }
        return seen.count
    }

    /// One step of one request; `nil` when it has ended.
    private func advance(_ world: World, _ place: Int, _ plan: Plan) -> World? {
        var next = world
        switch world.requests[place] {
        case .taking(var steps):
            switch steps.step(&next.memory, plan.lines) {
            case nil: next.requests[place] = .taking(steps)
            case .refused: next.requests[place] = .refused
            case .admitted:
                next.requests[place] = .settling(
                    SettleSteps(plan.amount, actual: plan.actual, windows: steps.windows), left: plan.lines.count)
            }
        case .settling(var steps, let left):
            let isDone = steps.step(&next.memory, plan.lines)
            next.requests[place] = isDone && left == 1 ? .admitted : .settling(steps, left: isDone ? left - 1 : left)
        case .admitted, .refused: return nil
        }
        return next
    }

    private func terms(_ cell: Int32, _ limit: Int64) -> BudgetTerms {
        BudgetTerms(cell: cell, isHard: true, isRolling: false, limit: limit, firstThreshold: limit)
    }

    private func pico(_ amount: ExactAmount) -> Int128 { BudgetFixture.pico(amount) }

    /// Invariant 4. Guarantee: in every order of the steps of two or three requests on two budgets, no budget is ever
    /// beyond its limit, someone is admitted, and in the end nothing is reserved and exactly what they cost is spent.
    @Test(arguments: (1...6).map { (2, UInt64($0)) } + (7...18).map { (3, UInt64($0)) })
    func everyOrderOfSteps(_ count: Int, _ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let limits = [Int64(random.int(2...5)), Int64(random.int(2...5))]
        let plans = (0..<count).map { place -> Plan in
            let amount = Int64(random.int(1...3)) * 1_000_000 - Int64(random.int(0...2)) * 333_333
            // All on the second budget, some on the first as well.
            let both = place < 2 || seed > 8
            let lines = (both ? [self.terms(0, limits[0])] : []) + [self.terms(1, limits[1])]
            return Plan(
                lines: Lines(terms: lines), amount: PicoAmount(pico: amount),
                actual: PicoAmount(pico: Int64(random.int(0...Int(amount)))), now: 50)
        }
        let fits = plans.contains { plan in plan.lines.terms.allSatisfy { plan.amount.pico <= $0.limit * 1_000_000 } }
        var ends = 0
        let worlds = self.explore(
            plans, cells: 2,
            check: { world in
                for (cell, state) in world.memory.states.enumerated() {
                    let total = self.pico(state.committed) + self.pico(state.reserved)
                    #expect(total <= Int128(limits[cell]) * 1_000_000)
                }
            },
            end: { world in
                ends += 1
                #expect(!fits || world.requests.contains(.admitted))
                for cell in 0..<2 {
                    let spent = plans.indices.filter {
                        world.requests[$0] == .admitted && plans[$0].lines.terms.contains { $0.cell == cell }
                    }.reduce(Int128(0)) { $0 + Int128(plans[$1].actual.pico) }
                    #expect(world.memory.states[cell].reserved == .zero)
                    #expect(self.pico(world.memory.states[cell].committed) == spent)
                }
            })
        #expect(worlds > count && ends > 0)
    }

    /// Guarantee: the same over a roll-over: what was reserved before it is settled before it, in every order.
    @Test func everyOrderOverARollOver() {
        let lines = Lines(terms: [self.terms(0, 3), self.terms(1, 3)])
        let plans = [
            Plan(lines: lines, amount: PicoAmount(pico: 2_000_000), actual: PicoAmount(pico: 1_500_001), now: 99),
            Plan(lines: lines, amount: PicoAmount(pico: 3_000_000), actual: PicoAmount(pico: 2_000_003), now: 100),
        ]
        var spreads: Set<[Int128]> = []
        _ = self.explore(
            plans, cells: 2,
            check: { world in
                for state in world.memory.states {
                    #expect(self.pico(state.committed) + self.pico(state.reserved) <= 3_000_000)
                    #expect(self.pico(state.pastCommitted) + self.pico(state.pastReserved) <= 3_000_000)
                }
            },
            end: { world in
                for state in world.memory.states {
                    #expect(state.reserved == .zero && state.pastReserved == .zero)
                    spreads.insert([self.pico(state.pastCommitted), self.pico(state.committed)])
                }
            })
        // Both in their own windows, or one of them alone, the first in either.
        #expect(spreads.contains([1_500_001, 2_000_003]))
        #expect(
            spreads.isSubset(of: [
                [1_500_001, 2_000_003], [0, 2_000_003], [0, 1_500_001], [1_500_001, 0],
            ]))
    }
}

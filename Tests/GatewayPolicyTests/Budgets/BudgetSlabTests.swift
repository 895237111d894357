import GatewayCore
import Synchronization
import Testing

@testable import GatewayPolicy

struct BudgetSlabTests {
    private final class Counts: Sendable {
        let torn = Atomic<Int>(0)
        let seen = Atomic<Int>(0)
        let writersLeft = Atomic<Int>(2)
    }

    /// A state all of whose parts are the same number.
    private static func state(_ number: Int64) -> (BudgetState, BudgetSlices) {
        let amount = ExactAmount(unchecked: number, number & 0xfffff)
        var state = BudgetState()
        state.start = number
        state.length = UInt32(truncatingIfNeeded: number)
        state.gap = UInt32(truncatingIfNeeded: number)
        (state.committed, state.reserved, state.pastCommitted, state.pastReserved) = (amount, amount, amount, amount)
        var slices = BudgetSlices()
        for place in slices.words.indices { slices.words[place] = number }
        return (state, slices)
    }

    /// Guarantee: whoever reads while others write gets one of the states that were written, never parts of two.
    @Test(arguments: [false, true])
    func readsAreWhole(_ isRolling: Bool) throws {
        let slab = BudgetSlab(capacity: 1)
        let cell = try #require(slab.claimCell(isRolling: isRolling))
        let counts = Counts()
        ThreadTeam.run(4) { number in
            guard let spares = slab.claimSpares() else { return }
            var memory = BudgetSlabMemory(slab: slab, plain: spares.plain, rolling: spares.rolling)
            if number < 2 {
                for _ in 0..<200_000 {
                    let (old, version) = memory.load(cell, isRolling: isRolling)
                    let (next, slices) = Self.state(old.start + 1)
                    memory.slices = slices
                    _ = memory.replace(cell, isRolling: isRolling, version: version, with: next)
                }
                counts.writersLeft.subtract(1, ordering: .relaxed)
                return
            }
            while counts.writersLeft.load(ordering: .relaxed) > 0 {
                let (found, _) = memory.load(cell, isRolling: isRolling)
                let (state, slices) = Self.state(found.start)
                let isWhole = found == state && (!isRolling || memory.slices == slices)
                if !isWhole { counts.torn.add(1, ordering: .relaxed) }
                counts.seen.add(1, ordering: .relaxed)
            }
        }
        #expect(counts.torn.load(ordering: .relaxed) == 0)
        #expect(counts.seen.load(ordering: .relaxed) > 0)
        var slices = BudgetSlices()
        let last = slab.load(cell, isRolling: isRolling, &slices).state.start
        #expect((200_000...400_000).contains(last), "of two writers that collide one gets on")
    }

    /// Guarantee: every part of a state comes back as it was written, up to its largest.
    @Test func statesComeBack() throws {
        let slab = BudgetSlab(capacity: 2)
        let largest = ExactAmount(unchecked: .max, 999_999)
        var state = BudgetState()
        (state.start, state.length, state.gap) = (-5, .max, .max)
        (state.committed, state.reserved) = (largest, ExactAmount(unchecked: 1, 2))
        (state.pastCommitted, state.pastReserved) = (ExactAmount(unchecked: 3, 4), largest)
        let spares = try #require(slab.claimSpares())
        var memory = BudgetSlabMemory(slab: slab, plain: spares.plain, rolling: spares.rolling)
        for isRolling in [false, true] {
            let cell = try #require(slab.claimCell(isRolling: isRolling))
            let (unused, version) = memory.load(cell, isRolling: isRolling)
            #expect(unused == BudgetState())
            memory.slices[3] = largest
            let isReplaced = memory.replace(cell, isRolling: isRolling, version: version, with: state)
            let isReplacedTwice = memory.replace(cell, isRolling: isRolling, version: version, with: unused)
            #expect(isReplaced && !isReplacedTwice)
            memory.slices = BudgetSlices()
            let found = memory.load(cell, isRolling: isRolling).state
            #expect(found == state)
            #expect(memory.slices[3] == (isRolling ? largest : .zero))
        }
    }
}

import GatewayCore
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The states of every budget of the process, shared by all loops without locks.
///
/// A state is wider than an atomic, so it stands in a node, and a cell names the node that holds: its place and a count
/// of changes, in one atomic word. Whoever changes a state writes the next one into a spare node of its own and puts
/// that in place of the old with one compare-and-swap; the old node is its spare from then on. A reader looks at the
/// word again after it has read the node. Hence every change of a whole state is one indivisible step, whatever it
/// holds: the window, what was spent and what is reserved in it, and what is left of the window before.
///
/// SAFETY: `memory` lives as long as the slab and is accessed only through `Atomic`, at places that the registry handed
/// out: a cell to all, a spare node to one lane; the registry is behind a mutex.
final class BudgetSlab: @unchecked Sendable {
    /// Words in a unit: one cache line.
    static let unitWords = 8
    /// A node of a rolling budget has its slices behind the first unit.
    static let rollingUnits = 4

    private let cells: UnsafeMutablePointer<Atomic<UInt64>>
    private let words: UnsafeMutablePointer<Atomic<Int64>>
    private let memory: UnsafeMutableRawPointer
    let capacity: Int
    private let unitCapacity: Int
    private let registry = Mutex(Registry())

    private struct Registry {
        var cellCount = 0
        var unitCount = 0
        /// Pairs of spare nodes, plain and rolling, that lanes have left.
        var spares: [(plain: UInt32, rolling: UInt32)] = []
    }

    /// - Parameter capacity: cells, 1 to 4,194,304: 264 bytes of address space each, and memory only once used.
    init(capacity: Int) {
        let capacity = min(max(capacity, 1), 1 << 22)
        let unitCapacity = capacity * Self.rollingUnits + 4096
        let cellBytes = (capacity * MemoryLayout<Atomic<UInt64>>.stride + 63) & ~63
        let byteCount = cellBytes + unitCapacity * Self.unitWords * MemoryLayout<Atomic<Int64>>.stride
        // The second form ends the process when there is no memory, which only happens at the start.
        let memory = calloc(1, byteCount + 64) ?? .allocate(byteCount: byteCount + 64, alignment: 64)
        let aligned = memory.alignedUp(toMultipleOf: 64)
        // Zeroed memory is `Atomic(0)`: a budget that was never used.
        self.memory = memory
        self.cells = aligned.bindMemory(to: Atomic<UInt64>.self, capacity: capacity)
        self.words = (aligned + cellBytes).bindMemory(
            to: Atomic<Int64>.self, capacity: unitCapacity * Self.unitWords)
        self.capacity = capacity
        self.unitCapacity = unitCapacity
    }

    deinit {
        free(self.memory)
    }

    /// A new cell with an unused budget. Only while compiling: takes a lock.
    /// - Returns: `nil` when the slab is exhausted.
    func claimCell(isRolling: Bool) -> Int32? {
        self.registry.withLock { registry in
            guard registry.cellCount < self.capacity, let node = self.node(&registry, isRolling) else { return nil }
            let cell = registry.cellCount
            registry.cellCount += 1
            self.cells[cell].store(UInt64(node), ordering: .releasing)
            return Int32(cell)
        }
    }

    /// Two spare nodes for a lane. Takes a lock.
    func claimSpares() -> (plain: UInt32, rolling: UInt32)? {
        self.registry.withLock { registry in
            if let spares = registry.spares.popLast() { return spares }
            guard let plain = self.node(&registry, false), let rolling = self.node(&registry, true) else { return nil }
            return (plain, rolling)
        }
    }

    /// Takes back the nodes that are spare when a lane ends.
    func returnSpares(_ spares: (plain: UInt32, rolling: UInt32)) {
        self.registry.withLock { $0.spares.append(spares) }
    }

    private func node(_ registry: inout Registry, _ isRolling: Bool) -> UInt32? {
        let count = isRolling ? Self.rollingUnits : 1
        guard registry.unitCount + count <= self.unitCapacity else { return nil }
        defer { registry.unitCount += count }
        return UInt32(registry.unitCount)
    }

    /// One consistent state. Reads again when it was changed meanwhile.
    /// - Parameter slices: set to those of a rolling budget; otherwise left alone.
    @inline(__always)
    func load(
        _ cell: Int32, isRolling: Bool, _ slices: inout BudgetSlices
    ) -> (state: BudgetState, version: UInt64) {
        var version = self.cells[Int(cell)].load(ordering: .acquiring)
        while true {
            let state = self.read(UInt32(truncatingIfNeeded: version), isRolling, &slices)
            // Whoever has written into this node since had replaced it in the cell before.
            atomicMemoryFence(ordering: .acquiring)
            let after = self.cells[Int(cell)].load(ordering: .acquiring)
            if after == version { return (state, version) }
            version = after
        }
    }

    /// Puts a state in place of the one that `version` names.
    /// - Parameter spare: a node that only the caller knows; the old one on success.
    @inline(__always)
    func replace(
        _ cell: Int32, isRolling: Bool, version: UInt64, with state: BudgetState, _ slices: borrowing BudgetSlices,
        spare: inout UInt32
    ) -> Bool {
        self.write(state, slices, spare, isRolling)
        let next = ((version >> 32) &+ 1) << 32 | UInt64(spare)
        let (exchanged, _) = self.cells[Int(cell)].compareExchange(
            expected: version, desired: next, ordering: .acquiringAndReleasing)
        guard exchanged else { return false }
        spare = UInt32(truncatingIfNeeded: version)
        // What is written into the old node from here on is seen only with the exchange.
        atomicMemoryFence(ordering: .releasing)
        return true
    }

    private static var picoBits: Int64 { 20 }
    private static var picoMask: Int64 { 1 << 20 - 1 }

    @inline(__always)
    private func read(_ node: UInt32, _ isRolling: Bool, _ slices: inout BudgetSlices) -> BudgetState {
        let words = self.words + Int(node) &* Self.unitWords
        var state = BudgetState()
        let shape = words[1].load(ordering: .relaxed)
        let rest = words[6].load(ordering: .relaxed)
        let pastRest = words[7].load(ordering: .relaxed)
        state.start = words[0].load(ordering: .relaxed)
        state.length = UInt32(truncatingIfNeeded: shape)
        state.gap = UInt32(truncatingIfNeeded: shape >> 32)
        state.committed = Self.amount(words[2].load(ordering: .relaxed), rest)
        state.reserved = Self.amount(words[3].load(ordering: .relaxed), rest >> Self.picoBits)
        state.pastCommitted = Self.amount(words[4].load(ordering: .relaxed), pastRest)
        state.pastReserved = Self.amount(words[5].load(ordering: .relaxed), pastRest >> Self.picoBits)
        if isRolling {
            for place in slices.words.indices {
                slices.words[place] = words[Self.unitWords + place].load(ordering: .relaxed)
            }
        }
        return state
    }

    @inline(__always)
    private static func amount(_ micro: Int64, _ pico: Int64) -> ExactAmount {
        ExactAmount(unchecked: micro, pico & Self.picoMask)
    }

    @inline(__always)
    private func write(
        _ state: BudgetState, _ slices: borrowing BudgetSlices, _ node: UInt32, _ isRolling: Bool
    ) {
        let words = self.words + Int(node) &* Self.unitWords
        words[0].store(state.start, ordering: .relaxed)
        words[1].store(Int64(state.gap) << 32 | Int64(state.length), ordering: .relaxed)
        words[2].store(state.committed.micro, ordering: .relaxed)
        words[3].store(state.reserved.micro, ordering: .relaxed)
        words[4].store(state.pastCommitted.micro, ordering: .relaxed)
        words[5].store(state.pastReserved.micro, ordering: .relaxed)
        words[6].store(state.committed.pico | state.reserved.pico << Self.picoBits, ordering: .relaxed)
        words[7].store(state.pastCommitted.pico | state.pastReserved.pico << Self.picoBits, ordering: .relaxed)
        if isRolling {
            for place in slices.words.indices {
                words[Self.unitWords + place].store(slices.words[place], ordering: .relaxed)
            }
        }
    }
}

/// The slab as one lane sees it, with its spare nodes.
struct BudgetSlabMemory: BudgetMemory {
    let slab: BudgetSlab
    var plain: UInt32
    var rolling: UInt32
    var slices = BudgetSlices()

    init(slab: BudgetSlab, plain: UInt32, rolling: UInt32) {
        self.slab = slab
        self.plain = plain
        self.rolling = rolling
    }

    @inline(__always)
    mutating func load(_ cell: Int32, isRolling: Bool) -> (state: BudgetState, version: UInt64) {
        self.slab.load(cell, isRolling: isRolling, &self.slices)
    }

    @inline(__always)
    mutating func replace(_ cell: Int32, isRolling: Bool, version: UInt64, with state: BudgetState) -> Bool {
        isRolling
            ? self.slab.replace(
                cell, isRolling: true, version: version, with: state, self.slices, spare: &self.rolling)
            : self.slab.replace(
                cell, isRolling: false, version: version, with: state, self.slices, spare: &self.plain)
    }
}

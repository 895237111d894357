import GatewayContract
import GatewayCore
import Synchronization

/// The process as the owner of its budgets' windows (DESIGN section 5): what was spent and what is reserved, in memory.
///
/// A budget is found by its name and window, and keeps its state for as long as the process runs: neither an edit of
/// its limit nor its removal and return resets what was used (pitfall B-17). Another window, or another zone, begins to
/// count anew.
public final class BudgetLedger: Sendable {
    private struct Identity: Hashable {
        var name: BudgetName
        var window: BudgetWindowSpec
        var zone: String
    }

    private let slab: BudgetSlab
    private let registry = Mutex<[Identity: Int32]>([:])

    /// - Parameter capacity: budgets that can ever be named, 1 to 4,194,304: 264 bytes of address space each, and
    ///   memory only once used.
    public init(capacity: Int = 350_000) {
        self.slab = BudgetSlab(capacity: capacity)
    }

    /// The budget of a specification: the same state for the same name. Only while compiling: takes a lock.
    /// - Parameter zone: the rules of `spec.timeZone`.
    /// - Returns: `nil` when the ledger is full.
    public func budget(_ spec: BudgetSpec, zone: TimeZoneRules) -> Budget? {
        let window = BudgetWindow(spec.window, zone: zone)
        let identity = Identity(name: spec.name, window: window.spec, zone: spec.timeZone)
        let cell = self.registry.withLock { registry -> Int32? in
            if let cell = registry[identity] { return cell }
            let cell = self.slab.claimCell(isRolling: window.isRolling)
            registry[identity] = cell
            return cell
        }
        return cell.map { Budget(spec: spec, window: window, cell: $0) }
    }

    /// For one loop, when it starts.
    /// - Returns: `nil` when there are thousands already.
    public func makeLane() -> BudgetLane? {
        guard let spares = self.slab.claimSpares() else { return nil }
        return BudgetLane(BudgetSlabMemory(slab: self.slab, plain: spares.plain, rolling: spares.rolling))
    }

    /// What stands in a budget's window at an instant. On any thread; changes nothing.
    public func standing(of budget: Budget, at now: WallTime) -> BudgetStanding {
        var slices = BudgetSlices()
        var state = self.slab.load(budget.terms.cell, isRolling: budget.terms.isRolling, &slices).state
        let seconds = now.unixSeconds
        if state.isOver(at: seconds) {
            state.roll(to: budget.window.period(containing: seconds), &slices, isRolling: budget.terms.isRolling)
        }
        return BudgetStanding(
            limit: budget.spec.limit, spent: state.committed, reserved: state.reserved, period: state.period,
            pastSpent: state.pastCommitted, pastReserved: state.pastReserved)
    }
}

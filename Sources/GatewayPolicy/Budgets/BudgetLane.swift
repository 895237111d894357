import GatewayContract
import GatewayCore

/// One loop's access to the budgets of the process, and the reservations that its exchanges hold.
///
/// In the life of an exchange: `ReservationPlan` (only where `path` is not empty), `reserve` its first choice and, when
/// refused, its second; splice the cap of the choice; on a watched stream `TopUp.amount` and `topUp` after each read;
/// `renew` with each heartbeat; in the terminal transition `ModelPrice.cost` and `settle`, or `release`, and
/// `CostEstimates.note`. A timer of the loop calls `sweep` and `takeCrossings`.
///
/// Belongs to one loop and is not `Sendable`; the states behind it are shared with all other lanes. Reserving takes two
/// atomic reads and one compare-and-swap per budget on the path, settling the same; nothing waits and, once its table
/// has grown to the number of exchanges in flight, nothing allocates.
public final class BudgetLane {
    private var memory: BudgetSlabMemory
    private var entries: ContiguousArray<Entry> = []
    /// Which use of an entry is meant; odd while it is held.
    private var serials: ContiguousArray<UInt32> = []
    private var free: ContiguousArray<Int32> = []
    private var crossings: [BudgetCrossing] = []

    private struct Entry {
        var path = BudgetPath.none
        var amount = PicoAmount.zero
        var progress = PicoAmount.zero
        var lease = MonotonicTime(nanoseconds: 0)
        var windows = BudgetWindows()
    }

    init(_ memory: BudgetSlabMemory) {
        self.memory = memory
    }

    deinit {
        self.memory.slab.returnSpares((self.memory.plain, self.memory.rolling))
    }

    /// Reservations that have not ended.
    public var heldCount: Int { self.entries.count - self.free.count }

    /// Reserves `amount` in every budget of `path`, or in none (control-plane 1.6).
    ///
    /// An amount of zero always passes: what is free is never stopped by money (pitfall B-6).
    /// - Parameters:
    ///   - amount: the worst case, or an estimate with a spliced cap that keeps to it.
    ///   - now: the window that it counts in.
    ///   - lease: the instant after which `sweep` may end it, unless `renew` moves it.
    public func reserve(
        _ path: BudgetPath, _ amount: PicoAmount, at now: WallTime, lease: MonotonicTime
    ) -> BudgetVerdict {
        guard amount > .zero, !path.isEmpty else { return .admitted(.none) }
        let lines = path.count
        guard always(lines <= BudgetWindows.count, "the compiler bounds the sets of a path") else {
            return .refused(Self.refusal(path.budget(0), nil, amount))
        }
        var steps = TakeSteps(amount, at: now.unixSeconds, lines: lines)
        while true {
            switch steps.step(&self.memory, path) {
            case nil: continue
            case .refused: return .refused(Self.refusal(path.budget(steps.refusal), steps.refusalState, amount))
            case .admitted: return .admitted(self.hold(path, amount, steps.windows, lease))
            }
        }
    }

    /// Adds to a reservation, in the windows that it was made in, or leaves it as it is.
    /// - Returns: the refusal. A reservation that has ended, or holds nothing, is left alone.
    public func topUp(
        _ reservation: BudgetReservation, by amount: PicoAmount, at now: WallTime
    ) -> BudgetRefusal? {
        guard amount > .zero, let place = self.place(of: reservation) else { return nil }
        let path = self.entries[place].path
        guard let total = try? self.entries[place].amount.adding(amount) else {
            return Self.refusal(path.budget(0), nil, amount)
        }
        var steps = TakeSteps(amount, at: now.unixSeconds, toppingUp: self.entries[place].windows)
        while true {
            switch steps.step(&self.memory, path) {
            case nil: continue
            case .refused: return Self.refusal(path.budget(steps.refusal), steps.refusalState, amount)
            case .admitted:
                self.entries[place].amount = total
                return nil
            }
        }
    }

    /// What a reservation amounts to, top-ups included; zero once it has ended.
    public func amount(of reservation: BudgetReservation) -> PicoAmount {
        self.place(of: reservation).map { self.entries[$0].amount } ?? .zero
    }

    /// Moves the end of a lease and notes what has been delivered so far: the heartbeat of a running exchange.
    public func renew(_ reservation: BudgetReservation, progress: PicoAmount, lease: MonotonicTime) {
        guard let place = self.place(of: reservation) else { return }
        self.entries[place].progress = max(progress, self.entries[place].progress)
        self.entries[place].lease = max(lease, self.entries[place].lease)
    }

    /// Ends a reservation: charges what it cost and gives back the rest, in the windows that it was made in.
    ///
    /// By the terminal transition, exactly once. A cost above the reservation is charged in full and told as `overrun`.
    public func settle(_ reservation: BudgetReservation, actual: PicoAmount) -> BudgetSettlement {
        self.end(reservation, actual, as: .settled)
    }

    /// Gives all of a reservation back: for an exchange that cost nothing.
    public func release(_ reservation: BudgetReservation) -> BudgetSettlement {
        self.end(reservation, .zero, as: .released)
    }

    /// Ends every reservation whose lease is over: charges its last progress, at most what it held. By a timer of the
    /// loop; walks the table.
    /// - Returns: how many there were: each is an error of the gateway's own, since exchanges end theirs themselves.
    public func sweep(at now: MonotonicTime) -> Int {
        var count = 0
        for place in self.entries.indices
        where self.serials[place] % 2 == 1 && self.entries[place].lease < now {
            let charge = min(self.entries[place].progress, self.entries[place].amount)
            _ = self.end(
                BudgetReservation(slot: Int32(place), serial: self.serials[place]), charge, as: .orphanSettled)
            count += 1
        }
        return count
    }

    /// The thresholds that were reached since the last call.
    public func takeCrossings() -> [BudgetCrossing] {
        guard !self.crossings.isEmpty else { return [] }
        defer { self.crossings = [] }
        return self.crossings
    }

    // MARK: - Entries

    private func place(of reservation: BudgetReservation) -> Int? {
        let place = Int(reservation.slot)
        guard place >= 0, place < self.serials.count, self.serials[place] == reservation.serial else {
            return nil
        }
        return place
    }

    private func hold(
        _ path: BudgetPath, _ amount: PicoAmount, _ windows: BudgetWindows, _ lease: MonotonicTime
    ) -> BudgetReservation {
        let place: Int
        if let free = self.free.popLast() {
            place = Int(free)
            self.entries[place] = Entry(path: path, amount: amount, lease: lease, windows: windows)
        } else {
            place = self.entries.count
            self.entries.append(Entry(path: path, amount: amount, lease: lease, windows: windows))
            self.serials.append(0)
        }
        let serial = self.serials[place] &+ 1
        self.serials[place] = serial
        return BudgetReservation(slot: Int32(place), serial: serial)
    }

    private func end(
        _ reservation: BudgetReservation, _ actual: PicoAmount, as end: BudgetSettlement.End
    ) -> BudgetSettlement {
        guard let place = self.place(of: reservation) else { return BudgetSettlement(end: .nothing, overrun: .zero) }
        // Taken out, so that an ended reservation keeps no configuration alive.
        var entry = Entry()
        swap(&entry, &self.entries[place])
        self.serials[place] &+= 1
        self.free.append(Int32(place))
        var steps = SettleSteps(entry.amount, actual: actual, windows: entry.windows)
        for line in 0..<entry.path.count {
            while !steps.step(&self.memory, entry.path) {}
            if let spent = steps.spent, spent.before.micro < spent.after.micro,
                spent.after.micro >= entry.path[line].firstThreshold
            {
                self.note(entry.path.budget(line), spent, entry.windows[line])
            }
        }
        return BudgetSettlement(end: end, overrun: actual.less(entry.amount))
    }

    /// What was spent goes over each amount once, in whichever settlement that is, so each threshold is noted once.
    /// Thresholds are whole micro-units: one is reached when the whole part reaches it.
    private func note(_ budget: Budget, _ spent: BudgetSpending, _ window: Int64) {
        for threshold in budget.thresholds
        where spent.before.micro < threshold.micro && threshold.micro <= spent.after.micro {
            self.crossings.append(
                BudgetCrossing(
                    budget: budget.spec.name, scope: budget.spec.scope, percent: threshold.percent,
                    limit: budget.spec.limit, spent: spent.after, windowStart: window))
        }
    }

    private static func refusal(_ budget: Budget, _ state: BudgetState?, _ wanted: PicoAmount) -> BudgetRefusal {
        let state = state ?? BudgetState()
        return BudgetRefusal(
            budget: budget.spec.name, scope: budget.spec.scope, limit: budget.spec.limit,
            currency: budget.spec.currency, spent: state.committed, reserved: state.reserved, wanted: wanted,
            resetsAt: state.period.end)
    }
}

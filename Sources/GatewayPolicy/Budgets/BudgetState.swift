import GatewayCore

/// What was spent in each slice of a rolling window, by number of the slice modulo their count.
struct BudgetSlices: Sendable, Hashable {
    static let count = BudgetWindow.pastSlices + 1
    /// Micro-units and pico-units of each, one after the other.
    var words: InlineArray<22, Int64>

    init() { self.words = InlineArray(repeating: 0) }

    subscript(slice: Int) -> ExactAmount {
        get { ExactAmount(micro: self.words[slice * 2], pico: self.words[slice * 2 + 1]) ?? .zero }
        set {
            self.words[slice * 2] = newValue.micro
            self.words[slice * 2 + 1] = newValue.pico
        }
    }

    static func == (left: Self, right: Self) -> Bool {
        left.words.indices.allSatisfy { left.words[$0] == right.words[$0] }
    }

    func hash(into hasher: inout Hasher) {
        for place in self.words.indices { hasher.combine(self.words[place]) }
    }
}

/// The money of one budget: a value that every operation turns into the next one. How it is shared is `BudgetSlab`.
///
/// A plain budget knows its window and the one before, so that what was reserved in that one settles there. A rolling
/// budget has its slices beside it, a part of its state that others do not pay for; what is reserved counts until it is
/// settled.
struct BudgetState: Sendable, Hashable {
    /// Unix seconds at which the window, or the current slice, began.
    var start: Int64 = 0
    /// Its length in seconds; 0: never used; `forever`: a lifetime.
    var length: UInt32 = 0
    /// Seconds between the start of the window before and `start`; 0: there is none.
    var gap: UInt32 = 0
    var committed = ExactAmount.zero
    var reserved = ExactAmount.zero
    var pastCommitted = ExactAmount.zero
    var pastReserved = ExactAmount.zero

    static let forever = UInt32.max

    /// Whether the window of this state has ended, or none has begun. A clock that was set back does not bring an old
    /// window back.
    @inline(__always)
    func isOver(at seconds: Int64) -> Bool {
        if self.length == Self.forever { return false }
        return self.length == 0 || seconds >= self.start &+ Int64(self.length)
    }

    var period: BudgetPeriod {
        BudgetPeriod(start: self.start, end: self.length == Self.forever ? nil : self.start &+ Int64(self.length))
    }

    /// Begins the window `period`, which lies after the present one.
    /// - Parameter slices: used and changed for a rolling budget only, here and below.
    mutating func roll(to period: BudgetPeriod, _ slices: inout BudgetSlices, isRolling: Bool) {
        let length = period.end.map { UInt32(clamping: $0 - period.start) } ?? Self.forever
        let gap = UInt32(clamping: period.start - self.start)
        let isFirst = self.length == 0
        if isRolling {
            if !isFirst, length > 0 { self.drop(Int64(gap / length), &slices, length: length) }
        } else if !isFirst {
            (self.pastCommitted, self.pastReserved, self.gap) = (self.committed, self.reserved, gap)
            (self.committed, self.reserved) = (.zero, .zero)
        }
        self.start = period.start
        self.length = length
    }

    /// Takes out of `committed` what leaves the window when it moves on by so many slices.
    private mutating func drop(_ steps: Int64, _ slices: inout BudgetSlices, length: UInt32) {
        let count = Int64(BudgetSlices.count)
        let current = self.start / Int64(length)
        for step in 1...max(min(steps, count), 1) {
            let place = Self.place(current + step)
            self.committed = self.committed.subtracting(slices[place]) ?? .zero
            slices[place] = .zero
        }
    }

    private static func place(_ slice: Int64) -> Int {
        let count = Int64(BudgetSlices.count)
        return Int(((slice % count) + count) % count)
    }

    /// Where money of an earlier moment belongs.
    enum Account: Sendable {
        case current, past
        /// A slice of a rolling window that still counts, by its place.
        case slice(Int)
        /// A window before the one before, or a slice that no longer counts.
        case closed
    }

    /// - Parameter window: `start` as it was when the money was reserved.
    func account(of window: Int64, isRolling: Bool) -> Account {
        guard isRolling else {
            if window == self.start { return .current }
            return self.gap != 0 && window == self.start &- Int64(self.gap) ? .past : .closed
        }
        let length = Int64(max(self.length, 1))
        let age = (self.start &- window) / length
        return age >= 0 && age < Int64(BudgetSlices.count) ? .slice(Self.place(window / length)) : .closed
    }

    /// Reserves in the current window.
    /// - Parameter limit: `nil`: a soft budget, which only counts.
    /// - Returns: false, and no change, when it would be more than the limit.
    @inline(__always)
    mutating func reserve(_ amount: ExactAmount, limit: Int64?) -> Bool {
        guard let next = Self.reserving(amount, self.committed, self.reserved, limit) else { return false }
        self.reserved = next
        return true
    }

    /// Reserves more where `window` had reserved before.
    mutating func topUp(_ amount: ExactAmount, window: Int64, limit: Int64?, isRolling: Bool) -> Bool {
        switch self.account(of: window, isRolling: isRolling) {
        case .current, .slice: return self.reserve(amount, limit: limit)
        case .past:
            guard let next = Self.reserving(amount, self.pastCommitted, self.pastReserved, limit) else { return false }
            self.pastReserved = next
            return true
        case .closed: return false
        }
    }

    @inline(__always)
    private static func reserving(
        _ amount: ExactAmount, _ committed: ExactAmount, _ reserved: ExactAmount, _ limit: Int64?
    ) -> ExactAmount? {
        guard let next = reserved.adding(amount), let total = next.adding(committed) else { return nil }
        guard let limit else { return next }
        return total.micro < limit || (total.micro == limit && total.pico == 0) ? next : nil
    }

    /// Ends a reservation: takes it out of what is reserved and adds `actual` to what was spent, both where the money
    /// was reserved. `actual` beyond the reservation is added all the same: it was spent.
    /// - Returns: what had been spent in that window before and after; `nil` when it is closed.
    @inline(__always)
    mutating func settle(
        _ amount: ExactAmount, actual: ExactAmount, window: Int64, _ slices: inout BudgetSlices, isRolling: Bool
    ) -> BudgetSpending? {
        switch self.account(of: window, isRolling: isRolling) {
        case .current:
            let before = self.committed
            self.reserved = Self.releasing(amount, self.reserved)
            self.committed = Self.sum(before, actual)
            return BudgetSpending(before: before, after: self.committed)
        case .past:
            let before = self.pastCommitted
            self.pastReserved = Self.releasing(amount, self.pastReserved)
            self.pastCommitted = Self.sum(before, actual)
            return BudgetSpending(before: before, after: self.pastCommitted)
        case .slice(let place):
            let before = self.committed
            self.reserved = Self.releasing(amount, self.reserved)
            self.committed = Self.sum(before, actual)
            slices[place] = Self.sum(slices[place], actual)
            return BudgetSpending(before: before, after: self.committed)
        case .closed:
            if isRolling { self.reserved = Self.releasing(amount, self.reserved) }
            return nil
        }
    }

    /// A reservation is released once, so there is always as much; were there less, nothing would be left.
    @inline(__always)
    private static func releasing(_ amount: ExactAmount, _ reserved: ExactAmount) -> ExactAmount {
        reserved.subtracting(amount) ?? .zero
    }

    /// Stays at the largest amount there is: 9.2 × 10¹² units of currency.
    @inline(__always)
    private static func sum(_ left: ExactAmount, _ right: ExactAmount) -> ExactAmount {
        left.adding(right) ?? ExactAmount(MicroAmount(micro: .max))
    }
}

import GatewayCore

/// Where the states of budgets are kept: one access at a time, each indivisible.
///
/// `BudgetLane` keeps them in the slab that the loops share; tests keep them in an array and try every order of
/// accesses.
protocol BudgetMemory {
    /// The slices of the rolling budget that was loaded last: a part of its state, beside it so that plain ones do not
    /// pay for them.
    var slices: BudgetSlices { get set }

    /// The state of a cell, and which of its states it is. Sets `slices` for a rolling budget.
    mutating func load(_ cell: Int32, isRolling: Bool) -> (state: BudgetState, version: UInt64)

    /// Replaces the state if it is still that one; with `slices` for a rolling budget.
    mutating func replace(_ cell: Int32, isRolling: Bool, version: UInt64, with state: BudgetState) -> Bool
}

/// One budget on the path of a request, as the operations need it: 24 bytes.
struct BudgetTerms: Sendable, Hashable {
    var cell: Int32
    var isHard: Bool
    var isRolling: Bool
    /// Micro-units.
    var limit: Int64
    /// Micro-units from which on crossings of thresholds are looked for.
    var firstThreshold: Int64

    @inline(__always)
    var hardLimit: Int64? { self.isHard ? self.limit : nil }
}

/// The budgets on the path of a request, narrow scopes before wide ones.
protocol BudgetLines {
    /// 0 to `BudgetWindows.count`.
    var count: Int { get }
    subscript(_ line: Int) -> BudgetTerms { get }
    /// The window of a line that an instant lies in; only where one ended.
    func period(_ line: Int, at seconds: Int64) -> BudgetPeriod
}

/// The start of the window in which each line reserved.
struct BudgetWindows: Sendable, Hashable {
    static let count = 12
    private var starts = InlineArray<12, Int64>(repeating: 0)

    @inline(__always)
    subscript(_ line: Int) -> Int64 {
        get { self.starts[line] }
        set { self.starts[line] = newValue }
    }

    static func == (left: Self, right: Self) -> Bool {
        left.starts.indices.allSatisfy { left.starts[$0] == right.starts[$0] }
    }

    func hash(into hasher: inout Hasher) {
        for place in self.starts.indices { hasher.combine(self.starts[place]) }
    }
}

/// What had been spent in a window before and after a settlement.
struct BudgetSpending: Sendable, Hashable {
    var before: ExactAmount
    var after: ExactAmount
}

/// Reserves an amount in every budget on a path or in none, in steps that touch memory at most once each.
///
/// On a path with several budgets all are looked at first, so that one that is exhausted is found before anything is
/// taken. A refusal that comes later still gives back what was taken before it: until then, for the length of a few
/// steps, others may be refused what they might have had; they never get more.
struct TakeSteps: Hashable {
    enum Outcome {
        case admitted, refused
    }

    private enum Phase: UInt8 {
        case look, take, giveBack
    }

    private let amount: ExactAmount
    private let now: Int64
    /// A further amount for a reservation that has its windows already.
    private let isTopUp: Bool
    private var phase: Phase
    private var line = 0
    private var isLoaded = false
    private var state = BudgetState()
    private var version: UInt64 = 0
    /// The line that refused.
    private(set) var refusal = 0
    /// What stood there then.
    private(set) var refusalState: BudgetState?
    private(set) var windows: BudgetWindows

    /// - Parameters:
    ///   - now: unix seconds.
    ///   - lines: how many there are: at least one.
    @inline(__always)
    init(_ amount: PicoAmount, at now: Int64, lines: Int) {
        self.amount = ExactAmount(amount)
        self.now = now
        self.isTopUp = false
        self.phase = lines > 1 ? .look : .take
        self.windows = BudgetWindows()
    }

    /// More of the same where `windows` had reserved before.
    init(_ amount: PicoAmount, at now: Int64, toppingUp windows: BudgetWindows) {
        self.amount = ExactAmount(amount)
        self.now = now
        self.isTopUp = true
        self.phase = .take
        self.windows = windows
    }

    /// - Returns: `nil` while there is more to do.
    @inline(__always)
    mutating func step<Memory: BudgetMemory, Lines: BudgetLines>(
        _ memory: inout Memory, _ lines: borrowing Lines
    ) -> Outcome? {
        let terms = lines[self.line]
        switch self.phase {
        case .look: return self.look(terms, &memory, lines)
        case .take: return self.take(terms, &memory, lines)
        case .giveBack: return self.giveBack(terms, &memory)
        }
    }

    @inline(__always)
    private mutating func look<Memory: BudgetMemory, Lines: BudgetLines>(
        _ terms: BudgetTerms, _ memory: inout Memory, _ lines: borrowing Lines
    ) -> Outcome? {
        if terms.isHard {
            self.load(terms, &memory, lines)
            self.isLoaded = false
            let seen = self.state
            guard self.state.reserve(self.amount, limit: terms.limit) else {
                (self.refusal, self.refusalState) = (self.line, seen)
                return .refused
            }
        }
        self.line += 1
        if self.line == lines.count { (self.line, self.phase) = (0, .take) }
        return nil
    }

    @inline(__always)
    private mutating func take<Memory: BudgetMemory, Lines: BudgetLines>(
        _ terms: BudgetTerms, _ memory: inout Memory, _ lines: borrowing Lines
    ) -> Outcome? {
        guard self.isLoaded else {
            self.load(terms, &memory, lines)
            return self.reserve(terms) ? nil : self.refuse()
        }
        self.isLoaded = false
        guard self.replace(terms, &memory) else { return nil }
        if !self.isTopUp { self.windows[self.line] = self.state.start }
        self.line += 1
        return self.line == lines.count ? .admitted : nil
    }

    /// Loads a line's state and brings it to the present window.
    @inline(__always)
    private mutating func load<Memory: BudgetMemory, Lines: BudgetLines>(
        _ terms: BudgetTerms, _ memory: inout Memory, _ lines: borrowing Lines
    ) {
        (self.state, self.version) = memory.load(terms.cell, isRolling: terms.isRolling)
        self.isLoaded = true
        guard self.state.isOver(at: self.now) else { return }
        self.state.roll(to: lines.period(self.line, at: self.now), &memory.slices, isRolling: terms.isRolling)
    }

    @inline(__always)
    private func replace<Memory: BudgetMemory>(_ terms: BudgetTerms, _ memory: inout Memory) -> Bool {
        memory.replace(
            terms.cell, isRolling: terms.isRolling, version: self.version, with: self.state)
    }

    @inline(__always)
    private mutating func reserve(_ terms: BudgetTerms) -> Bool {
        guard self.isTopUp else { return self.state.reserve(self.amount, limit: terms.hardLimit) }
        return self.state.topUp(
            self.amount, window: self.windows[self.line], limit: terms.hardLimit, isRolling: terms.isRolling)
    }

    private mutating func refuse() -> Outcome? {
        self.isLoaded = false
        (self.refusal, self.refusalState) = (self.line, self.state)
        guard self.line > 0 else { return .refused }
        self.phase = .giveBack
        self.line -= 1
        return nil
    }

    private mutating func giveBack<Memory: BudgetMemory>(_ terms: BudgetTerms, _ memory: inout Memory) -> Outcome? {
        guard self.isLoaded else {
            (self.state, self.version) = memory.load(terms.cell, isRolling: terms.isRolling)
            self.isLoaded = true
            _ = self.state.settle(
                self.amount, actual: .zero, window: self.windows[self.line], &memory.slices, isRolling: terms.isRolling)
            return nil
        }
        self.isLoaded = false
        guard self.replace(terms, &memory) else { return nil }
        guard self.line > 0 else { return .refused }
        self.line -= 1
        return nil
    }
}

/// Ends a reservation in every budget on its path, in steps that touch memory once each.
struct SettleSteps: Hashable {
    private let amount: ExactAmount
    private let actual: ExactAmount
    private let windows: BudgetWindows
    private var line = 0
    private var isLoaded = false
    private var state = BudgetState()
    private var version: UInt64 = 0
    /// Of the line that was settled last; `nil`: its window is closed.
    private(set) var spent: BudgetSpending?

    /// - Parameters:
    ///   - amount: what was reserved, top-ups included.
    ///   - actual: what it cost; zero releases.
    @inline(__always)
    init(_ amount: PicoAmount, actual: PicoAmount, windows: BudgetWindows) {
        self.amount = ExactAmount(amount)
        self.actual = ExactAmount(actual)
        self.windows = windows
    }

    /// - Returns: whether a line has been settled: each in turn. Not called again once it was the last.
    @inline(__always)
    mutating func step<Memory: BudgetMemory, Lines: BudgetLines>(
        _ memory: inout Memory, _ lines: borrowing Lines
    ) -> Bool {
        let terms = lines[self.line]
        guard self.isLoaded else {
            (self.state, self.version) = memory.load(terms.cell, isRolling: terms.isRolling)
            self.isLoaded = true
            self.spent = self.state.settle(
                self.amount, actual: self.actual, window: self.windows[self.line], &memory.slices,
                isRolling: terms.isRolling)
            return false
        }
        self.isLoaded = false
        guard self.replace(terms, &memory) else { return false }
        self.line += 1
        return true
    }

    @inline(__always)
    private func replace<Memory: BudgetMemory>(_ terms: BudgetTerms, _ memory: inout Memory) -> Bool {
        memory.replace(
            terms.cell, isRolling: terms.isRolling, version: self.version, with: self.state)
    }
}

import GatewayContract
import GatewayCore

/// One budget, compiled: what it says and where its state is. An object, so that sets share it.
public final class Budget: Sendable {
    /// As it was written.
    public let spec: BudgetSpec
    /// When it begins anew.
    public let window: BudgetWindow
    let terms: BudgetTerms
    /// Micro-units whose crossing is reported, ascending, each with its percentage.
    let thresholds: [(micro: Int64, percent: Int)]

    init(spec: BudgetSpec, window: BudgetWindow, cell: Int32) {
        self.spec = spec
        self.window = window
        let limit = max(spec.limit.micro, 0)
        let percents = Set(spec.thresholds.filter { (1...99).contains($0) }).union([100]).sorted()
        self.thresholds = percents.map { percent in
            // Rounded up. Split, so that a large limit does not overflow.
            (limit / 100 * Int64(percent) + (limit % 100 * Int64(percent) + 99) / 100, percent)
        }
        self.terms = BudgetTerms(
            cell: cell, isHard: spec.enforcement == .hard, isRolling: window.isRolling, limit: limit,
            firstThreshold: self.thresholds.first?.micro ?? limit)
    }
}

/// The budgets of one thing on the path of a request, or of several that always come together (a key with its user,
/// team and org). Compiled into grants, models and routes; immutable.
public final class BudgetSet: Sendable {
    /// The most that the budgets of a key, its user, team, org and tags can be.
    public static let principalMax = 8
    /// The most that a model or a route can have.
    public static let otherMax = 2

    /// Narrow scopes before wide ones.
    public let budgets: [Budget]
    let terms: ContiguousArray<BudgetTerms>

    /// Without any.
    public static let none = BudgetSet([])

    init(_ budgets: [Budget]) {
        self.budgets = budgets
        self.terms = ContiguousArray(budgets.map(\.terms))
    }

    /// Whether there is no budget in it.
    public var isEmpty: Bool { self.terms.isEmpty }
    /// Whether one of them refuses: then worst cases are reserved and output caps spliced.
    public var isHard: Bool { self.terms.contains(where: \.isHard) }
}

/// Every budget that must admit a request: all of them, never the first that matches (pitfall B-5).
public struct BudgetPath: Sendable, BudgetLines {
    /// `nil` where there is no budget: nothing to hold a reference to.
    let principal: BudgetSet?
    let model: BudgetSet?
    let route: BudgetSet?
    private let principalCount: Int
    private let modelCount: Int
    let count: Int

    /// Three references at most. Sets beyond what the compiler allows are not made.
    public init(principal: BudgetSet, model: BudgetSet = .none, route: BudgetSet = .none) {
        self.principalCount = principal.terms.count
        self.modelCount = model.terms.count
        self.count = self.principalCount + self.modelCount + route.terms.count
        self.principal = principal.isEmpty ? nil : principal
        self.model = model.isEmpty ? nil : model
        self.route = route.isEmpty ? nil : route
    }

    private init() {
        (self.principal, self.model, self.route) = (nil, nil, nil)
        (self.principalCount, self.modelCount, self.count) = (0, 0, 0)
    }

    /// Without any budget.
    public static var none: BudgetPath { BudgetPath() }

    /// Whether money counts for this request at all.
    public var isEmpty: Bool { self.count == 0 }

    /// Whether a budget on it refuses.
    public var isHard: Bool {
        self.principal?.isHard ?? false || self.model?.isHard ?? false || self.route?.isHard ?? false
    }

    @inline(__always)
    subscript(_ line: Int) -> BudgetTerms {
        if line < self.principalCount, let set = self.principal { return set.terms[line] }
        let rest = line - self.principalCount
        if rest < self.modelCount, let set = self.model { return set.terms[rest] }
        return (self.route ?? .none).terms[rest - self.modelCount]
    }

    func budget(_ line: Int) -> Budget {
        if line < self.principalCount, let set = self.principal { return set.budgets[line] }
        let rest = line - self.principalCount
        if rest < self.modelCount, let set = self.model { return set.budgets[rest] }
        return (self.route ?? .none).budgets[rest - self.modelCount]
    }

    func period(_ line: Int, at seconds: Int64) -> BudgetPeriod {
        self.budget(line).window.period(containing: seconds)
    }
}

import GatewayContract
import GatewayCore

/// All budgets of a desired state, compiled: what grants, models and routes take their sets from.
public struct BudgetTable: Sendable {
    private let byScope: [BudgetScope: [Budget]]

    /// No budgets at all.
    public static let empty = BudgetTable(byScope: [:])

    private init(byScope: [BudgetScope: [Budget]]) {
        self.byScope = byScope
    }

    /// Compiles budgets and says what is wrong or doubtful with them.
    /// - Parameters:
    ///   - ledger: keeps their states over compilations.
    ///   - currency: of the price book; a budget in another one could not be compared with any cost.
    ///   - zones: the rules of an IANA name; `nil`: there is no such zone.
    ///   - parents: scopes above one: a key's team and org, a team's org. For warnings only.
    public static func compile(
        _ specs: [BudgetSpec], ledger: BudgetLedger, currency: CurrencyCode, zones: (String) -> TimeZoneRules?,
        parents: (BudgetScope) -> [BudgetScope] = { _ in [] }
    ) -> (table: BudgetTable, problems: [CompileProblem]) {
        var problems: [CompileProblem] = []
        var byScope: [BudgetScope: [Budget]] = [:]
        var seen: [BudgetName: Origin] = [:]
        var compiled: [BudgetSpec] = []
        for spec in specs {
            if let other = seen.updateValue(spec.origin, forKey: spec.name) {
                problems.append(
                    Self.error("E6011", "budget `\(spec.name)` is defined twice", spec, other: other))
                continue
            }
            guard spec.currency == currency else {
                problems.append(
                    Self.error(
                        "E6012", "budget `\(spec.name)` is in \(spec.currency), the prices are in \(currency)", spec,
                        help: "amounts are not converted: write the limit in \(currency)"))
                continue
            }
            guard let zone = zones(spec.timeZone) else {
                problems.append(
                    Self.error("E6013", "there is no time zone `\(spec.timeZone)`", spec, help: "use an IANA name"))
                continue
            }
            guard let budget = ledger.budget(spec, zone: zone) else {
                problems.append(
                    Self.error("E6014", "there are too many budgets", spec, help: "names count until a restart"))
                continue
            }
            byScope[spec.scope, default: []].append(budget)
            compiled.append(spec)
        }
        problems += Self.warnings(compiled, parents)
        for (scope, budgets) in byScope.sorted(by: { $0.key.description < $1.key.description })
        where budgets.count > Self.maximum(scope) {
            problems.append(
                Self.error(
                    "E6015", "\(scope) has more than \(Self.maximum(scope)) budgets",
                    budgets[Self.maximum(scope)].spec))
        }
        return (BudgetTable(byScope: byScope), problems)
    }

    /// The budgets of things that always come together, in that order: narrow before wide.
    /// - Returns: `nil` when they are more than `BudgetSet.principalMax` (`otherMax` for a model or a route alone).
    public func set(for scopes: [BudgetScope]) -> BudgetSet? {
        let budgets = scopes.flatMap { self.byScope[$0] ?? [] }
        guard let first = scopes.first, !budgets.isEmpty else { return BudgetSet.none }
        return budgets.count <= Self.maximum(first) ? BudgetSet(budgets) : nil
    }

    private static func maximum(_ scope: BudgetScope) -> Int {
        scope.kind == .model || scope.kind == .route ? BudgetSet.otherMax : BudgetSet.principalMax
    }

    /// A child above its parent is stopped by the parent first (DESIGN 13.13).
    private static func warnings(
        _ specs: [BudgetSpec], _ parents: (BudgetScope) -> [BudgetScope]
    ) -> [CompileProblem] {
        let byScope = Dictionary(grouping: specs, by: \.scope)
        return specs.flatMap { spec in
            parents(spec.scope).flatMap { byScope[$0] ?? [] }.filter { spec.isBeyond($0) }.map { parent in
                CompileProblem(
                    code: "W6001",
                    message: "\(spec.scope) budget \(Self.text(spec)) is larger than the \(Self.text(parent)) of "
                        + "\(parent.scope); that one will stop it first",
                    origin: spec.origin, other: parent.origin, isWarning: true)
            }
        }
    }

    private static func text(_ spec: BudgetSpec) -> String {
        "\(ExactAmount(spec.limit)) \(spec.currency)/\(spec.window)"
    }

    private static func error(
        _ code: String, _ message: String, _ spec: BudgetSpec, other: Origin? = nil, help: String? = nil
    ) -> CompileProblem {
        CompileProblem(code: code, message: message, origin: spec.origin, other: other, help: help)
    }
}

import GatewayCore

/// Marks names of budgets.
public enum BudgetKind: NameKind {}

/// The stable name of a budget: its window's state is found by it, over edits and reloads (pitfall B-17).
public typealias BudgetName = Name<BudgetKind>

/// What a budget counts for.
public struct BudgetScope: Sendable, Hashable, CustomStringConvertible {
    /// The kinds of things that can have a budget.
    public enum Kind: String, Sendable, CaseIterable {
        case key, user, team, org, model, route, tag, run
    }

    /// What sort of thing it is.
    public let kind: Kind
    /// The name of the thing.
    public let name: String

    /// Names one thing of a kind.
    public init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    /// ``key `ci` ``.
    public var description: String { "\(self.kind.rawValue) `\(self.name)`" }
}

/// How long a budget lasts before it is full again.
public enum BudgetWindowSpec: Sendable, Hashable, CustomStringConvertible {
    case day
    /// From this weekday on; 0 is Sunday.
    case week(from: Int)
    /// From this day of the month on, 1 to 31; in a shorter month from its last day.
    case month(from: Int)
    /// The last so many hours at any time: 1 to 8,784.
    case hours(Int)
    /// Never full again.
    case lifetime

    public var description: String {
        switch self {
        case .day: "day"
        case .week: "week"
        case .month: "month"
        case .hours(let count): "\(count)h"
        case .lifetime: "lifetime"
        }
    }

    /// The shortest that it can be, in hours; `nil`: without end.
    public var hours: Int? {
        switch self {
        case .day: 24
        case .week: 168
        case .month: 28 * 24
        case .hours(let count): count
        case .lifetime: nil
        }
    }

    /// `day`, `week` (from Monday), `month` (from the 1st), `lifetime`, `12h`.
    /// - Returns: `nil` for anything else.
    public init?(_ text: Substring) {
        switch text {
        case "day": self = .day
        case "week": self = .week(from: 1)
        case "month": self = .month(from: 1)
        case "lifetime": self = .lifetime
        default:
            let digits = text.dropLast()
            guard text.utf8.last == UInt8(ascii: "h"), digits.utf8.allSatisfy({ $0 &- 0x30 < 10 }),
                let count = Int(digits), (1...8784).contains(count)
            else { return nil }
            self = .hours(count)
        }
    }
}

/// A limit on money.
public struct BudgetSpec: Sendable, Equatable {
    /// What happens at the limit.
    public enum Enforcement: String, Sendable, CaseIterable {
        /// Requests are refused before anything is spent beyond it.
        case hard
        /// Crossings of thresholds are reported, and nothing else happens.
        case soft
    }

    /// Unique among all budgets.
    public var name: BudgetName
    /// Whose spending counts.
    public var scope: BudgetScope
    /// More than zero.
    public var limit: MicroAmount
    /// Of the limit; the price book has to be in it too.
    public var currency: CurrencyCode
    /// How long `limit` lasts.
    public var window: BudgetWindowSpec
    /// An IANA name; days, weeks and months begin at its midnight.
    public var timeZone: String
    /// Hard unless it says otherwise (pitfall B-7).
    public var enforcement: Enforcement
    /// Shares of the limit in percent, 1 to 100, whose crossing is reported; the limit itself always is.
    public var thresholds: [Int]
    /// Where it was written.
    public var origin: Origin

    /// A hard budget in US dollars and UTC unless told otherwise.
    public init(
        name: BudgetName, scope: BudgetScope, limit: MicroAmount, currency: CurrencyCode = .usd,
        window: BudgetWindowSpec, timeZone: String = "UTC", enforcement: Enforcement = .hard, thresholds: [Int] = [],
        origin: Origin = .builtIn
    ) {
        self.name = name
        self.scope = scope
        self.limit = limit
        self.currency = currency
        self.window = window
        self.timeZone = timeZone
        self.enforcement = enforcement
        self.thresholds = thresholds
        self.origin = origin
    }

    /// `5 USD/day`: amount, currency and window of the short form.
    public static func amount(
        _ text: Substring
    ) throws(AmountProblem) -> (limit: MicroAmount, currency: CurrencyCode, window: BudgetWindowSpec) {
        let parts = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 2, let window = BudgetWindowSpec(parts[1]) else { throw .form }
        let (limit, currency) = try MoneyText.amount(parts[0])
        return (limit, currency, window)
    }

    /// Whether `parent` is sure to stop requests before this budget ever does: a larger limit for a window that is not
    /// longer (DESIGN 13.13). A warning, never an error.
    public func isBeyond(_ parent: BudgetSpec) -> Bool {
        guard self.currency == parent.currency, parent.enforcement == .hard, self.limit > parent.limit else {
            return false
        }
        guard let parentHours = parent.window.hours else { return true }
        guard let hours = self.window.hours else { return false }
        return hours <= parentHours
    }
}

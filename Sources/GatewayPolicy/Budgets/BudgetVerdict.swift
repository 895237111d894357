import GatewayContract
import GatewayCore

/// What one exchange holds of its budgets: eight bytes that name its entry in the lane that made it. Settled or
/// released exactly once; whatever comes after that does nothing (pitfall R-2).
public struct BudgetReservation: Sendable, Hashable {
    let slot: Int32
    let serial: UInt32

    init(slot: Int32, serial: UInt32) {
        self.slot = slot
        self.serial = serial
    }

    /// Holds nothing: for what is free, or has no budget on its path.
    public static let none = BudgetReservation(slot: -1, serial: 0)

    /// Whether there is nothing to settle.
    public var isNone: Bool { self.slot < 0 }
}

/// Which budget refused, and what it would take to pass.
public struct BudgetRefusal: Sendable, Hashable {
    /// The budget by its stable name.
    public let budget: BudgetName
    /// Whose budget it is.
    public let scope: BudgetScope
    /// As configured now.
    public let limit: MicroAmount
    /// Of all amounts here.
    public let currency: CurrencyCode
    /// In the window in force.
    public let spent: ExactAmount
    /// Held by requests that run: some of it comes back.
    public let reserved: ExactAmount
    /// What was asked for.
    public let wanted: PicoAmount
    /// Unix seconds at which the window is full again. A rolling window gives back some by then; `nil`: never.
    public let resetsAt: Int64?

    /// OpenAI's codes for orgs and projects (teams here); for other scopes the general one (DESIGN 13.6).
    public var code: ErrorCode {
        switch self.scope.kind {
        case .org: .orgBudget
        case .team: .teamBudget
        case .key, .user, .model, .route, .tag, .run: .budget
        }
    }

    /// The refusal for the client: names scope, limit, what is spent, and when it resets. Never to be retried as it is.
    public var error: GatewayError {
        var message = "\(self.code.row.message) The \(self.scope) may spend \(ExactAmount(self.limit)) \(self.currency)"
        message += ", \(self.spent) is spent and \(self.reserved) reserved; this request may cost "
        message += "\(ExactAmount(self.wanted))."
        if let resetsAt = self.resetsAt { message += " Resets at \(CivilDate(unixSeconds: resetsAt).rfc3339)." }
        return GatewayError(self.code, message, detail: "budget \(self.budget)")
    }
}

/// What `BudgetLane.reserve` answers.
public enum BudgetVerdict: Sendable {
    case admitted(BudgetReservation)
    case refused(BudgetRefusal)
}

/// A threshold that was reached by what was spent; each is reported once in a window.
public struct BudgetCrossing: Sendable, Hashable {
    /// The budget by its stable name.
    public let budget: BudgetName
    /// Whose budget it is.
    public let scope: BudgetScope
    /// Of the limit: 1 to 100.
    public let percent: Int
    /// As configured now.
    public let limit: MicroAmount
    /// Charged so far in the window.
    public let spent: ExactAmount
    /// Unix seconds: of the window, or of the slice of a rolling one.
    public let windowStart: Int64
}

/// What became of a reservation.
public struct BudgetSettlement: Sendable, Hashable {
    /// How a reservation ends: in exactly one of these ways.
    public enum End: String, Sendable {
        case settled, released
        /// Its lease had expired: the sweeper has settled it by its last progress.
        case orphanSettled = "orphan_settled"
        /// It had ended before, or there was none: nothing was changed.
        case nothing
    }

    /// The way in which it ended.
    public let end: End
    /// What was charged beyond the reservation: zero if reservations were worst cases.
    public let overrun: PicoAmount
}

/// What stands in a budget's window, for metrics and the admin API.
public struct BudgetStanding: Sendable, Hashable {
    /// As configured now.
    public let limit: MicroAmount
    /// Charged so far in the window.
    public let spent: ExactAmount
    /// Held by requests that run.
    public let reserved: ExactAmount
    /// The window, or the current slice of a rolling one.
    public let period: BudgetPeriod
    /// What was spent and is still reserved in the window before; zero for rolling windows.
    public let pastSpent: ExactAmount
    /// Still held in the window before.
    public let pastReserved: ExactAmount
}

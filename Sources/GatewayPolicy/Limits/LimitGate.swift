import GatewayCore

public enum LimitKind: UInt8, CaseIterable, Sendable {
    case requests, tokens, concurrency
}

/// Which limit refused, and when the same request would pass if nobody else came.
public struct LimitRefusal: Sendable, Hashable {
    public let kind: LimitKind
    public let scope: LimitScope
    /// The configured number: per minute, or simultaneous exchanges.
    public let limit: Int64
    /// More than zero. For concurrency, whose end nobody knows: one second.
    public let retryAfter: TimeSpan

    public var code: ErrorCode {
        switch self.kind {
        case .requests: .requestLimit
        case .tokens: .tokenLimit
        case .concurrency: .concurrencyLimit
        }
    }
}

public enum LimitVerdict: Sendable {
    case admitted(LimitReservation)
    case refused(LimitRefusal)
}

/// What one exchange holds of its limits. It is emptied when it is settled or cancelled: a second time does nothing
/// (pitfall R-2).
public struct LimitReservation: Sendable {
    var key = ScopeCharge()
    var model = ScopeCharge()

    /// Holds nothing.
    public init() {}

    public var isEmpty: Bool { self.key.isEmpty && self.model.isEmpty }
}

/// The share of a reservation that one scope gave.
struct ScopeCharge: Sendable {
    var requests: RateCell?
    var requestTicks: Int64 = 0
    var tokens: RateCell?
    var tokenTicks: Int64 = 0
    var gate: GateCell?

    var isEmpty: Bool { self.requests == nil && self.tokens == nil && self.gate == nil }
}

/// Takes from every limit on a request's path, or from none (pitfalls B-1, B-5, B-9, B-14, B-15).
///
/// Lock-free and without allocation; called on any loop with that loop's clock reading. A refusal undoes what was taken
/// before it: until then, for the length of one take, others may get less than they might, never more. (An undo that
/// races with a take whose clock reading is later can leave the time between the two readings in the bucket:
/// nanoseconds of its rate.)
public enum LimitGate {
    /// - Parameter tokens: the estimate to charge in advance; 0 or less charges nothing but still asks for no debt.
    /// - Returns: a reservation to be settled or cancelled exactly once, or the first limit that refused, in the order
    ///   requests, tokens, concurrency, of the key and then of the model.
    public static func take(
        key: LimitCells, model: LimitCells, tokens: Int64, at now: MonotonicTime, slab: LimitSlab
    ) -> LimitVerdict {
        var reservation = LimitReservation()
        if !key.isEmpty, let refusal = Self.take(key, .key, tokens, now, slab, &reservation.key) {
            return .refused(refusal)
        }
        if !model.isEmpty, let refusal = Self.take(model, .model, tokens, now, slab, &reservation.model) {
            Self.undo(&reservation.key, slab)
            return .refused(refusal)
        }
        return .admitted(reservation)
    }

    /// Trues the tokens up to what was used and leaves the gates. The request stays counted.
    /// - Parameter usedTokens: 0 gives all of the charge back; more than was charged becomes debt.
    public static func settle(
        _ reservation: inout LimitReservation, usedTokens: Int64, at now: MonotonicTime, slab: LimitSlab
    ) {
        Self.settle(&reservation.key, usedTokens, now, slab)
        Self.settle(&reservation.model, usedTokens, now, slab)
    }

    /// Gives everything back, the request included: for one that was refused by a later stage.
    public static func cancel(_ reservation: inout LimitReservation, slab: LimitSlab) {
        Self.undo(&reservation.key, slab)
        Self.undo(&reservation.model, slab)
    }

    /// All three limits of one scope, or none. On refusal `charge` is empty again.
    @inline(__always)
    private static func take(
        _ cells: LimitCells, _ scope: LimitScope, _ tokens: Int64, _ now: MonotonicTime, _ slab: LimitSlab,
        _ charge: inout ScopeCharge
    ) -> LimitRefusal? {
        if let cell = cells.requests {
            switch cell.take(1, at: now, from: slab) {
            case .taken(let ticks): (charge.requests, charge.requestTicks) = (cell, ticks)
            case .refused(let wait): return Self.refusal(.requests, scope, cell.perMinute, wait)
            }
        }
        if let cell = cells.tokens {
            switch cell.take(tokens, at: now, from: slab) {
            case .taken(let ticks): (charge.tokens, charge.tokenTicks) = (cell, ticks)
            case .refused(let wait):
                Self.undo(&charge, slab)
                return Self.refusal(.tokens, scope, cell.perMinute, wait)
            }
        }
        if let cell = cells.concurrency {
            guard cell.enter(slab) else {
                Self.undo(&charge, slab)
                return LimitRefusal(kind: .concurrency, scope: scope, limit: cell.maximum, retryAfter: .seconds(1))
            }
            charge.gate = cell
        }
        return nil
    }

    private static func refusal(
        _ kind: LimitKind, _ scope: LimitScope, _ limit: Int64, _ wait: Int64
    ) -> LimitRefusal {
        LimitRefusal(kind: kind, scope: scope, limit: limit, retryAfter: RateTicks.span(wait))
    }

    private static func undo(_ charge: inout ScopeCharge, _ slab: LimitSlab) {
        charge.gate?.leave(slab)
        charge.tokens?.giveBack(charge.tokenTicks, to: slab)
        charge.requests?.giveBack(charge.requestTicks, to: slab)
        charge = ScopeCharge()
    }

    private static func settle(
        _ charge: inout ScopeCharge, _ usedTokens: Int64, _ now: MonotonicTime, _ slab: LimitSlab
    ) {
        charge.gate?.leave(slab)
        charge.tokens?.settle(charged: charge.tokenTicks, used: usedTokens, at: now, in: slab)
        charge = ScopeCharge()
    }
}

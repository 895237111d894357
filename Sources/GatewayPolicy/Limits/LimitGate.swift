import GatewayCore

/// What a limit bounds.
public enum LimitKind: UInt8, CaseIterable, Sendable {
    /// Requests per minute.
    case requests
    /// Tokens per minute, of input and output.
    case tokens
    /// Simultaneous exchanges.
    case concurrency
}

/// Which limit refused, and when the same request would pass if nobody else came.
public struct LimitRefusal: Sendable, Hashable {
    /// What it bounds.
    public let kind: LimitKind
    /// Whose limit it is.
    public let scope: LimitScope
    /// The configured number: per minute, or simultaneous exchanges.
    public let limit: Int64
    /// More than zero. For concurrency, whose end nobody knows: one second.
    public let retryAfter: TimeSpan

    /// What the client is told; all three are status 429.
    public var code: ErrorCode {
        switch self.kind {
        case .requests: .requestLimit
        case .tokens: .tokenLimit
        case .concurrency: .concurrencyLimit
        }
    }
}

/// The answer of `LimitGate.take`.
public enum LimitVerdict: Sendable {
    /// Every limit gave; the reservation has to be settled or cancelled exactly once.
    case admitted(LimitReservation)
    /// Nothing was taken.
    case refused(LimitRefusal)
}

/// What one exchange holds of its limits: 80 bytes. It is emptied when it is settled or cancelled: a second time does
/// nothing (pitfall R-2).
public struct LimitReservation: Sendable {
    var key = ScopeCharge()
    var model = ScopeCharge()

    /// Holds nothing.
    public init() {}

    /// Whether there is nothing to settle: no limit on the path, or settled already.
    public var isEmpty: Bool { self.key.cells.isEmpty && self.model.cells.isEmpty }
}

/// The share of a reservation that one scope gave: something of each of its cells.
struct ScopeCharge: Sendable {
    /// No cells when nothing is held.
    var cells = LimitCells.none
    var requestTicks: Int64 = 0
    var tokenTicks: Int64 = 0
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

    /// Trues the tokens up to what was used and leaves the gates. The request stays counted. Called by the terminal
    /// transition of an exchange, on its loop.
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

    /// All three limits of one scope, or none. On refusal `charge` stays as it was.
    @inline(__always)
    private static func take(
        _ cells: LimitCells, _ scope: LimitScope, _ tokens: Int64, _ now: MonotonicTime, _ slab: LimitSlab,
        _ charge: inout ScopeCharge
    ) -> LimitRefusal? {
        var requestTicks: Int64 = 0
        var tokenTicks: Int64 = 0
        if let cell = cells.requests {
            switch cell.take(1, at: now, from: slab) {
            case .taken(let ticks): requestTicks = ticks
            case .refused(let wait): return Self.refusal(.requests, scope, cell.perMinute, wait)
            }
        }
        if let cell = cells.tokens {
            switch cell.take(tokens, at: now, from: slab) {
            case .taken(let ticks): tokenTicks = ticks
            case .refused(let wait):
                cells.requests?.giveBack(requestTicks, to: slab)
                return Self.refusal(.tokens, scope, cell.perMinute, wait)
            }
        }
        if let cell = cells.concurrency {
            guard cell.enter(slab) else {
                cells.tokens?.giveBack(tokenTicks, to: slab)
                cells.requests?.giveBack(requestTicks, to: slab)
                return LimitRefusal(kind: .concurrency, scope: scope, limit: cell.maximum, retryAfter: .seconds(1))
            }
        }
        charge = ScopeCharge(cells: cells, requestTicks: requestTicks, tokenTicks: tokenTicks)
        return nil
    }

    private static func refusal(
        _ kind: LimitKind, _ scope: LimitScope, _ limit: Int64, _ wait: Int64
    ) -> LimitRefusal {
        LimitRefusal(kind: kind, scope: scope, limit: limit, retryAfter: RateTicks.span(wait))
    }

    private static func undo(_ charge: inout ScopeCharge, _ slab: LimitSlab) {
        guard !charge.cells.isEmpty else { return }
        charge.cells.concurrency?.leave(slab)
        charge.cells.tokens?.giveBack(charge.tokenTicks, to: slab)
        charge.cells.requests?.giveBack(charge.requestTicks, to: slab)
        charge = ScopeCharge()
    }

    @inline(__always)
    private static func settle(
        _ charge: inout ScopeCharge, _ usedTokens: Int64, _ now: MonotonicTime, _ slab: LimitSlab
    ) {
        guard !charge.cells.isEmpty else { return }
        charge.cells.concurrency?.leave(slab)
        charge.cells.tokens?.settle(charged: charge.tokenTicks, used: usedTokens, at: now, in: slab)
        charge = ScopeCharge()
    }
}

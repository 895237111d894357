import GatewayCore

/// Something with one deadline at a time. It is told once, on its loop, at or a little after that time.
public protocol DeadlineOwner: AnyObject {
    /// The deadline is cleared before the call; the owner may set a new one.
    func deadlinePassed(at now: MonotonicTime)
}

/// The deadlines of one loop: coarse timeouts without a timer per request.
///
/// A dense array that one tick walks: 10,000 connections are 80 KB and some 10 µs per tick. Setting a deadline is one
/// store. Every call is on the loop that owns the table.
public final class DeadlineTable {
    /// A place in the table; valid from `register` to `release`.
    public struct Slot: Sendable {
        let index: Int
    }

    private static let never = Int64.max
    /// On the monotonic clock; below zero, a span that counts from the next tick.
    private var deadlines: [Int64] = []
    private var owners: [(any DeadlineOwner)?] = []
    private var free: [Int] = []

    /// No owners. Nothing moves before the loop's ticker calls `tick`.
    public init() {}

    /// The table keeps the owner until `release`.
    public func register(_ owner: any DeadlineOwner) -> Slot {
        if let index = self.free.popLast() {
            self.owners[index] = owner
            self.deadlines[index] = Self.never
            return Slot(index: index)
        }
        self.owners.append(owner)
        self.deadlines.append(Self.never)
        return Slot(index: self.owners.count - 1)
    }

    /// A deadline in place of the one before. It comes with the first tick at or after it; one in the past with the
    /// next.
    public func set(_ slot: Slot, _ deadline: MonotonicTime) {
        self.deadlines[slot.index] = max(0, deadline.nanoseconds)
    }

    /// A deadline that span after the next tick: for long timeouts that are set often, because it reads no clock. It
    /// comes up to one tick late, never early.
    public func set(_ slot: Slot, afterNextTick span: TimeSpan) {
        self.deadlines[slot.index] = -max(1, span.nanoseconds)
    }

    /// No deadline until the next `set`; the owner stays registered.
    public func clear(_ slot: Slot) {
        self.deadlines[slot.index] = Self.never
    }

    /// Lets go of the owner, which hears nothing more. The place goes to the next `register`: called once per slot.
    public func release(_ slot: Slot) {
        guard always(self.owners[slot.index] != nil, "a deadline slot is released once") else { return }
        self.owners[slot.index] = nil
        self.deadlines[slot.index] = Self.never
        self.free.append(slot.index)
    }

    /// Number of registered owners; for tests and gauges.
    public var count: Int { self.owners.count - self.free.count }

    /// Tells every owner whose deadline has come.
    public func tick(at now: MonotonicTime) {
        var index = 0
        while index < self.deadlines.count {
            let deadline = self.deadlines[index]
            if deadline <= now.nanoseconds {
                if deadline < 0 {
                    self.deadlines[index] = (now + TimeSpan(nanoseconds: -deadline)).nanoseconds
                } else {
                    self.deadlines[index] = Self.never
                    self.owners[index]?.deadlinePassed(at: now)
                }
            }
            index += 1
        }
    }
}

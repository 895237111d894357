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
    private var deadlines: [Int64] = []
    private var owners: [(any DeadlineOwner)?] = []
    private var free: [Int] = []

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

    public func set(_ slot: Slot, _ deadline: MonotonicTime) {
        self.deadlines[slot.index] = deadline.nanoseconds
    }

    public func clear(_ slot: Slot) {
        self.deadlines[slot.index] = Self.never
    }

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
            if self.deadlines[index] <= now.nanoseconds {
                self.deadlines[index] = Self.never
                self.owners[index]?.deadlinePassed(at: now)
            }
            index += 1
        }
    }
}

import GatewayCore

/// A command that was sent and whose reply has not come.
struct OutstandingCommand {
    enum Purpose {
        /// One of the connection's own, sent before any other.
        case greeting(RedisGreetingStep)
        case plain
        /// Called by its digest: the bulk strings that name the source, and where the rest of the call is kept.
        case script(source: [UInt8], payload: Int)
    }

    /// Nil once it has been told, and for the greeting.
    var responder: (any RedisResponder)?
    var tag: UInt64
    var sentAt: MonotonicTime
    var deadline: MonotonicTime
    var commandClass: RedisCommandClass
    var purpose: Purpose
    var isProbe = false
    /// Its responder has been told of the timeout. It keeps its place, because its reply will still come.
    var isOverdue = false
}

/// Commands in the order in which they were sent, which is the order of their replies.
///
/// A ring that grows to its bound and stays: in steady state a command allocates nothing.
struct OutstandingCommands {
    private var slots: [OutstandingCommand?] = []
    private var head = 0
    private(set) var count = 0
    /// How many have left at the front since the beginning.
    private var removed: UInt64 = 0
    /// No live command has an earlier deadline; there need not be one at it.
    private(set) var earliestDeadline = MonotonicTime.never

    var isEmpty: Bool { self.count == 0 }
    /// When the oldest was sent.
    var oldestSentAt: MonotonicTime? { self.count > 0 ? self.slots[self.head]?.sentAt : nil }

    mutating func append(_ command: OutstandingCommand) {
        if self.count == self.slots.count { self.grow() }
        self.slots[(self.head + self.count) & (self.slots.count - 1)] = command
        self.count += 1
        if !command.isOverdue { self.earliestDeadline = min(self.earliestDeadline, command.deadline) }
    }

    /// The one that the next reply belongs to.
    mutating func popFirst() -> OutstandingCommand? {
        guard self.count > 0 else { return nil }
        let command = self.slots[self.head].take()
        self.head = (self.head + 1) & (self.slots.count - 1)
        self.count -= 1
        self.removed += 1
        if self.count == 0 { self.earliestDeadline = .never }
        return command
    }

    /// Marks the next command whose deadline has come, and hands it out for the last time; its place stays taken.
    ///
    /// - Parameter cursor: 0 at first, then as it was left. Commands may be added and removed in between. The walk is
    ///   linear, and is only made when `earliestDeadline` has come.
    mutating func nextOverdue(at now: MonotonicTime, cursor: inout UInt64) -> OutstandingCommand? {
        cursor = max(cursor, self.removed)
        while cursor < self.removed + UInt64(self.count) {
            let place = (self.head + Int(cursor - self.removed)) & (self.slots.count - 1)
            cursor += 1
            guard let command = self.slots[place], !command.isOverdue, command.deadline <= now else { continue }
            self.slots[place]?.isOverdue = true
            self.slots[place]?.responder = nil
            self.slots[place]?.purpose = .plain
            return command
        }
        self.earliestDeadline = .never
        for offset in 0..<self.count {
            let place = (self.head + offset) & (self.slots.count - 1)
            if let command = self.slots[place], !command.isOverdue {
                self.earliestDeadline = min(self.earliestDeadline, command.deadline)
            }
        }
        return nil
    }

    private mutating func grow() {
        var larger = [OutstandingCommand?](repeating: nil, count: max(16, self.slots.count * 2))
        for offset in 0..<self.count { larger[offset] = self.slots[(self.head + offset) & (self.slots.count - 1)] }
        self.slots = larger
        self.head = 0
    }
}

extension MonotonicTime {
    /// The end of the clock, some 292 years on.
    static let never = MonotonicTime(nanoseconds: .max)
}

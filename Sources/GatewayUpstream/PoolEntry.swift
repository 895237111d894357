import GatewayCore

/// All there is of one endpoint in one pool.
struct PoolEntry {
    typealias ConnectionID = UpstreamPoolStateMachine.ConnectionID

    struct Idle {
        var id: ConnectionID
        var since: MonotonicTime
    }

    struct Connecting {
        var id: ConnectionID
        var deadline: MonotonicTime
    }

    struct Waiter {
        var ticket: UpstreamTicket
        var deadline: MonotonicTime
        /// Takes no connection that was used before.
        var fresh: Bool
    }

    var endpoint: UpstreamEndpoint
    /// False for an endpoint that is not, or no longer, in the snapshot: nothing of it is kept.
    var isAdopted = false
    /// Last in, first out: the busiest stay warm, the others grow old at the front. Sorted by `since`.
    var idle: [Idle] = []
    var connecting: [Connecting] = []
    var leased = 0
    var waiters: WaiterQueue

    init(endpoint: UpstreamEndpoint, waitersMax: Int) {
        self.endpoint = endpoint
        self.waiters = .init(capacity: waitersMax)
    }

    var connectionsMax: Int { self.endpoint.connectionsMax }
    var total: Int { self.idle.count + self.connecting.count + self.leased }

    /// The idle connection that was used last is leased now.
    mutating func leaseWarmest() -> ConnectionID? {
        guard let warmest = self.idle.popLast() else { return nil }
        self.leased += 1
        return warmest.id
    }

    /// A leased connection becomes idle, if nobody waits for one and there is room.
    mutating func keepReleased(_ id: ConnectionID, at now: MonotonicTime) -> Bool {
        guard self.isAdopted, self.waiters.isEmpty, self.total <= self.connectionsMax else { return false }
        self.leased -= 1
        self.appendIdle(id, at: now)
        return true
    }

    mutating func appendIdle(_ id: ConnectionID, at now: MonotonicTime) {
        // The list stays sorted even if a caller's clock is coarser than another's.
        let since = max(now, self.idle.last?.since ?? now)
        self.idle.append(.init(id: id, since: since))
    }
}

/// First in, first out, bounded, with removal from the middle. Takes memory as it grows.
struct WaiterQueue {
    typealias Waiter = PoolEntry.Waiter

    private var waiters: [Waiter] = []
    /// What lies before it has been taken out.
    private var head = 0
    let capacity: Int

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    var count: Int { self.waiters.count - self.head }
    var isEmpty: Bool { self.count == 0 }

    /// The one at that place in the queue; 0 has waited for longest.
    subscript(_ place: Int) -> Waiter { self.waiters[self.head + place] }

    /// - Returns: false when the queue is full.
    mutating func append(_ waiter: Waiter) -> Bool {
        guard self.count < self.capacity else { return false }
        self.waiters.append(waiter)
        return true
    }

    mutating func popFirst() -> Waiter? {
        guard self.head < self.waiters.count else { return nil }
        self.head += 1
        let waiter = self.waiters[self.head - 1]
        if self.head == self.waiters.count {
            self.waiters.removeAll(keepingCapacity: true)
            self.head = 0
        } else if self.head >= 64, self.head * 2 >= self.waiters.count {
            self.waiters.removeFirst(self.head)
            self.head = 0
        }
        return waiter
    }

    /// The first that takes a connection which was used before.
    mutating func popFirstNotFresh() -> Waiter? {
        if let first = self.waiters[self.head...].first, !first.fresh { return self.popFirst() }
        return self.remove { !$0.fresh }
    }

    mutating func remove(_ ticket: UpstreamTicket) -> Bool { self.remove { $0.ticket == ticket } != nil }

    /// The first whose deadline has come.
    mutating func removeExpired(at now: MonotonicTime) -> Waiter? { self.remove { $0.deadline <= now } }

    private mutating func remove(where matches: (Waiter) -> Bool) -> Waiter? {
        guard let place = self.waiters[self.head...].firstIndex(where: matches) else { return nil }
        return self.waiters.remove(at: place)
    }
}

import GatewayCore

/// The pool's decisions as a value: events in, actions out. No channel, no clock, no promise.
///
/// Guarantees, checked by seeded random walks:
/// - A connection is leased to at most one ticket, and what is leased comes back exactly once: by `released` or by
///   `closed` (pitfall R-2).
/// - Every ticket ends in exactly one of: a lease, a refusal, its own `cancel`.
/// - Of one endpoint there are never more connections than its bound, but for those that a lowered bound leaves over.
/// - While somebody waits and the bound has room, a connection is being made.
///
/// A connection that an action tells to close is forgotten at once; what it reports later is ignored.
/// Cost: leasing an idle connection and taking one back allocate nothing.
struct UpstreamPoolStateMachine {
    /// A place in the table of connections. The generation tells its former owners apart.
    struct ConnectionID: Hashable {
        let index: Int
        let generation: UInt32
    }

    enum Refusal: Hashable {
        /// Too many wait already.
        case queueFull
        /// All connections stayed busy until the deadline.
        case saturated
        /// No connection could be made; why, for the log.
        case unreachable(String)
        /// The pool is closed.
        case closed
    }

    enum Action: Hashable {
        case lease(ConnectionID, to: UpstreamTicket, reused: Bool)
        /// Make one and report `connected` or `connectFailed`. The deadline covers name, TCP and TLS.
        case connect(ConnectionID, UpstreamEndpoint, deadline: MonotonicTime)
        /// Close it, or give up making it. It is forgotten already.
        case close(ConnectionID)
        case refuse(UpstreamTicket, Refusal)
    }

    struct Settings {
        var idleTimeout = TimeSpan.seconds(60)
        /// Per endpoint.
        var waitersMax = 1024
    }

    /// What a connection is.
    enum SlotState: Hashable {
        /// No connection. Leaves for `.connecting`.
        case free
        /// Being made. Leaves for `.leased` or `.idle` when it is there, for `.free` when it fails or takes too long.
        case connecting(deadline: MonotonicTime)
        /// Open and unused. Leaves for `.leased`; for `.free` when it closes, is too old or its endpoint vanished.
        case idle
        /// Somebody's. Leaves for `.idle` or straight for the next ticket when it comes back, for `.free` when it
        /// closes or is not wanted any more.
        case leased
    }

    struct Slot {
        var generation: UInt32 = 0
        var entry = 0
        var state = SlotState.free
    }

    let settings: Settings
    var slots: [Slot] = []
    private var freeSlots: [Int] = []
    var entries: [PoolEntry] = []
    private var freeEntries: [Int] = []
    var places: [UpstreamEndpoint: Int] = [:]
    /// Where an endpoint was found last, by the low bits of its digest; -1 for nowhere.
    private var recentPlaces = [Int](repeating: -1, count: 16)
    private var ticketLast: UInt64 = 0
    private(set) var isClosed = false

    init(settings: Settings = .init()) {
        self.settings = settings
    }

    // MARK: Table of connections

    func slotState(_ id: ConnectionID) -> SlotState {
        guard self.slots.indices.contains(id.index), self.slots[id.index].generation == id.generation
        else { return .free }
        return self.slots[id.index].state
    }

    mutating func makeTicket() -> UpstreamTicket {
        self.ticketLast &+= 1
        return UpstreamTicket(number: self.ticketLast)
    }

    private mutating func takeSlot(for entry: Int, deadline: MonotonicTime) -> ConnectionID {
        let index: Int
        if let free = self.freeSlots.popLast() {
            index = free
        } else {
            index = self.slots.count
            self.slots.append(.init())
        }
        self.slots[index].entry = entry
        self.slots[index].state = .connecting(deadline: deadline)
        return .init(index: index, generation: self.slots[index].generation)
    }

    /// After it the id stands for nothing.
    mutating func freeSlot(_ id: ConnectionID) {
        self.slots[id.index].generation &+= 1
        self.slots[id.index].state = .free
        self.freeSlots.append(id.index)
    }

    // MARK: Table of endpoints

    /// The entry of an endpoint. One that was not adopted (an exchange of an older snapshot asks for it) gets a
    /// passing entry, whose connections close when they come back.
    mutating func place(of endpoint: UpstreamEndpoint) -> Int {
        if let place = self.places[endpoint] { return place }
        let entry = PoolEntry(endpoint: endpoint, waitersMax: self.settings.waitersMax)
        let place: Int
        if let free = self.freeEntries.popLast() {
            self.entries[free] = entry
            place = free
        } else {
            place = self.entries.count
            self.entries.append(entry)
        }
        self.places[endpoint] = place
        return place
    }

    /// The entry of an endpoint, if it has one. Asked for each lease: the table is only looked at when another endpoint
    /// was found in between that shares its bits.
    mutating func findPlace(of endpoint: UpstreamEndpoint) -> Int? {
        let slot = endpoint.digest & 15
        let recent = self.recentPlaces[slot]
        if recent >= 0, self.entries[recent].endpoint == endpoint { return recent }
        guard let place = self.places[endpoint] else { return nil }
        self.recentPlaces[slot] = place
        return place
    }

    /// Forgets an entry that nobody needs any more.
    mutating func reap(_ place: Int) {
        guard !self.entries[place].isAdopted, self.entries[place].total == 0, self.entries[place].waiters.isEmpty,
            self.places[self.entries[place].endpoint] == place
        else { return }
        self.places[self.entries[place].endpoint] = nil
        self.recentPlaces[self.entries[place].endpoint.digest & 15] = -1
        self.freeEntries.append(place)
    }

    // MARK: Shared steps

    /// Starts connections for those who wait and have none under way, as far as the bound allows.
    mutating func refill(_ place: Int, _ actions: inout PoolActions) {
        guard !self.isClosed else { return }
        while self.entries[place].connecting.count < self.entries[place].waiters.count,
            self.entries[place].total < self.entries[place].connectionsMax
        {
            let deadline = self.entries[place].waiters[self.entries[place].connecting.count].deadline
            let id = self.takeSlot(for: place, deadline: deadline)
            self.entries[place].connecting.append(.init(id: id, deadline: deadline))
            actions.append(.connect(id, self.entries[place].endpoint, deadline: deadline))
        }
    }

    /// Closes the idle connection that was unused for longest.
    mutating func closeOldestIdle(_ place: Int, _ actions: inout PoolActions) {
        let oldest = self.entries[place].idle.removeFirst()
        self.freeSlot(oldest.id)
        actions.append(.close(oldest.id))
    }

    mutating func markClosed() { self.isClosed = true }
}

/// Names one call of `acquire`. Its number is unique in its pool.
public struct UpstreamTicket: Hashable, Sendable {
    let number: UInt64
}

/// What to do, in order. The first action is kept in place, so that the usual single one costs no allocation.
struct PoolActions: Sequence, IteratorProtocol {
    typealias Action = UpstreamPoolStateMachine.Action

    private var first: Action?
    private var rest: [Action] = []
    private var restNext = 0

    mutating func append(_ action: Action) {
        if self.first == nil, self.rest.isEmpty {
            self.first = action
        } else {
            self.rest.append(action)
        }
    }

    mutating func next() -> Action? {
        if let action = self.first {
            self.first = nil
            return action
        }
        guard self.restNext < self.rest.count else { return nil }
        self.restNext += 1
        return self.rest[self.restNext - 1]
    }
}

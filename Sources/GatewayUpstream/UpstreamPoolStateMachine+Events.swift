import GatewayCore

extension UpstreamPoolStateMachine {
    // MARK: Those who ask

    /// The warmest idle connection, now leased; `nil` when there is none or the pool is closed.
    mutating func takeIdle(of endpoint: UpstreamEndpoint) -> ConnectionID? {
        guard !self.isClosed, let place = self.findPlace(of: endpoint),
            let id = self.entries[place].leaseWarmest()
        else { return nil }
        self.slots[id.index].state = .leased
        return id
    }

    /// Puts a ticket into the queue; for what `takeIdle` could not serve, or may not because it has to be fresh.
    mutating func wait(
        _ ticket: UpstreamTicket, for endpoint: UpstreamEndpoint, fresh: Bool, until deadline: MonotonicTime
    ) -> PoolActions {
        var actions = PoolActions()
        guard !self.isClosed else {
            actions.append(.refuse(ticket, .closed))
            return actions
        }
        let place = self.place(of: endpoint)
        guard self.entries[place].waiters.append(.init(ticket: ticket, deadline: deadline, fresh: fresh)) else {
            actions.append(.refuse(ticket, .queueFull))
            return actions
        }
        if self.entries[place].total >= self.entries[place].connectionsMax, !self.entries[place].idle.isEmpty {
            self.closeOldestIdle(place, &actions)
        }
        self.refill(place, &actions)
        return actions
    }

    /// The ticket is not wanted any more. A connection that is being made for it goes on and becomes idle.
    /// Nothing happens when the ticket has ended already.
    mutating func cancel(_ ticket: UpstreamTicket, of endpoint: UpstreamEndpoint) {
        guard let place = self.places[endpoint] else { return }
        _ = self.entries[place].waiters.remove(ticket)
        self.reap(place)
    }

    // MARK: What connections report

    mutating func connected(_ id: ConnectionID, at now: MonotonicTime) -> PoolActions {
        var actions = PoolActions()
        guard case .connecting = self.slotState(id) else { return actions }
        let place = self.slots[id.index].entry
        self.entries[place].connecting.removeAll { $0.id == id }
        if let waiter = self.entries[place].waiters.popFirst() {
            self.lease(id, of: place, to: waiter, reused: false, &actions)
        } else {
            self.keep(id, of: place, at: now, &actions)
        }
        return actions
    }

    /// - Parameter reason: for the log of the ticket that fails with it.
    mutating func connectFailed(_ id: ConnectionID, reason: String) -> PoolActions {
        var actions = PoolActions()
        guard case .connecting = self.slotState(id) else { return actions }
        self.forgetConnecting(id, reason: reason, &actions)
        return actions
    }

    /// The usual way back of a leased connection: nobody waits, there is room, its endpoint is wanted, so it is idle.
    ///
    /// - Returns: false, with nothing done, when `released` has to decide.
    mutating func keep(released id: ConnectionID, at now: MonotonicTime) -> Bool {
        guard !self.isClosed, self.slotState(id) == .leased,
            self.entries[self.slots[id.index].entry].keepReleased(id, at: now)
        else { return false }
        self.slots[id.index].state = .idle
        return true
    }

    /// A leased connection came back and may be used again.
    mutating func released(_ id: ConnectionID, at now: MonotonicTime) -> PoolActions {
        var actions = PoolActions()
        if self.keep(released: id, at: now) { return actions }
        guard always(self.slotState(id) == .leased, "only what is leased is given back") else { return actions }
        let place = self.slots[id.index].entry
        self.entries[place].leased -= 1
        if !self.isClosed, let waiter = self.entries[place].waiters.popFirstNotFresh() {
            self.lease(id, of: place, to: waiter, reused: true, &actions)
        } else if self.hasNoRoom(place) {
            // Somebody waits for a fresh connection, or the bound was lowered: this one makes room.
            self.freeSlot(id)
            actions.append(.close(id))
            self.refill(place, &actions)
            self.reap(place)
        } else {
            self.keep(id, of: place, at: now, &actions)
        }
        return actions
    }

    /// An idle or leased connection is gone. For one that is being made this is `connectFailed`.
    mutating func closed(_ id: ConnectionID) -> PoolActions {
        var actions = PoolActions()
        let place = self.slots.indices.contains(id.index) ? self.slots[id.index].entry : 0
        switch self.slotState(id) {
        case .free:
            return actions
        case .connecting:
            return self.connectFailed(id, reason: "the connection closed while it was made")
        case .idle:
            self.entries[place].idle.removeAll { $0.id == id }
        case .leased:
            self.entries[place].leased -= 1
        }
        self.freeSlot(id)
        self.refill(place, &actions)
        self.reap(place)
        return actions
    }

    // MARK: Time, snapshots, the end

    /// Ends what is overdue. Called every 100 ms or so; cost: the endpoints, and what is overdue.
    mutating func tick(at now: MonotonicTime) -> PoolActions {
        var actions = PoolActions()
        for place in self.entries.indices where self.places[self.entries[place].endpoint] == place {
            while let oldest = self.entries[place].idle.first, self.settings.idleTimeout < now - oldest.since {
                self.closeOldestIdle(place, &actions)
            }
            while let late = self.entries[place].connecting.first(where: { $0.deadline <= now }) {
                actions.append(.close(late.id))
                self.forgetConnecting(late.id, reason: "no connection within the connect timeout", &actions)
            }
            while let waiter = self.entries[place].waiters.removeExpired(at: now) {
                let busy = self.entries[place].connecting.isEmpty
                actions.append(
                    .refuse(
                        waiter.ticket,
                        busy ? .saturated : .unreachable("no connection within the connect timeout")))
            }
            self.reap(place)
        }
        return actions
    }

    /// A new snapshot. Of endpoints that are named more than once the larger bound counts.
    mutating func adopt(_ endpoints: [UpstreamEndpoint]) -> PoolActions {
        var actions = PoolActions()
        guard !self.isClosed else { return actions }
        for place in self.entries.indices { self.entries[place].isAdopted = false }
        for endpoint in endpoints {
            let place = self.place(of: endpoint)
            let earlier = self.entries[place].isAdopted ? self.entries[place].connectionsMax : 0
            self.entries[place].isAdopted = true
            self.entries[place].endpoint.connectionsMax = max(earlier, endpoint.connectionsMax)
        }
        for place in self.entries.indices where self.places[self.entries[place].endpoint] == place {
            while !self.entries[place].idle.isEmpty, self.hasNoUse(place) {
                self.closeOldestIdle(place, &actions)
            }
            self.refill(place, &actions)
            self.reap(place)
        }
        return actions
    }

    /// No new leases from now on: those who wait are refused, what is idle or being made closes, what is leased
    /// closes when it comes back.
    mutating func closeAll() -> PoolActions {
        var actions = PoolActions()
        self.markClosed()
        for place in self.entries.indices where self.places[self.entries[place].endpoint] == place {
            self.entries[place].isAdopted = false
            while let waiter = self.entries[place].waiters.popFirst() {
                actions.append(.refuse(waiter.ticket, .closed))
            }
            while !self.entries[place].idle.isEmpty { self.closeOldestIdle(place, &actions) }
            while let attempt = self.entries[place].connecting.popLast() {
                self.freeSlot(attempt.id)
                actions.append(.close(attempt.id))
            }
            self.reap(place)
        }
        return actions
    }

    // MARK: Steps

    private mutating func lease(
        _ id: ConnectionID, of place: Int, to waiter: PoolEntry.Waiter, reused: Bool, _ actions: inout PoolActions
    ) {
        self.entries[place].leased += 1
        self.slots[id.index].state = .leased
        actions.append(.lease(id, to: waiter.ticket, reused: reused))
    }

    /// It becomes idle, if its endpoint is still wanted and the bound has room.
    private mutating func keep(
        _ id: ConnectionID, of place: Int, at now: MonotonicTime, _ actions: inout PoolActions
    ) {
        guard self.entries[place].isAdopted, !self.isClosed,
            self.entries[place].total < self.entries[place].connectionsMax
        else {
            self.freeSlot(id)
            actions.append(.close(id))
            self.reap(place)
            return
        }
        self.entries[place].appendIdle(id, at: now)
        self.slots[id.index].state = .idle
    }

    /// Whether a connection that has just come back has to go, to make room. It is not counted any more.
    private func hasNoRoom(_ place: Int) -> Bool {
        self.entries[place].total >= self.entries[place].connectionsMax
            || (self.entries[place].total + 1 >= self.entries[place].connectionsMax
                && self.entries[place].waiters.count > self.entries[place].connecting.count)
    }

    /// Whether idle connections of it should close: it vanished, or its bound is exceeded.
    private func hasNoUse(_ place: Int) -> Bool {
        !self.entries[place].isAdopted || self.entries[place].total > self.entries[place].connectionsMax
    }

    /// The one who has waited for longest fails with it, unless as many connections are still under way as there are
    /// waiters: then its place in the queue stands for one of those.
    private mutating func forgetConnecting(_ id: ConnectionID, reason: String, _ actions: inout PoolActions) {
        let place = self.slots[id.index].entry
        self.entries[place].connecting.removeAll { $0.id == id }
        self.freeSlot(id)
        if self.entries[place].waiters.count > self.entries[place].connecting.count,
            let waiter = self.entries[place].waiters.popFirst()
        {
            actions.append(.refuse(waiter.ticket, .unreachable(reason)))
        }
        self.refill(place, &actions)
        self.reap(place)
    }
}

import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayUpstream

/// Runs the machine's actions in a world without sockets, and refuses every illegal one.
private struct FakePool {
    typealias Machine = UpstreamPoolStateMachine

    var machine: Machine
    var random: SeededRandom
    var clock = ManualClock()
    var endpoints: [UpstreamEndpoint]
    var connecting: Set<Machine.ConnectionID> = []
    var idle: Set<Machine.ConnectionID> = []
    var leased: [Machine.ConnectionID: UpstreamTicket] = [:]
    var used: Set<Machine.ConnectionID> = []
    var waiting: [UpstreamTicket: (endpoint: UpstreamEndpoint, fresh: Bool)] = [:]
    var owner: [Machine.ConnectionID: UpstreamEndpoint] = [:]
    /// For which the last event started connections.
    var connectedNow: Set<UpstreamEndpoint> = []
    var faults: [String] = []
    /// How many things of each kind happened: a walk that exercises nothing proves nothing.
    var counts: [String: Int] = [:]

    init(seed: UInt64) {
        self.random = SeededRandom(seed: seed)
        self.endpoints = (0..<4).map { .init(host: "host\($0).test", port: 80, tls: false, connectionsMax: 3) }
        self.machine = .init(settings: .init(waitersMax: 6))
        self.run(self.machine.adopt(Array(self.endpoints.prefix(3))))
    }

    mutating func fault(_ text: String) { self.faults.append(text) }

    mutating func run(_ actions: PoolActions) {
        for action in actions {
            switch action {
            case .lease(let id, let ticket, let reused): self.lease(id, ticket, reused)
            case .connect(let id, let endpoint, _):
                self.counts["connect", default: 0] += 1
                if self.owner[id] != nil { self.fault("\(id) is connected twice") }
                self.owner[id] = endpoint
                self.connecting.insert(id)
                self.connectedNow.insert(endpoint)
            case .close(let id):
                self.counts["close", default: 0] += 1
                if self.leased[id] != nil { self.fault("\(id) closes while it is leased") }
                if self.connecting.remove(id) == nil, self.idle.remove(id) == nil { self.fault("\(id) is unknown") }
                self.owner[id] = nil
            case .refuse(let ticket, _):
                self.counts["refuse", default: 0] += 1
                if self.waiting.removeValue(forKey: ticket) == nil { self.fault("\(ticket) is refused twice") }
            }
        }
    }

    mutating func lease(_ id: UpstreamPoolStateMachine.ConnectionID, _ ticket: UpstreamTicket, _ reused: Bool) {
        self.counts[reused ? "reuse" : "lease", default: 0] += 1
        if self.connecting.contains(id) { self.fault("\(id) is leased before it stands") }
        if self.leased[id] != nil { self.fault("\(id) is leased twice") }
        if self.used.contains(id) != reused { self.fault("\(id) says reused: \(reused)") }
        guard let waiter = self.waiting.removeValue(forKey: ticket) else {
            return self.fault("\(ticket) is served twice")
        }
        if waiter.fresh, reused { self.fault("a fresh ticket got a used connection") }
        if self.owner[id] != waiter.endpoint { self.fault("\(ticket) got a connection of another endpoint") }
        self.idle.remove(id)
        self.leased[id] = ticket
        self.used.insert(id)
    }

    mutating func step() {
        self.connectedNow = []
        switch self.random.int(0...99) {
        case 0..<35: self.acquire()
        case 35..<50:
            guard let id = self.connecting.randomElement(using: &self.random) else { return }
            self.connecting.remove(id)
            if self.random.oneIn(4) {
                self.owner[id] = nil
                self.run(self.machine.connectFailed(id, reason: "refused"))
            } else {
                self.idle.insert(id)
                self.run(self.machine.connected(id, at: self.clock.now))
            }
        case 50..<75:
            guard let id = self.leased.keys.randomElement(using: &self.random) else { return }
            self.leased[id] = nil
            self.idle.insert(id)
            self.run(self.machine.released(id, at: self.clock.now))
        case 75..<82: self.closeOne()
        case 82..<88:
            guard let ticket = self.waiting.keys.randomElement(using: &self.random) else { return }
            let waiter = self.waiting.removeValue(forKey: ticket)
            self.machine.cancel(ticket, of: waiter?.endpoint ?? self.endpoints[0])
        case 88..<97:
            self.clock.advance(by: .milliseconds(Int64(self.random.int(0...(self.random.oneIn(10) ? 70_000 : 400)))))
            self.run(self.machine.tick(at: self.clock.now))
        default:
            self.counts["adopt", default: 0] += 1
            let chosen = self.endpoints.filter { _ in self.random.next() % 3 != 0 }.map { endpoint in
                var endpoint = endpoint
                endpoint.connectionsMax = self.random.int(1...4)
                return endpoint
            }
            self.run(self.machine.adopt(chosen))
        }
    }

    mutating func acquire() {
        let endpoint = self.endpoints[self.random.int(0...3)]
        let fresh = self.random.oneIn(5)
        if !fresh, let id = self.machine.takeIdle(of: endpoint) {
            let ticket = self.machine.makeTicket()
            self.waiting[ticket] = (endpoint, false)
            if !self.idle.contains(id) { self.fault("\(id) is not idle") }
            // A connection that was made for a cancelled ticket is idle without having been used.
            self.lease(id, ticket, self.used.contains(id))
            return
        }
        let ticket = self.machine.makeTicket()
        self.waiting[ticket] = (endpoint, fresh)
        self.run(self.machine.wait(ticket, for: endpoint, fresh: fresh, until: self.clock.now + .seconds(2)))
    }

    mutating func closeOne() {
        let id: Machine.ConnectionID?
        if self.random.oneIn(2) {
            id = self.idle.randomElement(using: &self.random)
        } else {
            id = self.leased.keys.randomElement(using: &self.random)
        }
        guard let id else { return }
        self.idle.remove(id)
        self.leased[id] = nil
        self.owner[id] = nil
        self.run(self.machine.closed(id))
    }

    /// The machine's books agree with the world, and nobody waits without reason.
    mutating func check() {
        var idle = 0
        var connecting = 0
        var leased = 0
        var waiting = 0
        for (endpoint, place) in self.machine.places {
            let entry = self.machine.entries[place]
            idle += entry.idle.count
            connecting += entry.connecting.count
            leased += entry.leased
            waiting += entry.waiters.count
            // A bound that was lowered leaves leased ones and attempts over, but neither idle ones nor new ones.
            if entry.total > entry.connectionsMax, !entry.idle.isEmpty || self.connectedNow.contains(endpoint) {
                self.fault("\(endpoint) has more connections than its bound")
            }
            if entry.connecting.count < entry.waiters.count, entry.total < entry.connectionsMax {
                self.fault("\(endpoint): somebody waits and nothing is done for it")
            }
            if !entry.isAdopted, !entry.idle.isEmpty { self.fault("\(endpoint) keeps connections nobody wants") }
        }
        if idle != self.idle.count { self.fault("idle: \(idle) in the books, \(self.idle.count) in the world") }
        if connecting != self.connecting.count { self.fault("connecting: \(connecting), \(self.connecting.count)") }
        if leased != self.leased.count { self.fault("leased: \(leased), \(self.leased.count)") }
        if waiting != self.waiting.count { self.fault("waiting: \(waiting), \(self.waiting.count)") }
    }
}

@Suite struct UpstreamPoolWalkTests {
    /// R-2 and the machine's other guarantees, after every event of a random life. The seed is the bug report.
    @Test(arguments: Array(UInt64(1)...40)) func r2LeasesComeBackExactlyOnce(seed: UInt64) {
        var pool = FakePool(seed: seed)
        for step in 0..<3000 {
            pool.step()
            pool.check()
            guard pool.faults.isEmpty else {
                #expect(Bool(false), "seed \(seed), step \(step): \(pool.faults)")
                return
            }
        }
        for kind in ["connect", "close", "refuse", "reuse", "lease", "adopt"] {
            #expect(pool.counts[kind, default: 0] > 20, "the walk exercised \(kind)")
        }
    }

    /// At the end nothing is left: every ticket ended, every connection closed.
    @Test(arguments: Array(UInt64(1)...20)) func closeAllLeavesNothing(seed: UInt64) {
        var pool = FakePool(seed: seed)
        for _ in 0..<500 { pool.step() }
        pool.run(pool.machine.closeAll())
        #expect(pool.waiting.isEmpty && pool.idle.isEmpty && pool.connecting.isEmpty)
        for id in pool.leased.keys {
            pool.leased[id] = nil
            pool.idle.insert(id)
            pool.run(pool.machine.released(id, at: pool.clock.now))
        }
        #expect(pool.idle.isEmpty && pool.owner.isEmpty)
        #expect(pool.machine.places.isEmpty)
        #expect(pool.faults.isEmpty)
    }
}

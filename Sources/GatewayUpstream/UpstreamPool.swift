import GatewayCore
import GatewayHTTP
import NIOCore

/// Who asks for a connection. Both calls come on the pool's loop; exactly one of them per ticket that is not cancelled.
public protocol UpstreamRequester: AnyObject {
    /// The connection is the requester's until its answer ends: `begin` it now, `giveBack` or `abandon` it.
    /// - Parameter reused: it has served before, so the peer may just be closing it.
    func upstreamAcquired(_ connection: UpstreamConnection, reused: Bool)
    /// `upstreamUnreachable`, `overloaded` (all connections stayed busy, or too many wait) or `draining`.
    func upstreamUnavailable(_ error: GatewayError)
}

/// The connections of one loop to all providers. Every call is made on that loop; nothing here is locked.
///
/// It decides nothing itself: events go to `UpstreamPoolStateMachine`, actions are run.
/// Cost of leasing an idle connection and of taking it back: two table look-ups, no allocation, no clock.
public final class UpstreamPool {
    /// Bounds of a pool. Those on the number of connections belong to each endpoint.
    public struct Settings: Sendable {
        /// Idle connections close after it.
        public var idleTimeout = TimeSpan.seconds(60)
        /// Those who may wait for a connection, per endpoint; beyond it `overloaded`.
        public var waitersMax = 1024
        /// What the kernel may hold of one answer, and so what is taken over from it when a provider closes while its
        /// reader is paused. It also bounds the throughput, to one buffer per round trip. The kernel may cut it
        /// (`net.core.rmem_max`); 0 leaves it to the kernel, on Linux up to 6 MiB (`net.ipv4.tcp_rmem`).
        public var receiveBufferBytes = 512 << 10
        /// Bounds of an answer's head.
        public var headLimits = HeadLimits(bytesMax: 64 << 10, fieldsMax: 200)

        /// The values that stand beside the fields.
        public init() {}
    }

    /// How many connections there are at one moment: `idle` ones, those that are still `connecting`, and those that are
    /// `leased` to a requester. `waiting` counts requesters that have none.
    public struct Counts: Sendable, Hashable {
        public var idle = 0
        public var connecting = 0
        public var leased = 0
        public var waiting = 0
    }

    private struct Waiting {
        let requester: any UpstreamRequester
        let endpoint: UpstreamEndpoint
    }

    private let loop: any EventLoop
    private let resolver: NameResolver
    private let tls: TLSContexts
    private let settings: Settings
    private let dialer: UpstreamDialer
    private let clock: @Sendable () -> MonotonicTime
    private var machine: UpstreamPoolStateMachine
    /// By the index of their ids.
    private var connections: [UpstreamConnection?] = []
    private var attempts: [UpstreamPoolStateMachine.ConnectionID: ConnectAttempt] = [:]
    private var waiting: [UpstreamTicket: Waiting] = [:]
    /// The time of the last tick: exact enough for how long a connection has been idle.
    private var now: MonotonicTime

    /// - Parameter clock: for deadlines of connecting; the idle time goes by `tick`.
    public convenience init(
        loop: any EventLoop, resolver: NameResolver, tls: TLSContexts, settings: Settings = .init(),
        clock: @escaping @Sendable () -> MonotonicTime = MonotonicTime.now
    ) {
        self.init(
            loop: loop, resolver: resolver, tls: tls, settings: settings,
            dialer: .socket(receiveBufferBytes: settings.receiveBufferBytes), clock: clock)
    }

    init(
        loop: any EventLoop, resolver: NameResolver, tls: TLSContexts, settings: Settings, dialer: UpstreamDialer,
        clock: @escaping @Sendable () -> MonotonicTime
    ) {
        self.loop = loop
        self.resolver = resolver
        self.tls = tls
        self.settings = settings
        self.dialer = dialer
        self.clock = clock
        self.now = clock()
        self.machine = .init(settings: .init(idleTimeout: settings.idleTimeout, waitersMax: settings.waitersMax))
    }

    // MARK: For the data plane

    /// The endpoints of a new snapshot. Idle connections of all others close now, leased ones when they come back.
    public func adopt(_ endpoints: [UpstreamEndpoint]) {
        self.assertOnLoop()
        for endpoint in endpoints where endpoint.tls {
            // Reads the authorities now, off the loop, so that the first request need not wait for it.
            _ = self.tls.context(caFile: endpoint.caFile, on: self.loop)
        }
        self.run(self.machine.adopt(endpoints))
    }

    /// Asks for a connection. The requester may be called back before this returns; it is retained until then.
    /// - Parameters:
    ///   - connectTimeout: for waiting and connecting together: name, TCP and TLS.
    ///   - fresh: only one that was never used, as after a stale pooled connection.
    public func acquire(
        _ endpoint: UpstreamEndpoint, connectTimeout: TimeSpan, fresh: Bool, for requester: any UpstreamRequester
    ) -> UpstreamTicket {
        self.assertOnLoop()
        let ticket = self.machine.makeTicket()
        if !fresh, let id = self.machine.takeIdle(of: endpoint) {
            self.lease(id, to: requester, reused: true)
            return ticket
        }
        self.waiting[ticket] = .init(requester: requester, endpoint: endpoint)
        self.run(self.machine.wait(ticket, for: endpoint, fresh: fresh, until: self.clock() + connectTimeout))
        return ticket
    }

    /// The ticket is not wanted any more; nobody is called back. Harmless when it has ended already.
    public func cancel(_ ticket: UpstreamTicket) {
        self.assertOnLoop()
        guard let waiting = self.waiting.removeValue(forKey: ticket) else { return }
        self.machine.cancel(ticket, of: waiting.endpoint)
    }

    /// Called by the loop every 100 ms or so: closes what was idle for too long, ends what took too long.
    public func tick(now: MonotonicTime) {
        self.assertOnLoop()
        self.now = now
        self.run(self.machine.tick(at: now))
    }

    /// The end: those who wait are refused with `draining`, idle connections close, leased ones when they come back.
    public func closeAll() {
        self.assertOnLoop()
        self.run(self.machine.closeAll())
    }

    /// Those of one endpoint. Walks over all endpoints of the pool: for gauges and tests.
    public func counts(of endpoint: UpstreamEndpoint) -> Counts { self.machine.counts { $0 == endpoint } }
    /// Those of all endpoints together.
    public var counts: Counts { self.machine.counts { _ in true } }

    // MARK: For connections

    func connectionReleased(_ connection: UpstreamConnection) {
        self.assertOnLoop()
        if self.machine.keep(released: connection.id, at: self.now) { return }
        self.run(self.machine.released(connection.id, at: self.now))
    }

    func connectionClosed(_ connection: UpstreamConnection) {
        self.assertOnLoop()
        self.forget(connection.id)
        self.run(self.machine.closed(connection.id))
    }

    /// In debug builds only.
    @inline(__always)
    private func assertOnLoop() { assert(self.loop.inEventLoop, "a pool belongs to its loop") }

    // MARK: Actions

    private func run(_ actions: PoolActions) {
        for action in actions {
            switch action {
            case .lease(let id, let ticket, let reused):
                // Without a requester it was cancelled by an earlier action of this very list.
                if let waiting = self.waiting.removeValue(forKey: ticket) {
                    self.lease(id, to: waiting.requester, reused: reused)
                } else {
                    self.run(self.machine.released(id, at: self.now))
                }
            case .connect(let id, let endpoint, let deadline):
                self.connect(id, endpoint, deadline)
            case .close(let id):
                self.attempts.removeValue(forKey: id)?.cancel()
                self.forget(id)?.closeForgotten()
            case .refuse(let ticket, let refusal):
                guard let waiting = self.waiting.removeValue(forKey: ticket) else { continue }
                waiting.requester.upstreamUnavailable(Self.error(refusal, waiting.endpoint))
            }
        }
    }

    private func lease(
        _ id: UpstreamPoolStateMachine.ConnectionID, to requester: any UpstreamRequester, reused: Bool
    ) {
        guard let connection = self.connections[id.index],
            always(connection.id == id, "the table of connections follows the machine")
        else { return }
        connection.becomeLeased()
        requester.upstreamAcquired(connection, reused: reused)
    }

    private func connect(
        _ id: UpstreamPoolStateMachine.ConnectionID, _ endpoint: UpstreamEndpoint, _ deadline: MonotonicTime
    ) {
        let limits = self.settings.headLimits
        let attempt = ConnectAttempt(
            loop: self.loop, endpoint: endpoint, deadline: deadline, dialer: self.dialer, now: self.clock,
            makeConnection: { UpstreamConnection(id: id, endpoint: endpoint, limits: limits, pool: self) },
            report: { self.connectEnded(id, $0) })
        self.attempts[id] = attempt
        attempt.start(resolver: self.resolver, tls: self.tls)
    }

    private func connectEnded(
        _ id: UpstreamPoolStateMachine.ConnectionID, _ result: Result<UpstreamConnection, ConnectFault>
    ) {
        guard self.attempts.removeValue(forKey: id) != nil else { return }
        switch result {
        case .success(let connection):
            while self.connections.count <= id.index { self.connections.append(nil) }
            self.connections[id.index] = connection
            self.run(self.machine.connected(id, at: self.now))
        case .failure(let fault):
            self.run(self.machine.connectFailed(id, reason: fault.detail))
        }
    }

    @discardableResult
    private func forget(_ id: UpstreamPoolStateMachine.ConnectionID) -> UpstreamConnection? {
        guard self.connections.indices.contains(id.index), let connection = self.connections[id.index],
            connection.id == id
        else { return nil }
        self.connections[id.index] = nil
        return connection
    }

    private static func error(
        _ refusal: UpstreamPoolStateMachine.Refusal, _ endpoint: UpstreamEndpoint
    ) -> GatewayError {
        switch refusal {
        case .queueFull: .init(.overloaded, detail: "too many wait for a connection to \(endpoint)")
        case .saturated: .init(.overloaded, detail: "all connections to \(endpoint) stayed busy")
        case .unreachable(let reason): .init(.upstreamUnreachable, detail: "\(endpoint): \(reason)")
        case .closed: .init(.draining, detail: "the pool is closed")
        }
    }
}

@available(*, unavailable)
extension UpstreamPool: Sendable {}

extension UpstreamPoolStateMachine {
    func counts(where matches: (UpstreamEndpoint) -> Bool) -> UpstreamPool.Counts {
        var counts = UpstreamPool.Counts()
        for (endpoint, place) in self.places where matches(endpoint) {
            counts.idle += self.entries[place].idle.count
            counts.connecting += self.entries[place].connecting.count
            counts.leased += self.entries[place].leased
            counts.waiting += self.entries[place].waiters.count
        }
        return counts
    }
}

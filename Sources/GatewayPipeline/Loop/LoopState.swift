import GatewayContract
import GatewayCore
import GatewayHTTP
import GatewayPolicy
import GatewayTelemetry
import GatewayUpstream
import GatewayWire
import NIOCore

/// Everything that one event loop owns: connections of both sides, tables, health, counters, log lines. Nothing of it
/// is shared, nothing is locked; whoever wants something of another loop sends it a message.
public final class LoopState: ExchangeFactory {
    /// The loop that all of this is only touched on.
    public let eventLoop: any EventLoop
    /// What it has in common with the other loops.
    public let shared: SharedState
    /// Of inbound connections and of exchanges; moved by `tick`, from the first `adopt` on.
    public let deadlines = DeadlineTable()
    /// Counters of this loop alone. A scrape copies them on the loop and merges the copies elsewhere.
    public let metrics: MetricsShard
    /// Connections to all providers.
    public let pool: UpstreamPool
    /// What its inbound connections share; `nil` until the first `adopt`, then the same for good.
    public private(set) var server: ServerLoop?
    var retryBudget = RetryBudget()
    /// Of a form that streams through, so many bytes are kept for another attempt.
    var replayBytesMax = 1 << 20
    private(set) var snapshot: LoopSnapshot?
    private let loopCount: Int
    private let accessLog: LogWriter
    private var fieldLines: FieldLines?
    private var logLines = LineBuffer()
    private var healthByName: [DeploymentName: HealthCell] = [:]
    private var random: UInt64
    private let clock: () -> MonotonicTime
    /// Sees every record, once, when it is written.
    var onRecord: ((UsageRecord) -> Void)?
    private var lastTick: MonotonicTime?
    private static let logBytesFlushed = 60 << 10

    /// Called on the loop, once, before the first connection.
    public convenience init(
        eventLoop: any EventLoop, shared: SharedState, resolver: NameResolver, tls: TLSContexts, accessLog: LogWriter,
        loopCount: Int
    ) {
        self.init(
            eventLoop: eventLoop, shared: shared, pool: UpstreamPool(loop: eventLoop, resolver: resolver, tls: tls),
            accessLog: accessLog, loopCount: loopCount, seed: .random(in: 1...UInt64.max), clock: MonotonicTime.now)
    }

    /// With connections, random numbers and a clock of the caller's choice: then a run can be repeated.
    /// - Parameter seed: not 0.
    init(
        eventLoop: any EventLoop, shared: SharedState, pool: UpstreamPool, accessLog: LogWriter, loopCount: Int,
        seed: UInt64, clock: @escaping () -> MonotonicTime
    ) {
        self.eventLoop = eventLoop
        self.shared = shared
        self.loopCount = loopCount
        self.accessLog = accessLog
        self.metrics = MetricsShard()
        self.pool = pool
        self.random = seed
        self.clock = clock
    }

    /// Takes over a new configuration. Running exchanges keep theirs; limits, health and pooled connections live on by
    /// name. Called on the loop.
    public func adopt(_ routing: RoutingSnapshot, keys: KeyTable) {
        let before = self.healthByName
        let cells = routing.deployments.map { before[$0.name] ?? HealthCell() }
        self.healthByName = Dictionary(zip(routing.deployments.map(\.name), cells)) { first, _ in first }
        let last = self.snapshot.flatMap { $0.keys.hasPepper(of: keys) ? $0.hasher : nil }
        let snapshot = LoopSnapshot(
            routing: routing, keys: keys, hasher: last ?? keys.makeHasher(), health: cells, loops: self.loopCount)
        self.snapshot = snapshot
        self.pool.adopt(snapshot.endpoints.compactMap { $0 })
        self.metrics.forgetDeployments(except: routing.deployments.map(\.name))
        for (name, cell) in self.healthByName { self.report(cell.health, of: name) }
        let limits = ConnectionLimits(routing.server.limits)
        if let server = self.server {
            server.limits = limits
        } else {
            self.server = ServerLoop(deadlines: self.deadlines, limits: limits, factory: self)
        }
    }

    // MARK: ExchangeFactory

    /// The exchange of one request. Called on the loop, when a head is whole or has failed.
    public func makeExchange(_ sink: DownstreamSink) -> any DownstreamExchange {
        Exchange(loop: self, sink: sink)
    }

    /// False from the start of the drain on, for good.
    public var acceptsMore: Bool { !self.shared.isDraining }

    // MARK: Ticks

    /// Timeouts, idle connections, log lines. The loop's ticker calls it every 100 ms.
    public func tick(at now: MonotonicTime) {
        if let last = self.lastTick {
            self.metrics.loopLagged(.init(nanoseconds: max(0, (now - last).nanoseconds - Self.tickSpan.nanoseconds)))
        }
        self.lastTick = now
        self.server?.tick(at: now, wall: .now())
        self.pool.tick(now: now)
        self.metrics.downstreamConnections = self.server?.connectionCount ?? 0
        self.flushLog()
    }

    /// How far ticks are apart when the loop keeps up, and so how late a deadline may come. What a tick is late beyond
    /// it is the loop's lag.
    public static let tickSpan = TimeSpan.milliseconds(100)

    /// Hands the gathered lines to the log's thread.
    public func flushLog() {
        guard self.logLines.lineCount > 0 else { return }
        self.accessLog.submit(&self.logLines)
    }

    /// Counts and logs a finished exchange. Changes nothing of the record: it is handed over in place, because a copy
    /// of one retains a dozen names.
    func write(_ record: inout UsageRecord) {
        self.metrics.record(record)
        self.onRecord?(record)
        guard !self.accessLog.isOff else { return }
        AccessLog.append(record, to: &self.logLines)
        if self.logLines.byteCount >= Self.logBytesFlushed { self.flushLog() }
    }

    // MARK: Time

    /// What exchanges take for the time: the monotonic clock, 40 ns.
    func now() -> MonotonicTime { self.clock() }

    // MARK: Health

    func updateHealth(_ cell: HealthCell, of name: DeploymentName, _ change: (inout DeploymentHealth) -> Void) {
        let before = cell.health
        change(&cell.health)
        // A deployment that a reload has removed is nobody's concern any more.
        guard cell.health.state != before.state, self.healthByName[name] === cell else { return }
        self.report(cell.health, of: name)
    }

    private func report(_ health: DeploymentHealth, of name: DeploymentName) {
        let level: DeploymentStateLevel =
            switch health.state {
            case .healthy: .healthy
            case .probing: .probing
            case .backingOff: .backingOff
            case .ejected: .ejected
            }
        self.metrics.setState(level, of: name)
    }

    // MARK: Buffers

    /// For a request to a provider; given back after the flush.
    func takeBuffer() -> ByteBuffer { self.server?.buffers.take() ?? ByteBuffer() }

    func giveBuffer(_ buffer: consuming ByteBuffer) { self.server?.buffers.give(buffer) }

    /// For the head of an answer; given back once it is written.
    func takeFieldLines() -> FieldLines {
        self.fieldLines.take() ?? FieldLines()
    }

    func giveFieldLines(_ lines: consuming FieldLines) {
        lines.removeAll()
        self.fieldLines = lines
    }

    // MARK: Randomness

    /// xorshift64* (Vigna 2016): good enough to spread load and to name requests, never for secrets.
    func nextRandom() -> UInt64 {
        self.random ^= self.random >> 12
        self.random ^= self.random << 25
        self.random ^= self.random >> 27
        return self.random &* 0x2545_f491_4f6c_dd1d
    }
}

/// From the configuration.
extension ConnectionLimits {
    /// The part of `server.limits` that one connection keeps. The bounds on bodies and those over the whole process are
    /// kept by `Exchange`, `SharedState` and `ConnectionLimit`.
    public init(_ limits: ServerLimits) {
        self.init(
            head: HeadLimits(bytesMax: limits.headBytesMax, fieldsMax: limits.headFieldsMax),
            idleTimeout: limits.idleTimeout, headTimeout: limits.headTimeout, bodyTimeout: limits.bodyTimeout)
    }
}

/// The health of one deployment as this loop sees it. It lives on over reloads, by the deployment's name.
final class HealthCell {
    var health = DeploymentHealth()
}

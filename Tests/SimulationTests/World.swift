import GatewayContract
import GatewayCore
import GatewayTelemetry
import GatewayTesting
import NIOCore
import NIOEmbedded
import Synchronization

@testable import GatewayPipeline
@testable import GatewayPolicy
@testable import GatewayUpstream

/// Simulated time. It moves only when the world says so.
final class WorldClock: Sendable {
    private let nanoseconds = Atomic<Int64>(1_000_000_000_000)

    var now: MonotonicTime { MonotonicTime(nanoseconds: self.nanoseconds.load(ordering: .relaxed)) }
    func advance(by span: TimeSpan) { self.nanoseconds.wrappingAdd(span.nanoseconds, ordering: .relaxed) }
}

/// Where the world takes a call out, to prove that the checks would see it.
enum Sabotage {
    case none
    /// As if the terminal transition did not settle its reservation.
    case settle
    /// As if an exchange that ends early did not let go of its connection.
    case lease
    /// As if the body that was held were not given back.
    case body
    /// As if a record were written twice.
    case record
}

/// One event loop of the gateway with everything around it simulated: clock, clients, providers, reloads. One seed is
/// one history. Real are exchange, admission, limiter, dispatcher, pool, connections, codec, relay and metering.
final class World {
    let seed: UInt64
    let sabotage: Sabotage
    var random: SeededRandom
    let clock = WorldClock()
    let loop = EmbeddedEventLoop()
    let network: Network
    let slab = LimitSlab(capacity: 16)
    let shared: SharedState
    let state: LoopState
    let keyGates: [(KeyName, GateCell)]
    let modelGate: GateCell?
    private(set) var endpoints: [UpstreamEndpoint] = []
    /// Those whose answer is not over, or whose last checks are due.
    var clients: [Client] = []
    var byTag: [String: Client] = [:]
    var variant = 0
    var generation: UInt64 = 0
    /// By generation.
    var variants: [UInt64: Int] = [:]
    var history: [String] = []
    var references = References()
    var violation: Violation?
    /// How often something of interest was reached.
    var tally: [String: Int] = [:]
    private var clientCount = 0
    private var tickDebt = TimeSpan.zero

    private static let resolver = NameResolver(threads: 1)
    private static let tls = TLSContexts()
    private static let pepper = [UInt8](repeating: 7, count: 32)
    private static let log = try? LogWriter(output: .off)

    init?(seed: UInt64, sabotage: Sabotage = .none) {
        guard let log = Self.log else { return nil }
        self.seed = seed
        self.sabotage = sabotage
        var random = SeededRandom(seed: seed)
        self.network = Network(loop: self.loop, random: SeededRandom(seed: random.next()))
        self.random = random
        self.shared = SharedState(limits: self.slab, pepper: Self.pepper)
        self.shared.setInFlightBytesMax(Landscape.inFlightBytesMax)
        var settings = UpstreamPool.Settings()
        settings.waitersMax = Landscape.waitersMax
        let clock = self.clock
        let pool = UpstreamPool(
            loop: self.loop, resolver: Self.resolver, tls: Self.tls, settings: settings, dialer: self.network.dialer,
            clock: { clock.now })
        self.modelGate = self.slab.cells(for: LimitSpec(concurrency: 1), ofModel: "tight")?.concurrency
        self.keyGates = Landscape.keys.compactMap { [slab] key in
            slab.cells(for: key.limits, ofKey: key.name)?.concurrency.map { (key.name, $0) }
        }
        self.state = LoopState(
            eventLoop: self.loop, shared: self.shared, pool: pool, accessLog: log, loopCount: 1,
            seed: random.next() | 1, clock: { clock.now })
        self.state.replayBytesMax = Landscape.replayBytesMax
        self.state.onRecord = { [unowned self] in self.recordWritten($0) }
        self.network.onRequest = { [unowned self] in self.requestArrived($0, body: $1, isWhole: $2) }
        self.network.onAnswer = { [unowned self] tag, answer in self.byTag[tag]?.answers.append(answer) }
        guard self.adopt(variant: 0) else { return nil }
    }

    private func adopt(variant: Int) -> Bool {
        self.variant = variant
        self.generation += 1
        self.variants[self.generation] = variant
        guard let routing = Landscape.snapshot(variant, generation: self.generation, limits: self.slab),
            let keys = try? KeyTable.compile(Landscape.keySpecs, pepper: Self.pepper, limits: self.slab).get()
        else { return false }
        self.state.adopt(routing, keys: keys)
        self.endpoints = self.state.snapshot?.endpoints.compactMap { $0 } ?? []
        return true
    }

    var now: MonotonicTime { self.clock.now }
    var live: [Client] { self.clients.filter(\.isLive) }

    // MARK: Running

    /// A whole history: random events, then quiet.
    /// - Returns: what was wrong first.
    func run(steps: Int) -> Violation? {
        for _ in 0..<steps where self.violation == nil { self.step() }
        if self.violation == nil, self.random.oneIn(6) { self.drain() }
        self.comeToRest()
        self.end()
        return self.violation
    }

    func step() {
        switch self.random.int(0...99) {
        case 0..<16: self.arrive()
        case 16..<36: self.act("sends on", self.clients.filter(\.isSending)) { $0.sendOn() }
        case 36..<70: self.actPeer("acts", self.network.busy) { $0.act() }
        case 70..<77: self.act("reads", self.clients.filter(\.isBehind)) { $0.read() }
        case 77..<80: self.act("leaves", self.live) { self.leave($0) }
        case 80: self.act("stalls", self.clients.filter(\.isSending)) { $0.stall() }
        case 81..<83: self.actPeer("closes idle", self.network.peers.filter(\.isIdle)) { $0.leave() }
        case 83: self.actPeer("stops reading", self.network.peers.filter(\.mayStall)) { $0.setStalled(true) }
        case 84..<86: self.actPeer("is doomed", self.network.peers.filter(\.isIdle)) { $0.doom() }
        case 86..<88: self.actPeer("closes in the middle", self.network.peers) { $0.leaveInTheMiddle() }
        case 88..<90: self.actPeer("reads on", self.network.peers.filter(\.isStalled)) { $0.setStalled(false) }
        case 90..<97: self.pass(.milliseconds(Int64(self.random.int(1...90))))
        case 97: self.jump(.milliseconds(Int64(self.random.int(300...7000))))
        case 98: self.reload()
        default: self.changeWeather()
        }
    }

    /// One event: it runs, then what it put off runs, then everything is checked.
    func event(_ text: @autoclosure () -> String, _ body: () -> Void) {
        guard self.violation == nil else { return }
        self.history.append(text())
        body()
        self.loop.run()
        self.sabotageReservations()
        self.check()
    }

    private func act(_ what: String, _ among: [Client], _ body: (Client) -> Void) {
        guard let client = among.randomElement(using: &self.random) else { return }
        self.event("\(client.tag) \(what)") { body(client) }
    }

    private func actPeer(_ what: String, _ among: [Peer], _ body: (Peer) -> Void) {
        guard let peer = among.randomElement(using: &self.random) else { return }
        self.event("\(peer.host) \(what)") { body(peer) }
    }

    private func arrive() {
        guard self.live.count < 10 else { return }
        self.clientCount += 1
        let client = Client(number: self.clientCount, generation: self.generation, random: &self.random)
        self.clients.append(client)
        self.byTag[client.tag] = client
        self.event("\(client.tag) asks for \(client.model) as \(client.key?.name.text ?? "nobody")") {
            client.connect(to: self.state)
        }
    }

    private func leave(_ client: Client) {
        if self.sabotage == .lease, case .connection = client.exchange?.call { client.exchange?.call = .none }
        client.leave()
    }

    /// Time passes with its ticks.
    private func pass(_ span: TimeSpan) {
        self.clock.advance(by: span)
        self.tickDebt = self.tickDebt + span
        self.event("\(span.milliseconds) ms pass") { self.loop.advanceTime(by: .nanoseconds(span.nanoseconds)) }
        guard self.tickDebt >= LoopState.tickSpan else { return }
        self.tick()
    }

    /// The process stood still: one tick for a long time.
    private func jump(_ span: TimeSpan) {
        self.clock.advance(by: span)
        self.event("the clock jumps by \(span.milliseconds) ms") {
            self.loop.advanceTime(by: .nanoseconds(span.nanoseconds))
        }
        self.tick()
    }

    private func tick() {
        self.tickDebt = .zero
        self.event("tick") {
            self.state.tick(at: self.now)
            self.references.lastTick = self.now
        }
    }

    private func reload() {
        let variant = self.random.int(0...(Landscape.variantCount - 1))
        self.event("reload of variant \(variant)") {
            if !self.adopt(variant: variant) { self.fail("configuration", "variant \(variant) does not compile") }
        }
    }

    private func changeWeather() {
        let hosts = ["192.0.2.1", "192.0.2.2", "192.0.2.9"]
        self.network.troubled = Set(hosts.filter { _ in self.random.oneIn(3) })
        self.history.append("troubled: \(self.network.troubled.sorted())")
    }

    // MARK: Quiet

    private func drain() {
        self.event("drain begins") { self.shared.startDraining() }
        for client in self.live where self.random.oneIn(2) {
            self.event("\(client.tag) is shut down") { client.shutDown() }
        }
    }

    /// Everybody goes on until nothing is left to do; within the timeouts every exchange has to end.
    private func comeToRest() {
        for _ in 0..<400 where !self.live.isEmpty && self.violation == nil {
            for client in self.clients.filter(\.isSending) { self.event("\(client.tag) sends on") { client.sendOn() } }
            for client in self.clients.filter(\.isBehind) { self.event("\(client.tag) reads") { client.read() } }
            for peer in self.network.busy where peer.canAct { self.event("\(peer.host) acts") { peer.act() } }
            self.pass(.milliseconds(300))
        }
        if let client = self.live.first { self.fail("liveness", "\(client.tag) has not ended") }
        self.jump(.seconds(61))
        self.tick()
    }

    private func end() {
        if self.violation == nil { self.checkAtRest() }
        self.state.pool.closeAll()
        self.loop.run()
        if self.violation == nil, self.network.open > 0 {
            self.fail("connections", "\(self.network.open) are open after the pool was closed")
        }
        self.state.onRecord = nil
    }

    // MARK: What is told

    private func recordWritten(_ record: UsageRecord) {
        guard let client = self.byTag[record.requestID] else {
            return self.fail("records", "a record of nobody: \(record.requestID)")
        }
        client.records.append(record)
        if self.sabotage == .record { client.records.append(record) }
    }

    private func requestArrived(_ tag: String, body: String, isWhole: Bool) {
        guard let client = self.byTag[tag], client.isLive else {
            return self.fail("cancellation", "a provider was asked for \(tag), which is over")
        }
        if client.status != nil { self.fail("retry", "a provider was asked for \(tag) after its first byte") }
        guard let form = client.form, isWhole else { return }
        if form.isFaulty { self.fail("upload", "a provider got the faulty form of \(tag) as a whole") }
        if !["a-large", "b-small"].contains(where: { form.sentOn(as: $0) == body }) {
            self.fail("upload", "a provider got another form than \(tag) has sent")
        }
    }

    private func sabotageReservations() {
        switch self.sabotage {
        case .settle: for client in self.live { client.exchange?.reservation = LimitReservation() }
        case .body: for client in self.live { client.exchange?.heldBytes = 0 }
        case .none, .lease, .record: break
        }
    }

    func fail(_ rule: String, _ detail: String) {
        guard self.violation == nil else { return }
        self.violation = Violation(
            seed: self.seed, rule: rule, detail: detail, event: self.history.count, history: self.history.suffix(25))
    }
}

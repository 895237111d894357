import GatewayCore
import GatewayHTTP
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import GatewayUpstream

/// What happened to one exchange, readable from the test's thread.
struct Transcript: Sendable {
    /// In order, repeated ones once: `acquired`, `reused`, `head 200`, `body`, `flush`, `end`, `failed upstreamReset`.
    var events: [String] = []
    var body: [UInt8] = []
    var bodyBytes = 0
    var fault: UpstreamFault?
    var error: GatewayError?
    /// Ends and failures: never more than one.
    var ends = 0
    /// Calls that came after the end.
    var late = 0

    var isOver: Bool { self.ends > 0 }
    func has(_ event: String) -> Bool { self.events.contains(event) }

    mutating func note(_ event: String) {
        if self.isOver { self.late += 1 }
        if self.events.last != event { self.events.append(event) }
    }
}

/// One exchange as the pipeline would drive it. Lives on the pool's loop.
final class TestExchange: UpstreamRequester, UpstreamResponder {
    let transcript: TestLog
    private let request: [String]
    private let finishes: Bool
    private let pausesAtHead: Bool
    private(set) var connection: UpstreamConnection?
    private(set) weak var connectionLast: UpstreamConnection?

    init(_ transcript: TestLog, request: [String], finishes: Bool, pausesAtHead: Bool) {
        self.transcript = transcript
        self.request = request
        self.finishes = finishes
        self.pausesAtHead = pausesAtHead
    }

    func upstreamAcquired(_ connection: UpstreamConnection, reused: Bool) {
        self.transcript.note(reused ? "reused" : "acquired")
        self.connection = connection
        self.connectionLast = connection
        connection.begin(self, requestIsHead: self.request.first?.hasPrefix("HEAD") ?? false)
        for piece in self.request { connection.write(ByteBuffer(string: piece)) }
        connection.flush()
        if self.finishes { connection.requestFinished() }
    }

    func upstreamUnavailable(_ error: GatewayError) {
        self.transcript.update { $0.error = error }
        self.over("unavailable \(error.code)")
    }

    func upstreamHead(_ head: ResponseHead) {
        self.transcript.note("head \(head.status)")
        if self.pausesAtHead { self.connection?.pauseReading() }
    }

    func upstreamBody(_ bytes: ByteBuffer) {
        self.transcript.note("body")
        self.transcript.update { transcript in
            transcript.bodyBytes += bytes.readableBytes
            if transcript.body.count < 4096 { transcript.body.append(contentsOf: bytes.readableBytesView) }
        }
    }

    func upstreamReadComplete() { self.transcript.note("flush") }

    func upstreamEnd() { self.over("end") }

    func upstreamFailed(_ fault: UpstreamFault) {
        self.transcript.update { $0.fault = fault }
        self.over("failed \(fault.code)")
    }

    func upstreamWritability(_ writable: Bool) { self.transcript.note(writable ? "writable" : "full") }

    private func over(_ event: String) {
        self.connection = nil
        self.transcript.note(event)
        self.transcript.update { $0.ends += 1 }
    }
}

final class TestLog: Sendable {
    private let transcript = Mutex(Transcript())

    var now: Transcript { self.transcript.withLock { $0 } }
    func note(_ event: String) { self.transcript.withLock { $0.note(event) } }
    func update(_ change: (inout Transcript) -> Void) { self.transcript.withLock { change(&$0) } }
}

/// A pool on a loop of its own, driven from a test.
final class PoolDriver: Sendable {
    private struct State {
        var pool: UpstreamPool
        var exchanges: [TestExchange] = []
        var seen: [Seen] = []
        var tickets: [UpstreamTicket] = []
    }

    /// What was there, without keeping it.
    private struct Seen {
        weak var exchange: TestExchange?
        weak var connection: UpstreamConnection?
    }

    let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let state: NIOLoopBoundBox<State>

    init(resolver: NameResolver = NameResolver(threads: 1), settings: UpstreamPool.Settings = .init()) async throws {
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let loop = self.group.next()
        self.loop = loop
        self.state = try await loop.submit {
            NIOLoopBoundBox(
                State(pool: UpstreamPool(loop: loop, resolver: resolver, tls: TLSContexts(), settings: settings)),
                eventLoop: loop)
        }.get()
    }

    func stop() async throws {
        try await self.run { $0.pool.closeAll() }
        try await self.group.shutdownGracefully()
    }

    func run<T: Sendable>(_ body: @escaping @Sendable (UpstreamPool) throws -> T) async throws -> T {
        try await self.run { try body($0.pool) }
    }

    private func run<T: Sendable>(_ body: @escaping @Sendable (inout State) throws -> T) async throws -> T {
        try await self.loop.submit { try body(&self.state.value) }.get()
    }

    func adopt(_ endpoints: UpstreamEndpoint...) async throws {
        try await self.run { (pool: UpstreamPool) in pool.adopt(endpoints) }
    }

    func counts() async throws -> UpstreamPool.Counts { try await self.run { (pool: UpstreamPool) in pool.counts } }

    /// Starts an exchange; its number is the order of starting.
    @discardableResult
    func start(
        _ endpoint: UpstreamEndpoint, request: [String] = [PoolDriver.get], finishes: Bool = true,
        pausesAtHead: Bool = false, fresh: Bool = false, connectTimeout: TimeSpan = .seconds(60)
    ) async throws -> TestLog {
        let log = TestLog()
        try await self.run { state in
            let exchange = TestExchange(log, request: request, finishes: finishes, pausesAtHead: pausesAtHead)
            state.exchanges.append(exchange)
            // The pool calls back through the exchange only, never into this box.
            state.tickets.append(
                state.pool.acquire(endpoint, connectTimeout: connectTimeout, fresh: fresh, for: exchange))
        }
        return log
    }

    /// Forgets all exchanges; the pool and its connections should, too.
    func dropFinished() async throws {
        try await self.run { state in
            state.seen += state.exchanges.map { Seen(exchange: $0, connection: $0.connectionLast) }
            state.exchanges = []
        }
    }

    /// Of what `dropFinished` forgot.
    func living() async throws -> (connections: Int, exchanges: Int) {
        try await self.run { state in
            (state.seen.count { $0.connection != nil }, state.seen.count { $0.exchange != nil })
        }
    }

    /// Starts one and waits for its end.
    func exchange(_ endpoint: UpstreamEndpoint, request: [String] = [PoolDriver.get]) async throws -> Transcript {
        let log = try await self.start(endpoint, request: request)
        try await eventually { log.now.isOver }
        return log.now
    }

    func cancel(_ number: Int) async throws { try await self.run { $0.pool.cancel($0.tickets[number]) } }

    /// Does something with the connection of an exchange that is not over.
    func with<T: Sendable>(
        _ number: Int, _ body: @escaping @Sendable (UpstreamConnection) -> T
    ) async throws -> T? {
        try await self.run { $0.exchanges[number].connection.map(body) }
    }

    static let get = "GET / HTTP/1.1\r\nhost: test\r\n\r\n"
    static let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
}

struct Late: Error {}

/// Waits for a condition; the deadline only bounds a failing test.
func eventually(
    _ condition: @Sendable () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("the condition did not come true", sourceLocation: sourceLocation)
            throw Late()
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}

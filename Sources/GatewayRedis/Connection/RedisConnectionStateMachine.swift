import GatewayCore

/// What a new connection says before anybody's command, in this order.
enum RedisGreetingStep: Hashable {
    case authenticate, selectDatabase, setName
    /// Last: a server that is loading, or a replica without its master, says so here.
    case ping

    static func steps(for settings: RedisSettings) -> [Self] {
        var steps: [Self] = []
        if settings.password != nil { steps.append(.authenticate) }
        if settings.database != 0 { steps.append(.selectDatabase) }
        if !settings.clientName.isEmpty { steps.append(.setName) }
        return steps + [.ping]
    }

    /// An ACL may forbid a name or a ping to a user who may run scripts.
    func tolerates(_ error: RedisErrorKind) -> Bool {
        switch self {
        case .authenticate, .selectDatabase: false
        case .setName: error != .noAuthentication
        case .ping: error == .noPermission
        }
    }
}

/// Where a connection stands, for health and metrics.
public enum RedisConnectionStatus: Hashable, Sendable {
    case stopped, connecting, authenticating, ready, backingOff
}

/// The life of a connection, over all its sockets, as a value: event in, action out.
///
/// stopped → connecting → authenticating → ready → backing off → connecting …, until `stop`. It knows time and
/// randomness only as they are given to it.
struct RedisConnectionStateMachine {
    private enum State {
        case stopped
        /// TCP and TLS.
        case connecting(deadline: MonotonicTime)
        case authenticating(deadline: MonotonicTime, answersLeft: Int)
        case ready(since: MonotonicTime)
        case backingOff(until: MonotonicTime)
    }

    enum Action: Hashable {
        case none
        /// Open a socket; its news come with this number.
        case dial(attempt: Int)
        case greet([RedisGreetingStep])
        case becomeReady
        /// Close the socket, fail what is outstanding; then look at `nextWake`.
        case drop
        /// This socket is nobody's: close it.
        case closeStray
    }

    private let settings: RedisSettings
    private var state = State.stopped
    /// Numbers the sockets: news of an old one count for nothing.
    private(set) var attempt = 0
    /// Sockets in a row that came to nothing.
    private var failuresInRow = 0
    private(set) var breaker: CircuitBreaker

    init(settings: RedisSettings) {
        self.settings = settings
        self.breaker = CircuitBreaker(failuresMax: settings.breakerFailures, span: settings.breakerSpan)
    }

    var status: RedisConnectionStatus {
        switch self.state {
        case .stopped: .stopped
        case .connecting: .connecting
        case .authenticating: .authenticating
        case .ready: .ready
        case .backingOff: .backingOff
        }
    }

    var isReady: Bool { if case .ready = self.state { true } else { false } }

    /// When `timePassed` has something to do.
    var nextWake: MonotonicTime? {
        switch self.state {
        case .connecting(let deadline), .authenticating(let deadline, _): deadline
        case .backingOff(let until): until
        case .stopped, .ready: nil
        }
    }

    // MARK: Events

    mutating func start(at now: MonotonicTime) -> Action {
        guard case .stopped = self.state else { return .none }
        self.failuresInRow = 0
        return self.dial(at: now)
    }

    mutating func stop() -> Action {
        if case .stopped = self.state { return .none }
        self.state = .stopped
        return .drop
    }

    /// The socket stands, TLS included.
    mutating func connected(attempt: Int) -> Action {
        guard attempt == self.attempt, case .connecting(let deadline) = self.state else { return .closeStray }
        let steps = RedisGreetingStep.steps(for: self.settings)
        self.state = .authenticating(deadline: deadline, answersLeft: steps.count)
        return .greet(steps)
    }

    /// The server has answered a step of the greeting.
    mutating func greeted(
        _ step: RedisGreetingStep, error: RedisErrorKind?, at now: MonotonicTime,
        random: inout some RandomNumberGenerator
    ) -> Action {
        guard case .authenticating(let deadline, let answersLeft) = self.state else { return .none }
        if let error, !step.tolerates(error) { return self.backOff(at: now, random: &random) }
        guard answersLeft <= 1 else {
            self.state = .authenticating(deadline: deadline, answersLeft: answersLeft - 1)
            return .none
        }
        self.state = .ready(since: now)
        self.breaker.serverAnswered()
        return .becomeReady
    }

    /// The socket could not be opened, has ended, or is to be given up.
    mutating func ended(
        attempt: Int, at now: MonotonicTime, random: inout some RandomNumberGenerator
    ) -> Action {
        guard attempt == self.attempt else { return .closeStray }
        switch self.state {
        case .stopped, .backingOff: return .none
        case .connecting, .authenticating: break
        case .ready(let since):
            // One failure, however many commands it takes along; also that of a probe.
            self.breaker.failed(isProbe: true, at: now)
            if since + self.settings.backoffMax <= now { self.failuresInRow = 0 }
        }
        return self.backOff(at: now, random: &random)
    }

    /// To be called at `nextWake`; earlier or later does no harm.
    mutating func timePassed(at now: MonotonicTime, random: inout some RandomNumberGenerator) -> Action {
        switch self.state {
        case .connecting(let deadline) where deadline <= now, .authenticating(let deadline, _) where deadline <= now:
            return self.backOff(at: now, random: &random)
        case .backingOff(let until) where until <= now:
            return self.dial(at: now)
        case .stopped, .connecting, .authenticating, .ready, .backingOff:
            return .none
        }
    }

    // MARK: Commands

    /// - Returns: why a command may not be sent now; else whether it is the breaker's probe.
    mutating func admit(at now: MonotonicTime) -> Result<Bool, RedisFault> {
        guard self.isReady else { return .failure(.notConnected) }
        return switch self.breaker.admit(at: now) {
        case .send: .success(false)
        case .sendAsProbe: .success(true)
        case .refuse: .failure(.breakerOpen)
        }
    }

    mutating func commandSucceeded(isProbe: Bool) {
        self.breaker.succeeded(isProbe: isProbe)
    }

    /// A timeout, or an answer that says that the server cannot serve.
    mutating func commandFailed(isProbe: Bool, at now: MonotonicTime) {
        self.breaker.failed(isProbe: isProbe, at: now)
    }

    // MARK: Steps

    private mutating func dial(at now: MonotonicTime) -> Action {
        self.attempt += 1
        self.state = .connecting(deadline: now + self.settings.connectTimeout)
        return .dial(attempt: self.attempt)
    }

    /// Exponential, with full jitter: any time up to the bound, so that many gateways do not come back together.
    private mutating func backOff(at now: MonotonicTime, random: inout some RandomNumberGenerator) -> Action {
        var bound = min(self.settings.backoffBase.nanoseconds, self.settings.backoffMax.nanoseconds)
        for _ in 0..<min(self.failuresInRow, 40) where bound < self.settings.backoffMax.nanoseconds {
            bound = min(clampedDouble(bound), self.settings.backoffMax.nanoseconds)
        }
        self.failuresInRow += 1
        let span = Int64.random(in: 0...max(0, bound), using: &random)
        self.state = .backingOff(until: now + .nanoseconds(span))
        return .drop
    }
}

private func clampedDouble(_ number: Int64) -> Int64 {
    let (double, overflow) = number.multipliedReportingOverflow(by: 2)
    return overflow ? .max : double
}

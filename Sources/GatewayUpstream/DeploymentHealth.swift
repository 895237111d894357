import GatewayCore

/// How an attempt at a deployment failed, as far as its health is concerned.
public enum HealthFailure: Sendable, Hashable {
    /// 429: it works, and asks for less.
    case rateLimited
    /// No connection, or it broke before or inside the answer.
    case connection
    /// 5xx.
    case serverError
    /// A deadline of DESIGN 13.8 passed.
    case timeout
    /// An answer that is no valid HTTP, or not what the endpoint answers with.
    case garbage
}

/// Whether a deployment should be chosen: a value that one loop owns, moved only by the times it is given.
///
/// It chooses between deployments and refuses nobody: when no other candidate is left, the attempt is made all the
/// same (DESIGN 13.9), and its outcome is reported here like any other. A loop learns only from its own attempts.
/// No call allocates; `isUsable` is one comparison.
public struct DeploymentHealth: Sendable, Hashable {
    /// How many failures in a row eject, and the bounds of the pauses.
    public struct Settings: Sendable, Hashable {
        /// 1 or more.
        public var ejectAfter: Int
        /// The pause after the first ejection; doubles with each further one in a row.
        public var ejectionFirst: TimeSpan
        /// Where that doubling ends.
        public var ejectionMax: TimeSpan
        /// After a 429 that says nothing about when to come back; doubles with each further one (pitfall B-19).
        public var backOffFirst: TimeSpan
        /// Where that doubling ends. A pause that the provider names is bounded by `RetryAfter.spanMax` instead.
        public var backOffMax: TimeSpan
        /// A probe that reports nothing for that long no longer keeps others away.
        public var probeMax: TimeSpan

        /// - Parameter ejectAfter: less than 1 counts as 1.
        public init(
            ejectAfter: Int = 5, ejectionFirst: TimeSpan = .seconds(1), ejectionMax: TimeSpan = .seconds(60),
            backOffFirst: TimeSpan = .seconds(1), backOffMax: TimeSpan = .seconds(60),
            probeMax: TimeSpan = .seconds(60)
        ) {
            self.ejectAfter = max(1, ejectAfter)
            self.ejectionFirst = ejectionFirst
            self.ejectionMax = ejectionMax
            self.backOffFirst = backOffFirst
            self.backOffMax = backOffMax
            self.probeMax = probeMax
        }
    }

    /// What is sent to a deployment, and what changes that.
    public enum State: Sendable, Hashable {
        /// Takes traffic.
        /// Leaves for `.backingOff` on a 429, for `.ejected` after `ejectAfter` other failures in a row.
        case healthy
        /// It answered 429: nothing is sent before `until` (pitfall O-6). From `until` on it takes traffic again.
        /// Leaves for `.healthy` with the first success at or after `until`, for `.ejected` after `ejectAfter` other
        /// failures in a row. A further 429 moves `until`, never to an earlier time.
        case backingOff(until: MonotonicTime)
        /// It failed too often in a row: nothing is sent before `until`, then one probe at a time.
        /// Leaves for `.probing` by `startProbe`, for `.healthy` on a success (of an attempt that had no other
        /// candidate), for `.backingOff` on a 429. Failures before `until` belong to older attempts and change nothing.
        case ejected(until: MonotonicTime)
        /// One attempt finds out whether it works again; others stay away until `until`.
        /// Leaves for `.healthy` on a success, for `.ejected` with twice the pause on a failure, for `.backingOff` on a
        /// 429, for `.ejected` with no further pause when the probe ends without a verdict.
        case probing(until: MonotonicTime)
    }

    /// For metrics and tests; choosing goes by `isUsable`. It moves with events only: a time that has passed stands on
    /// in it until the next one.
    public private(set) var state = State.healthy
    private let settings: Settings
    /// Failures in a row other than 429.
    private var failuresInRow = 0
    /// 429 in a row that named no time.
    private var vagueRefusalsInRow = 0
    /// Ejections in a row: the exponent of the next pause.
    private var ejectionsInRow = 0

    /// Healthy, with nothing known against it.
    public init(settings: Settings = .init()) {
        self.settings = settings
    }

    /// Whether a new attempt may be sent at `now` while there is another candidate.
    /// When it is true and `needsProbe` is too, the attempt is announced with `startProbe`.
    public func isUsable(at now: MonotonicTime) -> Bool {
        switch self.state {
        case .healthy: true
        case .backingOff(let until), .ejected(let until), .probing(let until): until <= now
        }
    }

    /// Whether an attempt made now is a probe.
    public var needsProbe: Bool {
        switch self.state {
        case .healthy, .backingOff: false
        case .ejected, .probing: true
        }
    }

    /// An attempt is about to be made. Keeps others away while the deployment is ejected; otherwise nothing happens.
    public mutating func startProbe(at now: MonotonicTime) {
        guard self.needsProbe else { return }
        self.state = .probing(until: now + self.settings.probeMax)
    }

    /// The attempt ended without saying anything about the deployment (the client left). The next one may probe.
    public mutating func abandonedProbe(at now: MonotonicTime) {
        guard case .probing = self.state else { return }
        self.state = .ejected(until: now)
    }

    /// An attempt got an answer that counts as one: any status but 429 and 5xx.
    public mutating func succeeded(at now: MonotonicTime) {
        self.failuresInRow = 0
        if case .backingOff(let until) = self.state, now < until { return }
        self.vagueRefusalsInRow = 0
        self.ejectionsInRow = 0
        self.state = .healthy
    }

    /// An attempt failed.
    /// - Parameter retryAfter: what `RetryAfter` read from a 429; ignored with other failures.
    public mutating func failed(_ failure: HealthFailure, retryAfter: TimeSpan? = nil, at now: MonotonicTime) {
        if failure == .rateLimited {
            self.refused(retryAfter: retryAfter, at: now)
        } else {
            self.broke(at: now)
        }
    }

    private mutating func refused(retryAfter: TimeSpan?, at now: MonotonicTime) {
        self.failuresInRow = 0
        let pause: TimeSpan
        if let retryAfter, .zero < retryAfter {
            self.vagueRefusalsInRow = 0
            pause = retryAfter
        } else {
            pause = Self.doubled(
                self.settings.backOffFirst, times: self.vagueRefusalsInRow, max: self.settings.backOffMax)
            self.vagueRefusalsInRow = min(self.vagueRefusalsInRow + 1, 32)
        }
        var until = now + pause
        if case .backingOff(let earlier) = self.state { until = max(earlier, until) }
        self.state = .backingOff(until: until)
    }

    private mutating func broke(at now: MonotonicTime) {
        switch self.state {
        case .ejected(let until) where now < until:
            break
        case .ejected, .probing:
            self.eject(at: now)
        case .healthy, .backingOff:
            self.failuresInRow += 1
            if self.failuresInRow >= self.settings.ejectAfter { self.eject(at: now) }
        }
    }

    private mutating func eject(at now: MonotonicTime) {
        let pause = Self.doubled(
            self.settings.ejectionFirst, times: self.ejectionsInRow, max: self.settings.ejectionMax)
        self.ejectionsInRow = min(self.ejectionsInRow + 1, 32)
        self.failuresInRow = 0
        self.state = .ejected(until: now + pause)
    }

    private static func doubled(_ first: TimeSpan, times: Int, max: TimeSpan) -> TimeSpan {
        let (product, overflow) = first.nanoseconds.multipliedReportingOverflow(by: Int64(1) << Int64(times))
        return overflow ? max : min(.nanoseconds(product), max)
    }
}

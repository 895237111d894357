import GatewayCore

/// Stops asking a server that fails: after some failures in a row nothing is sent for a span, then one command as a
/// probe, whose result decides. A value; only time it is given moves it.
struct CircuitBreaker {
    enum State: Hashable {
        case closed
        /// Nothing before this time.
        case open(until: MonotonicTime)
        /// The next command is the probe.
        case ready
        case probing
    }

    /// What may be done with a command.
    enum Verdict: Hashable {
        case send
        case sendAsProbe
        case refuse
    }

    let failuresMax: Int
    let span: TimeSpan
    private(set) var state = State.closed
    private(set) var failuresInRow = 0
    private(set) var openings = 0

    init(failuresMax: Int, span: TimeSpan) {
        self.failuresMax = max(1, failuresMax)
        self.span = span
    }

    /// Asked once per command; `sendAsProbe` is given to one at a time.
    mutating func admit(at now: MonotonicTime) -> Verdict {
        switch self.state {
        case .closed:
            return .send
        case .open(let until) where now < until:
            return .refuse
        case .open, .ready:
            self.state = .probing
            return .sendAsProbe
        case .probing:
            return .refuse
        }
    }

    /// While it is not closed only the probe counts: others were sent before.
    mutating func succeeded(isProbe: Bool) {
        switch self.state {
        case .closed: self.failuresInRow = 0
        case .probing where isProbe:
            self.state = .closed
            self.failuresInRow = 0
        case .probing, .open, .ready: break
        }
    }

    mutating func failed(isProbe: Bool, at now: MonotonicTime) {
        switch self.state {
        case .closed:
            self.failuresInRow += 1
            if self.failuresInRow >= self.failuresMax { self.open(at: now) }
        case .probing where isProbe:
            self.open(at: now)
        case .probing, .open, .ready: break
        }
    }

    /// A new connection has greeted the server: that is worth a probe at once.
    mutating func serverAnswered() {
        switch self.state {
        case .open, .probing: self.state = .ready
        case .closed, .ready: break
        }
    }

    private mutating func open(at now: MonotonicTime) {
        self.state = .open(until: now + self.span)
        self.openings += 1
    }
}

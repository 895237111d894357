import GatewayCore

/// A clock that moves only when told to.
public struct ManualClock: Sendable {
    /// What the code under test is told; only `advance` moves it.
    public private(set) var now: MonotonicTime

    /// - Parameter now: one second after zero unless a test wants another start, so that points before it exist.
    public init(at now: MonotonicTime = .init(nanoseconds: 1_000_000_000)) {
        self.now = now
    }

    /// - Parameter span: a negative one turns the clock back, as no real monotonic clock does.
    public mutating func advance(by span: TimeSpan) {
        self.now = self.now + span
    }
}

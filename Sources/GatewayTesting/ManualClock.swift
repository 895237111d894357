import GatewayCore

/// A clock that moves only when told to.
public struct ManualClock: Sendable {
    public private(set) var now: MonotonicTime

    public init(at now: MonotonicTime = .init(nanoseconds: 1_000_000_000)) {
        self.now = now
    }

    public mutating func advance(by span: TimeSpan) {
        self.now = self.now + span
    }
}

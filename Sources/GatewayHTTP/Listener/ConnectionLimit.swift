import Synchronization

/// How many inbound connections the process holds, over all loops and listeners.
public final class ConnectionLimit: Sendable {
    private let count = Atomic<Int>(0)
    private let peak = Atomic<Int>(0)
    private let max: Atomic<Int>

    /// - Parameter max: beyond it a client gets a bare 503 and a close, before a byte of it is read.
    public init(max: Int) {
        self.max = Atomic(max)
    }

    /// Open connections right now. May for an instant count one that is just being refused. Asked from any thread.
    public var current: Int { self.count.load(ordering: .relaxed) }

    /// Counts from the next connection on; what is open stays open.
    public func setMax(_ max: Int) {
        self.max.store(max, ordering: .relaxed)
    }

    /// - Returns: false when the limit is reached; nothing was then taken.
    func take() -> Bool {
        let taken = self.count.wrappingAdd(1, ordering: .relaxed).newValue
        if taken <= self.max.load(ordering: .relaxed) {
            self.peak.max(taken, ordering: .relaxed)
            return true
        }
        self.count.wrappingSubtract(1, ordering: .relaxed)
        return false
    }

    /// The most connections at one time since the last call, those of now included. One caller: `MemoryTrim`, every two
    /// seconds. A connection that comes during the call may count for this one or the next.
    public func takePeak() -> Int {
        let current = self.current
        return Swift.max(current, self.peak.exchange(current, ordering: .relaxed))
    }

    func giveBack() {
        self.count.wrappingSubtract(1, ordering: .relaxed)
    }
}

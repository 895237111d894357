import GatewayContract
import GatewayCore
import GatewayPolicy
import Synchronization

/// What every loop of the process shares: only atomics and immutable values, so that no loop waits for another.
public final class SharedState: Sendable {
    /// The counters of all limits. They live on over reloads.
    public let limits: LimitSlab
    /// Keys are hashed under it unless the configuration has a pepper; made at the start and never written down.
    public let pepper: [UInt8]
    private let inFlightBytes = Atomic<Int>(0)
    private let inFlightBytesMax = Atomic<Int>(1 << 30)
    private let exchanges = Atomic<Int>(0)
    private let streams = Atomic<Int>(0)
    private let draining = Atomic<Bool>(false)

    public init(limits: LimitSlab, pepper: [UInt8]) {
        self.limits = limits
        self.pepper = pepper
    }

    /// Once true it stays so: no new exchange is admitted and every answer says `connection: close`.
    public var isDraining: Bool { self.draining.load(ordering: .relaxed) }

    /// Called once, from the main thread, when the signal to end has come. Loops see it with their next request.
    public func startDraining() {
        self.draining.store(true, ordering: .relaxed)
    }

    /// Exchanges that have a head and no terminal transition yet.
    public var exchangeCount: Int { self.exchanges.load(ordering: .relaxed) }
    /// How many of them are answering with a stream.
    public var streamCount: Int { self.streams.load(ordering: .relaxed) }

    func exchangeBegan() { self.exchanges.wrappingAdd(1, ordering: .relaxed) }
    func exchangeEnded() { self.exchanges.wrappingSubtract(1, ordering: .relaxed) }
    func streamBegan() { self.streams.wrappingAdd(1, ordering: .relaxed) }
    func streamEnded() { self.streams.wrappingSubtract(1, ordering: .relaxed) }

    /// `ServerLimits.inFlightBytesMax`, at the start and with each reload, from any thread; 1 GiB before. What is held
    /// stays held: a lower bound only keeps more from coming.
    public func setInFlightBytesMax(_ count: Int) {
        self.inFlightBytesMax.store(count, ordering: .relaxed)
    }

    /// Request bytes that are held in memory right now.
    public var inFlightByteCount: Int { self.inFlightBytes.load(ordering: .relaxed) }

    /// - Returns: false when that many more bytes may not be held; nothing was then taken.
    func takeInFlight(_ count: Int) -> Bool {
        let taken = self.inFlightBytes.wrappingAdd(count, ordering: .relaxed).newValue
        if taken <= self.inFlightBytesMax.load(ordering: .relaxed) { return true }
        self.inFlightBytes.wrappingSubtract(count, ordering: .relaxed)
        return false
    }

    func giveBackInFlight(_ count: Int) {
        self.inFlightBytes.wrappingSubtract(count, ordering: .relaxed)
    }
}

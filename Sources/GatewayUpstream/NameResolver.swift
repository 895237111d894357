import GatewayCore
import NIOCore
import NIOPosix
import Synchronization

/// Names to addresses for all loops, with look-ups on threads of its own: no loop ever waits for a name server.
///
/// Answers come from memory whenever one is known, even an old one (see `AddressBook` for the exact rules). Connections
/// are made rarely, so the lock around the memory is off the hot path.
public final class NameResolver: Sendable {
    /// The addresses of a name in order of preference, or why there are none; an empty list counts as a failure.
    public typealias LookUp = @Sendable (String) -> Result<[IPAddress], ResolveFault>

    private let book = Mutex(AddressBook<EventLoopPromise<[IPAddress]>>())
    private let threads: NIOThreadPool
    private let lookUp: LookUp
    private let now: @Sendable () -> MonotonicTime

    /// - Parameter threads: look-ups that may be stuck before others have to wait.
    public convenience init(threads: Int = 4) {
        self.init(threads: threads, now: MonotonicTime.now, lookUp: { AddressLookup.addresses(of: $0) })
    }

    /// - Parameter lookUp: called on the resolver's threads; may block.
    public init(threads: Int = 4, now: @escaping @Sendable () -> MonotonicTime, lookUp: @escaping LookUp) {
        self.threads = NIOThreadPool(numberOfThreads: max(1, threads))
        self.threads.start()
        self.now = now
        self.lookUp = lookUp
    }

    deinit {
        // Threads that are stuck in a look-up end with it; nobody waits for them.
        self.threads.shutdownGracefully { _ in }
    }

    /// The addresses of `name`, in order of preference, at least one. Called on `loop`; the future belongs to it and
    /// fails with a `ResolveFault` only. It is complete at once for an IP address and for a name that is known.
    public func addresses(of name: String, on loop: any EventLoop) -> EventLoopFuture<[IPAddress]> {
        if let address = IPAddress(name) { return loop.makeSucceededFuture([address]) }
        let now = self.now()
        let (answer, future) = self.book.withLock { book -> (AddressBook<EventLoopPromise<[IPAddress]>>.Answer, _) in
            var waiting: EventLoopFuture<[IPAddress]>?
            func promise() -> EventLoopPromise<[IPAddress]> {
                let promise = loop.makePromise(of: [IPAddress].self)
                waiting = promise.futureResult
                return promise
            }
            let answer = book.ask(name, at: now, waiter: promise())
            return (answer, waiting)
        }
        switch answer {
        case .known(let addresses, let lookUp):
            if lookUp { self.start(name) }
            return loop.makeSucceededFuture(addresses)
        case .failed(let fault):
            return loop.makeFailedFuture(fault)
        case .waiting(let lookUp):
            if lookUp { self.start(name) }
            return future ?? loop.makeFailedFuture(ResolveFault(detail: "the look-up was lost"))
        }
    }

    private func start(_ name: String) {
        self.threads.submit { state in
            let result: Result<[IPAddress], ResolveFault>
            switch state {
            case .active: result = self.lookUp(name)
            case .cancelled: result = .failure(.init(detail: "the resolver has ended"))
            }
            let waiters = self.book.withLock { $0.learn(name, result, at: self.now()) }
            for waiter in waiters {
                switch result {
                case .success(let addresses) where !addresses.isEmpty: waiter.succeed(addresses)
                case .success: waiter.fail(ResolveFault(detail: "the name has no address"))
                case .failure(let fault): waiter.fail(fault)
                }
            }
        }
    }
}

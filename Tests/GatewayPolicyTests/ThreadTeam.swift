import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Real threads that begin at the same moment. Tasks will not do for contention: one may end before the next begins.
enum ThreadTeam {
    private final class Member: Sendable {
        let work: @Sendable () -> Void

        init(_ work: @escaping @Sendable () -> Void) {
            self.work = work
        }
    }

    private final class Start: Sendable {
        let arrived = Atomic<Int>(0)
    }

    /// Runs `body` on `size` threads and waits for all of them.
    /// - Parameter body: gets the thread's number.
    static func run(_ size: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let start = Start()
        let threads = (0..<size).map { number in
            self.spawn {
                start.arrived.add(1, ordering: .acquiringAndReleasing)
                while start.arrived.load(ordering: .acquiring) < size { sched_yield() }
                body(number)
            }
        }
        for thread in threads { pthread_join(thread, nil) }
    }

    private static func spawn(_ work: @escaping @Sendable () -> Void) -> pthread_t {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Member(work)).toOpaque()
        let status = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Member>.fromOpaque(context).takeRetainedValue().work() }
                return nil
            }, context)
        precondition(status == 0, "no thread")
        return thread
    }
}

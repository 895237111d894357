import GatewayHTTP
import NIOCore
import NIOPosix
import Synchronization

/// glibc's own, which its module map leaves out: hands free pages back to the system (malloc_trim(3)).
@_silgen_name("malloc_trim")
private func mallocTrim(_ pad: Int) -> Int32

/// Gives memory back to the system once a crowd of connections has left: the allocator keeps freed pages for reuse, and
/// without this a daemon would stay at the size of its busiest hour.
///
/// Off the loops, at most once per fall: only when fewer than a quarter of the most connections since the last time are
/// left, so that an even load never pays for it.
final class MemoryTrim: Sendable {
    /// Fewer connections than this are not worth the work.
    private static let crowdMin = 256
    private static let interval = TimeAmount.seconds(2)
    private let most = Atomic<Int>(0)

    /// Looks every two seconds, for as long as the loop lives.
    func start(on eventLoop: any EventLoop, connections: ConnectionLimit) {
        eventLoop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in
            self.look(connections.current, peak: connections.takePeak())
        }
    }

    /// - Parameter peak: since the last look: a crowd that came and left in between counts too.
    private func look(_ count: Int, peak: Int) {
        let most = max(self.most.load(ordering: .relaxed), peak)
        let isFall = most >= Self.crowdMin && count < most / 4
        self.most.store(isFall ? count : most, ordering: .relaxed)
        guard isFall else { return }
        NIOThreadPool.singleton.submit { state in
            guard case .active = state else { return }
            _ = mallocTrim(0)
        }
    }
}

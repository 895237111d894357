import GatewayCore
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Calls back when the files of a configuration have changed in content.
///
/// Its own thread sleeps on inotify of the files' folders, which sees atomic renames and symlink swaps, and looks at
/// the
/// files themselves every two seconds, which sees bind mounts and network file systems (pitfall O-3). What counts is
/// content: a touched file changes nothing.
public final class FileWatch: Sendable {
    /// How patient it is.
    public struct Timing: Sendable {
        /// Nothing may have happened for so long before it calls back, …
        public var quiet: TimeSpan
        /// … but it waits no longer than this.
        public var longest: TimeSpan
        /// Between two looks without any event.
        public var poll: TimeSpan

        /// The defaults are those of the daemon.
        public init(
            quiet: TimeSpan = .milliseconds(200), longest: TimeSpan = .seconds(2), poll: TimeSpan = .seconds(2)
        ) {
            self.quiet = quiet
            self.longest = longest
            self.poll = poll
        }
    }

    private let shared: FileWatchState

    /// - Parameters:
    ///   - watched: of the configuration that is in use: a change since it was read counts.
    ///   - changed: on the watch's thread; it may block, and it may call `update` and `stop`.
    /// - Returns: `nil` when the thread or its descriptors cannot be made.
    public init?(_ watched: WatchedSet, timing: Timing = Timing(), changed: @escaping @Sendable () -> Void) {
        guard let state = FileWatchState(watched, timing: timing, changed: changed) else { return nil }
        self.shared = state
        guard state.start() else { return nil }
    }

    /// Watches what another configuration was read from. Call it after each load, failed ones too: their files count.
    public func update(_ watched: WatchedSet) {
        self.shared.update(watched)
    }

    /// Ends the thread. No call comes back that has not begun; one that has may still run.
    public func stop() {
        self.shared.stop()
    }

    deinit {
        self.shared.stop()
    }
}

/// What the watch and its thread share.
private final class FileWatchState: Sendable {
    private struct Wanted {
        var watched: WatchedSet
        var isNew = true
        var isStopped = false
    }

    let timing: FileWatch.Timing
    let changed: @Sendable () -> Void
    private let wanted: Mutex<Wanted>
    /// A pipe that wakes the thread.
    private let wakeReader: Int32
    private let wakeWriter: Int32
    private let notify: Int32

    init?(_ watched: WatchedSet, timing: FileWatch.Timing, changed: @escaping @Sendable () -> Void) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        self.wakeReader = ends[0]
        self.wakeWriter = ends[1]
        // Without inotify the look every two seconds is left.
        self.notify = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        self.timing = timing
        self.changed = changed
        self.wanted = Mutex(Wanted(watched: watched))
    }

    deinit {
        close(self.wakeReader)
        close(self.wakeWriter)
        if self.notify >= 0 { close(self.notify) }
    }

    func start() -> Bool {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { pthread_attr_destroy(&attributes) }
        let failed = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<FileWatchState>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        if failed != 0 { box.release() }
        return failed == 0
    }

    func update(_ watched: WatchedSet) {
        self.wanted.withLock {
            $0.watched = watched
            $0.isNew = true
        }
        self.signal()
    }

    func stop() {
        self.wanted.withLock { $0.isStopped = true }
        self.signal()
    }

    private func signal() {
        // A full pipe wakes it just as well.
        var byte: UInt8 = 0
        _ = write(self.wakeWriter, &byte, 1)
    }

    // MARK: The thread

    private func run() {
        var round = WatchRound(notify: self.notify)
        while let wait = self.step(&round) {
            var descriptors = [pollfd(fd: self.wakeReader, events: Int16(POLLIN), revents: 0)]
            if self.notify >= 0 { descriptors.append(pollfd(fd: self.notify, events: Int16(POLLIN), revents: 0)) }
            _ = poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: max(1, wait.milliseconds)))
            var bytes = [UInt8](repeating: 0, count: 64)
            while read(self.wakeReader, &bytes, bytes.count) > 0 {}
            if round.drain() { round.note(at: .now()) }
        }
    }

    /// - Returns: how long to sleep; `nil`: for good.
    private func step(_ round: inout WatchRound) -> TimeSpan? {
        let (watched, isStopped) = self.wanted.withLock { wanted in
            defer { wanted.isNew = false }
            return (wanted.isNew ? wanted.watched : nil, wanted.isStopped)
        }
        if isStopped { return nil }
        let now = MonotonicTime.now()
        if let watched { round.adopt(watched, at: now) }
        if round.nextLook(self.timing) <= now {
            if round.stamps() { round.note(at: now) }
            round.lastLook = now
        }
        if let due = round.due(self.timing), due <= now {
            round.settle()
            if round.hasChanged() { self.changed() }
            return .zero
        }
        let next = round.due(self.timing).map { min($0, round.nextLook(self.timing)) } ?? round.nextLook(self.timing)
        return next - now
    }
}

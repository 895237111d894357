import GatewayCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What the watch's thread knows: the content it last reported, the marks of the files, and the events that wait.
struct WatchRound {
    private struct Stamp: Equatable {
        var seconds: Int
        var nanoseconds: Int
        var size: Int
        var inode: UInt64
        var device: UInt64

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            self.seconds = Int(status.st_mtim.tv_sec)
            self.nanoseconds = Int(status.st_mtim.tv_nsec)
            self.size = Int(status.st_size)
            self.inode = UInt64(status.st_ino)
            self.device = UInt64(status.st_dev)
        }
    }

    private let notify: Int32
    private var known = WatchedSet()
    private var marks: [String: Stamp?] = [:]
    private var descriptors: [String: Int32] = [:]
    private var firstEvent: MonotonicTime?
    private var lastEvent: MonotonicTime?
    var lastLook = MonotonicTime(nanoseconds: 0)

    init(notify: Int32) {
        self.notify = notify
    }

    // MARK: Time

    mutating func note(at now: MonotonicTime) {
        self.firstEvent = self.firstEvent ?? now
        self.lastEvent = now
    }

    /// When the events that wait have waited long enough; `nil` without any.
    func due(_ timing: FileWatch.Timing) -> MonotonicTime? {
        guard let first = self.firstEvent, let last = self.lastEvent else { return nil }
        return min(first + timing.longest, last + timing.quiet)
    }

    func nextLook(_ timing: FileWatch.Timing) -> MonotonicTime { self.lastLook + timing.poll }

    mutating func settle() {
        self.firstEvent = nil
        self.lastEvent = nil
    }

    // MARK: Files

    /// Begins to watch a set. What differs from it already counts as an event.
    mutating func adopt(_ watched: WatchedSet, at now: MonotonicTime) {
        self.known = watched
        self.marks = [:]
        _ = self.stamps()
        self.lastLook = now
        if self.content() != self.known { self.note(at: now) }
    }

    /// Looks at modification times, sizes and inodes, and renews the watches on folders that came back.
    ///
    /// - Returns: whether something differs from the last look.
    mutating func stamps() -> Bool {
        self.renewWatches()
        var marks: [String: Stamp?] = [:]
        for path in Array(self.known.files.keys) + Array(self.known.folders.keys) { marks[path] = .some(Stamp(path)) }
        defer { self.marks = marks }
        return marks != self.marks
    }

    /// Whether the content differs from what was last known; it is known from then on.
    mutating func hasChanged() -> Bool {
        self.renewWatches()
        let content = self.content()
        defer { self.known = content }
        return content != self.known
    }

    private func content() -> WatchedSet {
        let files = LocalFiles()
        var now = WatchedSet()
        for path in self.known.files.keys {
            let bytes = try? files.read(path, bytesMax: ConfigWalk.fileBytesMax)
            now.files[path] = .some(bytes.map { ContentHash($0) })
        }
        for path in self.known.folders.keys {
            now.folders[path] = WatchedSet.listed((try? files.list(path)) ?? [])
        }
        return now
    }

    // MARK: inotify

    private static let events = UInt32(
        IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB
    )

    /// One watch per folder that holds something watched. For a folder that is not there the nearest one above it.
    private mutating func renewWatches() {
        guard self.notify >= 0 else { return }
        var wanted: Set<String> = []
        for path in self.known.files.keys where path != "-" {
            wanted.insert(Self.existing(PathText.folder(of: path)))
            // The folder that a symlink leads into changes without the folder of the link.
            if let real = Self.real(path) { wanted.insert(PathText.folder(of: real)) }
        }
        for path in self.known.folders.keys {
            wanted.insert(Self.existing(path))
            wanted.insert(Self.existing(PathText.folder(of: path)))
        }
        // Adding a watch again gives the same descriptor while the folder is the same one.
        var fresh: [String: Int32] = [:]
        for folder in wanted {
            let descriptor = inotify_add_watch(self.notify, folder, Self.events)
            if descriptor >= 0 { fresh[folder] = descriptor }
        }
        let kept = Set(fresh.values)
        for (_, descriptor) in self.descriptors where !kept.contains(descriptor) {
            inotify_rm_watch(self.notify, descriptor)
        }
        self.descriptors = fresh
    }

    private static func existing(_ folder: String) -> String {
        var folder = folder
        var status = stat()
        while folder != ".", folder != "/", stat(folder, &status) != 0 { folder = PathText.folder(of: folder) }
        return folder
    }

    private static func real(_ path: String) -> String? {
        guard let pointer = realpath(path, nil) else { return nil }
        defer { free(pointer) }
        return String(cString: pointer)
    }

    /// Takes the events off the queue. Which ones they were does not matter: content decides.
    ///
    /// - Returns: whether there were any.
    func drain() -> Bool {
        guard self.notify >= 0 else { return false }
        var buffer = [UInt8](repeating: 0, count: 16384)
        var hadEvents = false
        while read(self.notify, &buffer, buffer.count) > 0 { hadEvents = true }
        return hadEvents
    }
}

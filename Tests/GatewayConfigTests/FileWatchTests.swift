import GatewayCore
import Glibc
import Synchronization
import Testing

@testable import GatewayConfig

/// Each test waits for a call, never for a time: the deadline only ends a test that has failed.
@Suite struct FileWatchTests {
    /// Counts calls of a watch, and lets a test wait for one.
    private final class Calls: Sendable {
        private let count = Mutex(0)

        func add() { self.count.withLock { $0 += 1 } }
        var value: Int { self.count.withLock { $0 } }

        func reaches(_ wanted: Int) -> Bool {
            let deadline: MonotonicTime = MonotonicTime.now() + TimeSpan.seconds(20)
            while self.value < wanted {
                if deadline < .now() { return false }
                usleep(2000)
            }
            return true
        }
    }

    /// A folder of its own, gone afterwards.
    private final class Folder: Sendable {
        let path: String

        init() {
            var template = Array("/tmp/penstock-watch-XXXXXX".utf8CString)
            self.path = mkdtemp(&template).map { String(cString: $0) } ?? "/nowhere"
            _ = mkdir("\(self.path)/routes", 0o700)
            self.write("gateway.yaml", "version: 1\nproviders: { openai: { api_key: \"${file:key}\" } }\n")
            self.write("key", "sk-test-1")
        }

        func write(_ name: String, _ text: String) { TestFiles.write("\(self.path)/\(name)", text) }

        /// As an editor does: a new file takes the old one's name.
        func replace(_ name: String, _ text: String) {
            self.write("\(name).new", text)
            rename("\(self.path)/\(name).new", "\(self.path)/\(name)")
        }

        func load() -> WatchedSet { ConfigLoader(environment: [:]).load(path: "\(self.path)/gateway.yaml").watched }

        deinit { Self.delete(self.path) }

        /// A link is deleted, never followed.
        private static func delete(_ path: String) {
            guard unlink(path) != 0 else { return }
            for name in (try? LocalFiles().list(path)) ?? [] { self.delete("\(path)/\(name)") }
            rmdir(path)
        }
    }

    private static let quick = FileWatch.Timing(
        quiet: .milliseconds(5), longest: .milliseconds(50), poll: .milliseconds(30))
    /// So slow a poll that only inotify can be the cause.
    private static let eventsOnly = FileWatch.Timing(
        quiet: .milliseconds(5), longest: .milliseconds(50), poll: .minutes(60))

    private func watch(_ folder: Folder, _ timing: FileWatch.Timing, _ calls: Calls) throws -> FileWatch {
        try #require(FileWatch(folder.load(), timing: timing) { calls.add() })
    }

    @Test(arguments: [true, false])
    func changesAreSeen(byEventsOnly: Bool) throws {
        let (folder, calls) = (Folder(), Calls())
        let watch = try self.watch(folder, byEventsOnly ? Self.eventsOnly : Self.quick, calls)
        defer { watch.stop() }
        // What the set was read from is older than the watch: the change counts however early it comes.
        folder.write("gateway.yaml", "version: 1\n# changed\n")
        #expect(calls.reaches(1))
        watch.update(folder.load())
        folder.replace("gateway.yaml", "version: 1\n# replaced\n")
        #expect(calls.reaches(2))
    }

    /// Guarantee (O-2): secret files and new route files count.
    @Test func secretsAndNewRoutesAreSeen() throws {
        let (folder, calls) = (Folder(), Calls())
        let watch = try self.watch(folder, Self.eventsOnly, calls)
        defer { watch.stop() }
        folder.replace("key", "sk-test-2")
        #expect(calls.reaches(1))
        folder.write("routes/new.yaml", "route: x\n")
        #expect(calls.reaches(2))
    }

    /// Guarantee (O-3): the symlink swap by which Kubernetes updates a ConfigMap is seen.
    @Test func configMapSwapsAreSeen() throws {
        let (folder, calls) = (Folder(), Calls())
        for version in ["1", "2"] {
            _ = mkdir("\(folder.path)/..\(version)", 0o700)
            folder.write("..\(version)/gateway.yaml", "version: 1\n# \(version)\n")
        }
        symlink("..1", "\(folder.path)/..data")
        unlink("\(folder.path)/gateway.yaml")
        symlink("..data/gateway.yaml", "\(folder.path)/gateway.yaml")
        let watch = try self.watch(folder, Self.eventsOnly, calls)
        defer { watch.stop() }
        symlink("..2", "\(folder.path)/..data_tmp")
        rename("\(folder.path)/..data_tmp", "\(folder.path)/..data")
        #expect(calls.reaches(1))
    }

    @Test func foldersThatGoAndComeBackAreSeen() throws {
        let (folder, calls) = (Folder(), Calls())
        folder.write("routes/a.yaml", "route: x\n")
        let watch = try self.watch(folder, Self.quick, calls)
        defer { watch.stop() }
        unlink("\(folder.path)/routes/a.yaml")
        rmdir("\(folder.path)/routes")
        #expect(calls.reaches(1))
        let before = calls.value
        _ = mkdir("\(folder.path)/routes", 0o700)
        folder.write("routes/b.yaml", "route: y\n")
        #expect(calls.reaches(before + 1))
    }

    /// Guarantee: what counts is content. A touched or rewritten file calls nobody; the next change does, once.
    @Test func sameContentIsNoChange() throws {
        let (folder, calls) = (Folder(), Calls())
        let watch = try self.watch(folder, Self.eventsOnly, calls)
        defer { watch.stop() }
        folder.replace("key", "sk-test-1")
        folder.write("unrelated.txt", "x")
        folder.replace("key", "sk-test-2")
        #expect(calls.reaches(1))
        #expect(calls.value == 1)
    }

    @Test func aStoppedWatchIsSilent() throws {
        let (folder, calls) = (Folder(), Calls())
        let watch = try self.watch(folder, Self.quick, calls)
        watch.stop()
        let other = Calls()
        let second = try self.watch(folder, Self.quick, other)
        defer { second.stop() }
        folder.replace("key", "sk-test-3")
        #expect(other.reaches(1))
        #expect(calls.value == 0)
    }

    /// Guarantee: events are waited out: until it is quiet, but not longer than the bound.
    @Test func debounceIsBounded() {
        var round = WatchRound(notify: -1)
        let timing = FileWatch.Timing()
        let start = MonotonicTime(nanoseconds: 0)
        #expect(round.due(timing) == nil)
        round.note(at: start)
        #expect(round.due(timing) == start + .milliseconds(200))
        round.note(at: start + .milliseconds(150))
        #expect(round.due(timing) == start + .milliseconds(350))
        for step in 2..<30 { round.note(at: start + .milliseconds(Int64(step) * 100)) }
        #expect(round.due(timing) == start + .seconds(2))
        round.settle()
        #expect(round.due(timing) == nil)
    }
}

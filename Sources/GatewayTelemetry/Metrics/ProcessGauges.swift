import GatewayCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What the system says of this process. What it does not tell is `nil` and is left out of the exposition.
public struct ProcessGauges: Sendable, Equatable {
    /// User and system time since the start.
    public var cpu: TimeSpan?
    /// Resident memory.
    public var residentBytes: Int64?
    /// Virtual memory.
    public var virtualBytes: Int64?
    /// Open file descriptors.
    public var filesOpen: Int64?
    /// The soft limit on file descriptors; `nil` when there is none.
    public var filesMax: Int64?
    /// When the process was started, to a hundredth of a second.
    public var startedAt: WallTime?

    /// Nothing known.
    public init() {}

    /// Reads `/proc/self` (proc(5)): a handful of small reads of kernel memory, about 0.1 ms. Per scrape, on the
    /// admin's loop.
    public static func read() -> ProcessGauges {
        var gauges = ProcessGauges()
        var time = timespec()
        if clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 {
            gauges.cpu = .init(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
        }
        if let pages = Self.file("/proc/self/statm") {
            let counts = pages.split(separator: " ").prefix(2).compactMap { Int64($0) }
            let size = Int64(sysconf(Int32(_SC_PAGESIZE)))
            if counts.count == 2 {
                gauges.virtualBytes = counts[0] &* size
                gauges.residentBytes = counts[1] &* size
            }
        }
        gauges.filesOpen = Self.entryCount("/proc/self/fd")
        gauges.filesMax = Self.file("/proc/self/limits").flatMap(Self.filesMax(inLimits:))
        if let own = Self.file("/proc/self/stat"), let system = Self.file("/proc/stat") {
            gauges.startedAt = Self.startedAt(
                own: own, system: system, ticksPerSecond: Int64(sysconf(Int32(_SC_CLK_TCK))))
        }
        return gauges
    }

    /// The soft limit in the text of `/proc/self/limits`.
    static func filesMax(inLimits text: String) -> Int64? {
        let prefix = "Max open files"
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }) else { return nil }
        return line.dropFirst(prefix.count).split(separator: " ").first.flatMap { Int64($0) }
    }

    /// Field 22 of `/proc/self/stat` counts clock ticks from the boot, whose time stands in `/proc/stat`. The second
    /// field is the program's name and may hold anything: counting starts after its last parenthesis.
    static func startedAt(own: String, system: String, ticksPerSecond: Int64) -> WallTime? {
        guard ticksPerSecond > 0, let nameEnd = own.lastIndex(of: ")"),
            let boot = system.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }),
            let bootSeconds = Int64(boot.dropFirst(6))
        else { return nil }
        let fields = own[own.index(after: nameEnd)...].split(separator: " ")
        guard fields.count > 19, let ticks = Int64(fields[19]) else { return nil }
        let rest = ticks % ticksPerSecond &* 1_000_000_000 / ticksPerSecond
        return .init(nanoseconds: (bootSeconds &+ ticks / ticksPerSecond) &* 1_000_000_000 &+ rest)
    }

    private static func file(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while text.count < 1 << 20 {
            let count = chunk.withUnsafeMutableBytes { Self.systemRead(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            text.append(contentsOf: chunk[..<count])
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func systemRead(_ descriptor: Int32, _ base: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
        Glibc.read(descriptor, base, count)
        #elseif canImport(Musl)
        Musl.read(descriptor, base, count)
        #else
        Darwin.read(descriptor, base, count)
        #endif
    }

    /// Entries of a directory, without `.`, `..` and the descriptor that reads it.
    private static func entryCount(_ path: String) -> Int64? {
        guard let directory = opendir(path) else { return nil }
        defer { closedir(directory) }
        var count: Int64 = 0
        while readdir(directory) != nil { count += 1 }
        return max(0, count - 3)
    }
}

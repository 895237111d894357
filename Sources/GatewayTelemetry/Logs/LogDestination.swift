import GatewayContract

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// An open file descriptor that log lines go to. Owned by the writer's thread once it is adopted.
struct LogDestination: Sendable {
    /// What a write did.
    enum Outcome: Equatable {
        case written
        /// That many bytes went out before it failed or was given up; `errorNumber` 0 means given up.
        case failed(written: Int, errorNumber: Int32)
    }

    let output: AccessLogSettings.Output
    /// Below 0: lines go nowhere.
    private let descriptor: Int32
    /// Pipes and terminals may block beyond what one atomic write takes, so they get small pieces after a `poll`.
    private let pieceBytesMax: Int

    private init(output: AccessLogSettings.Output, descriptor: Int32) {
        self.output = output
        self.descriptor = descriptor
        var status = stat()
        let isFile = descriptor >= 0 && fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        self.pieceBytesMax = isFile ? 1 << 20 : 4096
    }

    /// A FIFO without a reader is a failure, not a wait.
    static func open(_ output: AccessLogSettings.Output) throws(LogWriterFault) -> LogDestination {
        switch output {
        case .stdout: return .init(output: output, descriptor: STDOUT_FILENO)
        case .stderr: return .init(output: output, descriptor: STDERR_FILENO)
        case .off: return .init(output: output, descriptor: -1)
        case .file(let path):
            let descriptor = Self.openFile(path)
            guard descriptor >= 0 else { throw LogWriterFault(destination: path, errorNumber: errno) }
            return .init(output: output, descriptor: descriptor)
        }
    }

    private static func openFile(_ path: String) -> Int32 {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK
        #if canImport(Glibc)
        return Glibc.open(path, flags, 0o640)
        #elseif canImport(Musl)
        return Musl.open(path, flags, 0o640)
        #else
        return Darwin.open(path, flags, 0o640)
        #endif
    }

    var name: String {
        switch self.output {
        case .stdout: "stdout"
        case .stderr: "stderr"
        case .off: "off"
        case .file(let path): path
        }
    }

    /// Only files are closed; the standard streams belong to the process.
    func closeFile() {
        guard case .file = self.output, self.descriptor >= 0 else { return }
        close(self.descriptor)
    }

    /// Writes all of it. - Parameter isGivenUp: asked about ten times a second while the destination takes nothing.
    func write(_ bytes: UnsafeRawBufferPointer, isGivenUp: () -> Bool) -> Outcome {
        guard self.descriptor >= 0, let base = bytes.baseAddress else { return .written }
        var done = 0
        while done < bytes.count {
            var watched = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&watched, 1, 100) != 0 else {
                if isGivenUp() { return .failed(written: done, errorNumber: 0) }
                continue
            }
            let count = Self.systemWrite(self.descriptor, base + done, min(bytes.count - done, self.pieceBytesMax))
            if count >= 0 {
                done += count
            } else if errno != EINTR && errno != EAGAIN {
                return .failed(written: done, errorNumber: errno)
            } else if isGivenUp() {
                return .failed(written: done, errorNumber: 0)
            }
        }
        return .written
    }

    private static func systemWrite(_ descriptor: Int32, _ base: UnsafeRawPointer, _ count: Int) -> Int {
        #if canImport(Glibc)
        Glibc.write(descriptor, base, count)
        #elseif canImport(Musl)
        Musl.write(descriptor, base, count)
        #else
        Darwin.write(descriptor, base, count)
        #endif
    }
}

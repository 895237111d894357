import GatewayContract
import GatewayCore
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Why a log's destination could not be opened or written to.
public struct LogWriterFault: Error, Sendable, Equatable {
    /// The file, or `stdout` or `stderr`.
    public let destination: String
    /// `errno` of the system call that failed.
    public let errorNumber: Int32
}

/// Hands log lines to a thread of its own, which writes them. Bounded: what does not fit is dropped and counted.
///
/// Any thread may call everything here. Only `flush`, `close` and the opening of a file wait for anything outside.
public final class LogWriter: Sendable {
    /// Bytes that may wait to be written.
    public static let pendingBytesMaxDefault = 8 << 20

    private let thread: LogWriterThread
    private let off: Atomic<Bool>

    /// Opens the destination and starts the thread. Files are appended to and made with mode 0640.
    public init(
        output: AccessLogSettings.Output, pendingBytesMax: Int = LogWriter.pendingBytesMaxDefault
    ) throws(LogWriterFault) {
        let destination = try LogDestination.open(output)
        self.off = .init(output == .off)
        self.thread = .init(destination, pendingBytesMax: pendingBytesMax)
        self.thread.start()
    }

    deinit {
        self.thread.stop()
    }

    /// Whether lines go nowhere: then there is no need to make them.
    public var isOff: Bool { self.off.load(ordering: .relaxed) }

    /// Takes the lines and empties the buffer. Copies them under a lock that is held for nothing but such copies, and
    /// wakes the thread at most about a hundred times a second. Gather the lines of one loop tick into one call.
    public func submit(_ lines: inout LineBuffer) {
        if !self.isOff, lines.byteCount > 0 {
            let count = lines.lineCount
            lines.withUnsafeBytes { self.thread.submit($0, count: count) }
        }
        lines.removeAll()
    }

    /// Takes whole lines, each with its line feed.
    /// - Parameter count: how many lines; it is what `droppedLines` grows by if they do not fit.
    func submit(_ lines: [UInt8], count: Int = 1) {
        guard !self.isOff, !lines.isEmpty else { return }
        lines.withUnsafeBytes { self.thread.submit($0, count: count) }
    }

    /// Lines lost so far: no room, or a destination that failed.
    public var droppedLines: UInt64 { self.thread.droppedLines }

    /// The last failure of the destination; `nil` once writing works again.
    public var fault: LogWriterFault? { self.thread.fault }

    /// Waits until everything submitted before has been handed to the system.
    /// - Returns: whether it was, within the span.
    public func flush(within span: TimeSpan) -> Bool { self.thread.flush(within: span) }

    /// Opens the same file again by its path, as after a rotation (SIGHUP). If that fails the old one stays; see
    /// `fault`.
    public func reopen() { self.thread.reopen() }

    /// Sends what is submitted from now on elsewhere, after what waits. On failure nothing changes.
    public func redirect(to output: AccessLogSettings.Output) throws(LogWriterFault) {
        self.thread.adopt(try LogDestination.open(output))
        self.off.store(output == .off, ordering: .relaxed)
    }

    /// Writes what waits and ends the thread. Later lines are dropped and counted.
    /// - Returns: whether everything was written within the span; what was not is dropped.
    public func close(within span: TimeSpan) -> Bool {
        let isWritten = self.thread.flush(within: span)
        self.thread.stop()
        return isWritten
    }
}

extension LogWriterFault: CustomStringConvertible {
    /// For people: what could not be written to, and why.
    public var description: String {
        "cannot write the log to \(self.destination): \(String(cString: strerror(self.errorNumber)))"
    }
}

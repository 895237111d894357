import GatewayContract
import GatewayCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The writing half of a `LogWriter`: what waits, and the thread that writes it.
///
/// The thread sleeps until the first line comes, writes, and then lingers a moment before it looks again, so that busy
/// submitters need not wake it.
// SAFETY: every stored variable is read and written only while `lock` is held, but `destination` and `endsInsideLine`,
// which only the thread touches after `start`.
final class LogWriterThread: @unchecked Sendable {
    private static let lingerNanoseconds: Int64 = 10_000_000
    /// So much waiting work ends the lingering early.
    private static let eagerBytes = 256 << 10

    private let pendingBytesMax: Int
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let work: UnsafeMutablePointer<pthread_cond_t>
    private let done: UnsafeMutablePointer<pthread_cond_t>

    private var pending: [UInt8] = []
    private var inFlightBytes = 0
    /// The thread has taken work and is not done with it: a reopening without bytes counts too.
    private var isBusy = false
    private var dropped: UInt64 = 0
    private var lastFault: LogWriterFault?
    private var isAsleep = false
    private var flusherCount = 0
    private var isReopenWanted = false
    private var isStopping = false
    private var isEnded = false
    private var successor: LogDestination?
    /// How much of `pending` was submitted before the successor was named, and still goes to the old destination.
    private var pendingBeforeSuccessor = 0

    private var destination: LogDestination
    private var endsInsideLine = false

    init(_ destination: LogDestination, pendingBytesMax: Int) {
        self.destination = destination
        self.pendingBytesMax = pendingBytesMax
        self.lock = .allocate(capacity: 1)
        self.work = .allocate(capacity: 1)
        self.done = .allocate(capacity: 1)
        pthread_mutex_init(self.lock, nil)
        Self.initialize(self.work)
        Self.initialize(self.done)
    }

    /// Runs when neither the writer nor the thread holds it any more.
    deinit {
        pthread_cond_destroy(self.done)
        pthread_cond_destroy(self.work)
        pthread_mutex_destroy(self.lock)
        self.done.deallocate()
        self.work.deallocate()
        self.lock.deallocate()
    }

    func start() {
        #if canImport(Darwin)
        var thread: pthread_t?
        #else
        var thread = pthread_t()
        #endif
        let held = Unmanaged.passRetained(self)
        let result = pthread_create(&thread, nil, logWriterThreadMain, held.toOpaque())
        guard result == 0 else {
            held.release()
            self.locked {
                self.isEnded = true
                self.lastFault = .init(destination: self.destination.name, errorNumber: result)
            }
            return
        }
        #if canImport(Darwin)
        if let thread { pthread_detach(thread) }
        #else
        pthread_detach(thread)
        #endif
    }

    var droppedLines: UInt64 { self.locked { self.dropped } }
    var fault: LogWriterFault? { self.locked { self.lastFault } }

    func submit(_ lines: UnsafeRawBufferPointer, count: Int) {
        self.locked {
            guard !self.isStopping, !self.isEnded,
                lines.count <= self.pendingBytesMax - self.pending.count - self.inFlightBytes
            else {
                self.dropped &+= UInt64(max(0, count))
                return
            }
            self.pending.append(contentsOf: lines)
            let isEager = self.pending.count >= Self.eagerBytes && self.pending.count - lines.count < Self.eagerBytes
            if self.isAsleep || isEager { pthread_cond_signal(self.work) }
        }
    }

    func reopen() {
        self.locked {
            self.isReopenWanted = true
            pthread_cond_signal(self.work)
        }
    }

    func adopt(_ destination: LogDestination) {
        self.locked {
            if let replaced = self.successor {
                replaced.closeFile()
            } else {
                self.pendingBeforeSuccessor = self.pending.count
            }
            self.successor = destination
            self.isReopenWanted = false
            pthread_cond_signal(self.work)
        }
    }

    /// The thread ends once it has written what waits; a destination that takes nothing is given up.
    func stop() {
        self.locked {
            self.isStopping = true
            pthread_cond_signal(self.work)
        }
    }

    func flush(within span: TimeSpan) -> Bool {
        let deadline = MonotonicTime.now() + span
        return self.locked {
            self.flusherCount += 1
            defer { self.flusherCount -= 1 }
            pthread_cond_signal(self.work)
            while !self.isIdle, !self.isEnded, MonotonicTime.now() < deadline {
                self.wait(on: self.done, until: deadline)
            }
            return self.isIdle
        }
    }

    private var isIdle: Bool {
        self.pending.isEmpty && !self.isBusy && self.successor == nil && !self.isReopenWanted
    }

    // MARK: On the thread

    fileprivate func run() {
        var batch: [UInt8] = []
        while let command = self.takeWork(&batch) {
            let outcome = batch.withUnsafeBytes { self.write($0) }
            let change = self.change(command)
            self.finish(&batch, outcome, change)
        }
        self.destination.closeFile()
    }

    /// What to do with the destination once the batch is out.
    private enum Command {
        case nothing, reopen
        case adopt(LogDestination)
    }

    /// Waits for work. `nil`: everything is written and the thread is to end.
    private func takeWork(_ batch: inout [UInt8]) -> Command? {
        self.locked {
            while self.isIdle {
                if self.isStopping {
                    self.isEnded = true
                    pthread_cond_broadcast(self.done)
                    return nil
                }
                self.isAsleep = true
                pthread_cond_wait(self.work, self.lock)
                self.isAsleep = false
            }
            self.isBusy = true
            if let successor = self.successor {
                self.successor = nil
                batch.append(contentsOf: self.pending[..<self.pendingBeforeSuccessor])
                self.pending.removeFirst(self.pendingBeforeSuccessor)
                self.inFlightBytes = batch.count
                return .adopt(successor)
            }
            swap(&batch, &self.pending)
            self.inFlightBytes = batch.count
            if self.isReopenWanted {
                self.isReopenWanted = false
                return .reopen
            }
            return .nothing
        }
    }

    /// - Returns: how many lines were lost, and why.
    private func write(_ batch: UnsafeRawBufferPointer) -> (lost: Int, fault: LogWriterFault?) {
        guard !batch.isEmpty else { return (0, nil) }
        if self.endsInsideLine {
            let isMended = withUnsafeBytes(of: UInt8(ascii: "\n")) { newline in
                self.destination.write(newline) { self.locked { self.isStopping } } == .written
            }
            self.endsInsideLine = !isMended
        }
        let outcome = self.destination.write(batch) { self.locked { self.isStopping } }
        guard case .failed(let written, let errorNumber) = outcome else { return (0, nil) }
        if written > 0 { self.endsInsideLine = batch[written - 1] != UInt8(ascii: "\n") }
        let lost = batch[written...].count { $0 == UInt8(ascii: "\n") }
        return (lost, .init(destination: self.destination.name, errorNumber: errorNumber))
    }

    /// - Returns: the failure of opening a file again.
    private func change(_ command: Command) -> LogWriterFault? {
        switch command {
        case .nothing: return nil
        case .adopt(let successor):
            self.destination.closeFile()
            self.destination = successor
            self.endsInsideLine = false
            return nil
        case .reopen:
            do {
                let opened = try LogDestination.open(self.destination.output)
                self.destination.closeFile()
                self.destination = opened
                self.endsInsideLine = false
                return nil
            } catch {
                return error
            }
        }
    }

    private func finish(
        _ batch: inout [UInt8], _ outcome: (lost: Int, fault: LogWriterFault?), _ change: LogWriterFault?
    ) {
        let isLarge = batch.capacity > 1 << 20
        let wasEmpty = batch.isEmpty
        batch.removeAll(keepingCapacity: !isLarge)
        self.locked {
            self.isBusy = false
            self.inFlightBytes = 0
            self.dropped &+= UInt64(outcome.lost)
            if let fault = outcome.fault ?? change {
                self.lastFault = fault
            } else if !wasEmpty {
                self.lastFault = nil
            }
            if self.isIdle { pthread_cond_broadcast(self.done) }
            guard !self.isStopping, self.flusherCount == 0, self.pending.count < Self.eagerBytes else { return }
            self.wait(on: self.work, until: MonotonicTime.now() + .nanoseconds(Self.lingerNanoseconds))
        }
    }

    // MARK: The lock

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(self.lock)
        defer { pthread_mutex_unlock(self.lock) }
        return body()
    }

    /// Waits with the lock held (it is free meanwhile), at most until `deadline`; may return early.
    private func wait(on condition: UnsafeMutablePointer<pthread_cond_t>, until deadline: MonotonicTime) {
        #if canImport(Darwin)
        let rest = max(0, (deadline - MonotonicTime.now()).nanoseconds)
        var time = timespec(tv_sec: Int(rest / 1_000_000_000), tv_nsec: Int(rest % 1_000_000_000))
        pthread_cond_timedwait_relative_np(condition, self.lock, &time)
        #else
        var time = timespec(
            tv_sec: Int(deadline.nanoseconds / 1_000_000_000), tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
        pthread_cond_timedwait(condition, self.lock, &time)
        #endif
    }

    /// Deadlines are on the monotonic clock.
    private static func initialize(_ condition: UnsafeMutablePointer<pthread_cond_t>) {
        #if canImport(Darwin)
        pthread_cond_init(condition, nil)
        #else
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        #endif
    }
}

/// The thread takes no signals: those are the main thread's, and a broken pipe is an error value here.
private func logWriterThreadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    var signals = sigset_t()
    sigfillset(&signals)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    guard let argument else { return nil }
    Unmanaged<LogWriterThread>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}

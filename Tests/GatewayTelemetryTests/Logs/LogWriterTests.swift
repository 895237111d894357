import Foundation
import GatewayContract
import GatewayCore
import Testing

@testable import GatewayTelemetry

/// A directory of its own for one test.
private struct Scratch: ~Copyable {
    let path: String

    init() throws {
        self.path = NSTemporaryDirectory() + "penstock-log-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    func text(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: self.path + "/" + name) ?? Data(), as: UTF8.self)
    }
}

@Suite struct LogWriterTests {
    private static let patience = TimeSpan.seconds(60)

    @Test func linesArriveInOrder() throws {
        let scratch = try Scratch()
        let writer = try LogWriter(output: .file(scratch.path + "/access.log"))
        for number in 0..<1000 { writer.submit(Array("line \(number)\n".utf8)) }
        #expect(writer.flush(within: Self.patience))
        #expect(scratch.text("access.log") == (0..<1000).map { "line \($0)\n" }.joined())
        #expect(writer.droppedLines == 0 && writer.fault == nil)
    }

    @Test func linesOfManyThreadsStayWhole() throws {
        let scratch = try Scratch()
        let writer = try LogWriter(output: .file(scratch.path + "/access.log"))
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for number in 0..<500 { writer.submit(Array("\(thread):\(number)\n".utf8)) }
        }
        #expect(writer.close(within: Self.patience))
        let lines = scratch.text("access.log").split(separator: "\n").map(String.init)
        #expect(lines.count == 2000 && Set(lines).count == 2000)
        for thread in 0..<4 {
            #expect(lines.filter { $0.hasPrefix("\(thread):") } == (0..<500).map { "\(thread):\($0)" })
        }
    }

    /// Nobody waits for a destination that takes nothing: what does not fit is dropped and counted, and no line is
    /// torn.
    @Test func aStuckDestinationCostsLinesNotTime() throws {
        let scratch = try Scratch()
        let pipe = scratch.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        let reader = open(pipe, O_RDONLY | O_NONBLOCK)
        let writer = try LogWriter(output: .file(pipe), pendingBytesMax: 4 << 20)
        let line = Array((String(repeating: "x", count: 1023) + "\n").utf8)
        for _ in 0..<6000 { writer.submit(line) }
        #expect(writer.droppedLines >= 1800)
        #expect(!writer.flush(within: .milliseconds(20)))
        #expect(!writer.close(within: .milliseconds(20)))
        #expect(writer.flush(within: Self.patience))
        #expect(writer.droppedLines >= 5900)
        close(reader)
    }

    @Test func aLineThatDoesNotFitIsCounted() throws {
        let scratch = try Scratch()
        let writer = try LogWriter(output: .file(scratch.path + "/access.log"), pendingBytesMax: 100)
        writer.submit(.init(repeating: UInt8(ascii: "\n"), count: 101), count: 101)
        #expect(writer.droppedLines == 101)
        #expect(writer.flush(within: Self.patience))
        #expect(scratch.text("access.log").isEmpty)
    }

    /// A broken pipe is an error value, not a signal that ends the process; the lines are counted.
    @Test func aReaderThatLeavesCostsLines() throws {
        let scratch = try Scratch()
        let pipe = scratch.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        let reader = open(pipe, O_RDONLY | O_NONBLOCK)
        let writer = try LogWriter(output: .file(pipe))
        close(reader)
        writer.submit(Array("a\nb\n".utf8), count: 2)
        #expect(writer.flush(within: Self.patience))
        #expect(writer.droppedLines == 2)
        #expect(writer.fault == .init(destination: pipe, errorNumber: EPIPE))
    }

    @Test func aRotatedFileIsOpenedAnew() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/access.log"
        let writer = try LogWriter(output: .file(path))
        writer.submit(Array("before\n".utf8))
        #expect(writer.flush(within: Self.patience))
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        writer.reopen()
        #expect(writer.flush(within: Self.patience))
        writer.submit(Array("after\n".utf8))
        #expect(writer.flush(within: Self.patience))
        #expect(scratch.text("access.log.1") == "before\n")
        #expect(scratch.text("access.log") == "after\n")
    }

    @Test func aReopeningThatFailsKeepsTheOldFile() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/logs/access.log"
        try FileManager.default.createDirectory(atPath: scratch.path + "/logs", withIntermediateDirectories: true)
        let writer = try LogWriter(output: .file(path))
        try FileManager.default.moveItem(atPath: scratch.path + "/logs", toPath: scratch.path + "/moved")
        writer.reopen()
        #expect(writer.flush(within: Self.patience))
        #expect(writer.fault == .init(destination: path, errorNumber: ENOENT))
        writer.submit(Array("kept\n".utf8))
        #expect(writer.flush(within: Self.patience))
        #expect(scratch.text("moved/access.log") == "kept\n")
        #expect(writer.fault == nil)
    }

    @Test func linesFollowTheDestination() throws {
        let scratch = try Scratch()
        let writer = try LogWriter(output: .off)
        #expect(writer.isOff)
        writer.submit(Array("nowhere\n".utf8))
        try writer.redirect(to: .file(scratch.path + "/a.log"))
        writer.submit(Array("a\n".utf8))
        #expect(writer.flush(within: Self.patience))
        #expect(throws: LogWriterFault.self) { try writer.redirect(to: .file(scratch.path + "/no/such/b.log")) }
        writer.submit(Array("still a\n".utf8))
        try writer.redirect(to: .file(scratch.path + "/c.log"))
        #expect(writer.flush(within: Self.patience))
        writer.submit(Array("c\n".utf8))
        #expect(writer.close(within: Self.patience))
        #expect(scratch.text("a.log") == "a\nstill a\n")
        #expect(scratch.text("c.log") == "c\n")
        #expect(writer.droppedLines == 0)
    }

    @Test func anUnusableFileIsAFaultAtOnce() throws {
        let scratch = try Scratch()
        #expect(throws: LogWriterFault(destination: scratch.path + "/no/x.log", errorNumber: ENOENT)) {
            try LogWriter(output: .file(scratch.path + "/no/x.log"))
        }
    }

    @Test func linesAfterTheEndAreCounted() throws {
        let scratch = try Scratch()
        let writer = try LogWriter(output: .file(scratch.path + "/access.log"))
        #expect(writer.close(within: Self.patience))
        writer.submit(Array("late\n".utf8))
        #expect(writer.droppedLines == 1)
    }
}

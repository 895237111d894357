/// Finds the events in an event stream that comes in chunks of any size, by the grammar of WHATWG HTML 9.2.6: lines end
/// in LF, CRLF or CR; one leading byte order mark is skipped; lines that start with a colon are comments; one space
/// after the colon of a field is dropped; `data` lines are joined by line feeds; the last `event` line names the event;
/// a field without a colon has an empty value; a blank line ends the event, which counts when it has a `data` line.
/// Other fields (`id`, `retry`) are passed over.
///
/// No copy and no allocation when an event lies in one chunk and has one `data` line: about 380 instructions for 50
/// bytes. Time is linear in the bytes, however they are split, and the events do not depend on the splits.
public struct SSEScanner: Sendable {
    /// Buffers that grew beyond this for one large event are given back after it.
    private static let keptBytesMax = 64 << 10

    private let eventBytesMax: Int
    /// The start of a line that earlier chunks left unfinished.
    private var line: [UInt8] = []
    /// Data and name of an event that earlier chunks left unfinished, or that has several `data` lines.
    private var data: [UInt8] = []
    private var hasData = false
    private var name: [UInt8] = []
    /// Bytes of the unfinished event in earlier chunks.
    private var eventBytes = 0
    private var isFirstLine = true
    /// The last chunk ended in CR: a line feed at the start of the next one belongs to it.
    private var skipsLineFeed = false
    private var isBroken = false

    /// After `feed`: offset in that chunk up to which bytes belong to finished events (and blank lines and comments
    /// before them); 0 if nothing was finished in it. What comes after it may be cut off without leaving half of an
    /// event.
    public private(set) var boundary = 0

    /// - Parameter eventBytesMax: the most bytes of an event, comments and line ends included, its blank line not.
    public init(eventBytesMax: Int = 4 << 20) {
        self.eventBytesMax = eventBytesMax
    }

    /// Whether bytes came since the last finished event.
    public var hasPartialEvent: Bool { self.eventBytes > 0 }

    /// Reads one chunk and calls back once per event with data, in order. The call keeps nothing of `chunk` in place.
    public mutating func feed(
        _ chunk: UnsafeRawBufferPointer, _ onEvent: (SSEEventView) -> Void
    ) throws(SSEFault) {
        self.boundary = 0
        guard !self.isBroken else { throw .eventTooLarge }
        guard let base = chunk.baseAddress, chunk.count > 0 else { return }
        var cut = Cut(base: base)
        var at = self.skipLineFeed(base)
        let count = chunk.count
        while at < count {
            let stop = SSEBytes.lineEnd(base, from: at, to: count)
            guard stop < count else {
                self.line.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[at..<count]))
                break
            }
            var next = stop &+ 1
            if base.load(fromByteOffset: stop, as: UInt8.self) == SSEBytes.carriageReturn {
                if next == count {
                    self.skipsLineFeed = true
                } else if base.load(fromByteOffset: next, as: UInt8.self) == SSEBytes.lineFeed {
                    next &+= 1
                }
            }
            let isBlank: Bool
            if self.line.isEmpty, !self.isFirstLine {
                isBlank = stop == at
                if !isBlank { self.readLine(&cut, at, stop) }
            } else {
                isBlank = self.readJoinedLine(&cut, UnsafeRawBufferPointer(rebasing: chunk[at..<stop]))
            }
            if isBlank {
                guard self.eventBytes &+ at &- self.boundary <= self.eventBytesMax else { throw self.broken() }
                self.finishEvent(&cut, end: next, onEvent)
            }
            at = next
        }
        self.keep(&cut)
        self.eventBytes += count - self.boundary
        guard self.eventBytes <= self.eventBytesMax else { throw self.broken() }
    }

    /// Parts of the current event that lie in the current chunk; `from` is -1 without one.
    private struct Cut {
        let base: UnsafeRawPointer
        var dataFrom = -1
        var dataTo = -1
        var nameFrom = -1
        var nameTo = -1

        var data: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: self.base + self.dataFrom, count: self.dataTo - self.dataFrom)
        }

        var name: UnsafeRawBufferPointer {
            guard self.nameFrom >= 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
            return UnsafeRawBufferPointer(start: self.base + self.nameFrom, count: self.nameTo - self.nameFrom)
        }
    }

    /// The offset at which reading starts: after a line feed that completes the CR at the end of the chunk before.
    private mutating func skipLineFeed(_ base: UnsafeRawPointer) -> Int {
        guard self.skipsLineFeed else { return 0 }
        self.skipsLineFeed = false
        guard base.load(as: UInt8.self) == SSEBytes.lineFeed else { return 0 }
        if self.eventBytes == 0 { self.boundary = 1 }
        return 1
    }

    /// A line that lies in the chunk as a whole and is not blank.
    @inline(__always)
    private mutating func readLine(_ cut: inout Cut, _ from: Int, _ to: Int) {
        switch SSEBytes.field(cut.base, from: from, to: to) {
        case (.data, let value):
            if cut.dataFrom < 0, !self.hasData {
                cut.dataFrom = value
                cut.dataTo = to
            } else {
                self.keepData(&cut)
                self.appendData(UnsafeRawBufferPointer(start: cut.base + value, count: to - value))
            }
        case (.event, let value):
            cut.nameFrom = value
            cut.nameTo = to
        case (.other, _): break
        }
    }

    /// A line that began in an earlier chunk, or the first one of the stream.
    /// - Returns: whether it is blank.
    private mutating func readJoinedLine(_ cut: inout Cut, _ rest: UnsafeRawBufferPointer) -> Bool {
        self.line.append(contentsOf: rest)
        if self.isFirstLine {
            self.isFirstLine = false
            if self.line.starts(with: [0xef, 0xbb, 0xbf]) { self.line.removeFirst(3) }
        }
        guard !self.line.isEmpty else { return true }
        self.keepData(&cut)
        let (field, value) = self.line.withUnsafeBytes { bytes in
            bytes.baseAddress.map { SSEBytes.field($0, from: 0, to: bytes.count) } ?? (.other, 0)
        }
        switch field {
        case .data:
            self.appendNewLine()
            self.data.append(contentsOf: self.line[value...])
        case .event:
            cut.nameFrom = -1
            self.name.removeAll(keepingCapacity: true)
            self.name.append(contentsOf: self.line[value...])
        case .other: break
        }
        Self.empty(&self.line)
        return false
    }

    /// The blank line: hands the event out when it has data, and forgets it.
    @inline(__always)
    private mutating func finishEvent(_ cut: inout Cut, end: Int, _ onEvent: (SSEEventView) -> Void) {
        if cut.dataFrom >= 0, self.name.isEmpty {
            onEvent(SSEEventView(name: cut.name, data: cut.data, end: end))
        } else if cut.dataFrom >= 0 || self.hasData {
            self.keep(&cut)
            self.name.withUnsafeBytes { name in
                self.data.withUnsafeBytes { onEvent(SSEEventView(name: name, data: $0, end: end)) }
            }
        }
        cut.dataFrom = -1
        cut.nameFrom = -1
        if self.hasData || !self.name.isEmpty { self.forgetEvent() }
        self.boundary = end
        self.eventBytes = 0
    }

    private mutating func forgetEvent() {
        Self.empty(&self.data)
        Self.empty(&self.name)
        self.hasData = false
    }

    private mutating func broken() -> SSEFault {
        self.isBroken = true
        self.line = []
        self.forgetEvent()
        return .eventTooLarge
    }

    /// Copies what lies in the chunk, because the chunk goes away or a further line follows.
    private mutating func keep(_ cut: inout Cut) {
        self.keepData(&cut)
        guard cut.nameFrom >= 0 else { return }
        self.name.removeAll(keepingCapacity: true)
        self.name.append(contentsOf: cut.name)
        cut.nameFrom = -1
    }

    private mutating func keepData(_ cut: inout Cut) {
        guard cut.dataFrom >= 0 else { return }
        self.appendData(cut.data)
        cut.dataFrom = -1
    }

    private mutating func appendData(_ bytes: UnsafeRawBufferPointer) {
        self.appendNewLine()
        self.data.append(contentsOf: bytes)
    }

    private mutating func appendNewLine() {
        if self.hasData { self.data.append(SSEBytes.lineFeed) }
        self.hasData = true
    }

    private static func empty(_ buffer: inout [UInt8]) {
        if buffer.capacity > Self.keptBytesMax {
            buffer = []
        } else {
            buffer.removeAll(keepingCapacity: true)
        }
    }
}

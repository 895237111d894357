/// Reads one JSON object that is passed on chunk by chunk, and keeps the raw values of the few top-level members that
/// are looked for.
///
/// Resumable at every byte; the verdict and the values do not depend on the splits. Judges what `JSONTopLevel` judges,
/// and takes a name longer than `keyBytesMax` for malformed. Never fails: the bytes are passed on whatever they are, so
/// the reader asks at the end.
public struct JSONMemberCapture: Sendable {
    /// The most bytes of a member's name as it is written, with its quotes.
    public static let keyBytesMax = 4096

    private let names: JSONNames
    private let capturedBytesMax: Int
    private var machine = JSONMachine()
    private var values: [[UInt8]?]
    private var overflowed: UInt64 = 0
    private var key: [UInt8] = []
    /// The name whose value is read, or -1.
    private var index = -1

    /// Whether the bytes so far are no beginning of one acceptable object. Stays true.
    public private(set) var isMalformed = false

    /// - Parameter capturedBytesMax: the most bytes kept per value; a longer one is passed over.
    public init(names: JSONNames, capturedBytesMax: Int = 65536) {
        self.names = names
        self.capturedBytesMax = capturedBytesMax
        self.values = Array(repeating: nil, count: names.names.count)
    }

    /// Whether one whole object came and nothing but white space after it.
    public var isWhole: Bool { !self.isMalformed && self.machine.state == .done }

    /// The raw value of the name at that place in `JSONNames.names`, without white space around it: `nil` when there
    /// was none, when it has more bytes than the cap, or while it is not complete.
    public func value(_ index: Int) -> [UInt8]? {
        guard self.values.indices.contains(index), index != self.index, !self.isOverCap(index) else { return nil }
        return self.values[index]
    }

    /// Whether that name's value was passed over for its size.
    public func isOverCap(_ index: Int) -> Bool { index < 64 && self.overflowed & 1 << UInt64(index) != 0 }

    /// Reads one chunk; after a malformed one this does nothing.
    public mutating func feed(_ chunk: UnsafeRawBufferPointer) {
        guard let base = chunk.baseAddress, !self.isMalformed else { return }
        var at = 0
        // Where the current name or value starts in this chunk.
        var from = 0
        while at < chunk.count {
            switch self.machine.run(base, &at, chunk.count) {
            case .needMore: break
            case .keyStarts, .valueStarts: from = at
            case .keyEnds:
                if self.key.isEmpty {
                    self.findKey(chunk, from..<at)
                } else {
                    self.findJoinedKey(chunk, from..<at)
                }
            case .valueEnds:
                self.keepValue(chunk, from..<at)
                self.index = -1
            case .malformed: self.isMalformed = true
            }
            if self.isMalformed { return self.releaseKey() }
        }
        if self.machine.isInKey {
            self.keepKey(chunk, from..<chunk.count)
        } else if self.machine.isInValue {
            self.keepValue(chunk, from..<chunk.count)
        }
    }

    private mutating func keepKey(_ chunk: UnsafeRawBufferPointer, _ place: Range<Int>) {
        guard self.key.count + place.count <= Self.keyBytesMax else {
            self.isMalformed = true
            return
        }
        self.key.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[place]))
    }

    /// A name that began in an earlier chunk.
    private mutating func findJoinedKey(_ chunk: UnsafeRawBufferPointer, _ rest: Range<Int>) {
        self.keepKey(chunk, rest)
        let key = self.key
        self.key = []
        guard !self.isMalformed else { return }
        key.withUnsafeBytes { self.findKey($0, 0..<$0.count) }
    }

    private mutating func findKey(_ text: UnsafeRawBufferPointer, _ place: Range<Int>) {
        guard let base = text.baseAddress, place.count <= Self.keyBytesMax else {
            self.isMalformed = true
            return
        }
        let inside = JSONBytes.plainEnd(base, from: place.lowerBound + 1, to: place.upperBound)
        let isEscaped = inside < place.upperBound - 1
        guard let found = try? self.names.find(base, place, end: text.count, isEscaped: isEscaped),
            found < 0 || self.values[found] == nil
        else {
            self.isMalformed = true
            return
        }
        self.index = found
        if found >= 0 { self.values[found] = [] }
    }

    private mutating func keepValue(_ chunk: UnsafeRawBufferPointer, _ place: Range<Int>) {
        guard self.index >= 0, !self.isOverCap(self.index) else { return }
        guard (self.values[self.index]?.count ?? 0) + place.count <= self.capturedBytesMax else {
            self.overflowed |= 1 << UInt64(self.index)
            self.values[self.index] = []
            return
        }
        self.values[self.index]?.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[place]))
    }

    private mutating func releaseKey() { self.key = [] }
}

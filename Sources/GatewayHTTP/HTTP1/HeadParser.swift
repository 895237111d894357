import GatewayWire

/// Walks once over the fields of a head or a trailer section: checks every byte, classifies names, notes places.
///
/// It may be handed the same bytes again with more behind them, from the head's first byte on. Lines that were whole
/// are not read again, and an unfinished line is read again only once its line feed is there, so the work is linear in
/// the bytes however thinly they drip in.
struct HeadParser: Sendable {
    enum Kind: Sendable {
        case request, answer, trailers
    }

    let kind: Kind
    /// Of a head that has not come to its end, and of trailers.
    private var gathered: [HeaderFields.Field] = []
    /// Of a head that is whole.
    private var whole: HeaderFields?
    private(set) var facts = HeadFacts()
    private(set) var requestLine = RequestLine()
    private(set) var statusLine = StatusLine()

    /// The first byte of the line that is read next.
    private var lineStart = 0
    /// Up to here the unfinished line is known to have no line feed; not above `lineStart` if nothing is known.
    private var searchedEnd = 0
    private var hasStartLine: Bool

    init(_ kind: Kind) {
        self.kind = kind
        self.hasStartLine = kind == .trailers
    }

    /// Reads on.
    ///
    /// - Parameter bytes: everything from the head's first byte that has come so far.
    /// - Returns: the count of bytes up to and with the empty line, or `HeadGrammar.incomplete`.
    mutating func advance(_ bytes: UnsafeRawBufferPointer, _ limits: HeadLimits) throws(Breach) -> Int {
        guard let base = bytes.baseAddress else { return HeadGrammar.incomplete }
        let isFull = bytes.count >= limits.bytesMax
        let end = isFull ? limits.bytesMax : bytes.count
        if self.searchedEnd > self.lineStart, !isFull,
            HeadGrammar.lineFeed(base, self.searchedEnd, end) == HeadGrammar.incomplete
        {
            self.searchedEnd = end
            return HeadGrammar.incomplete
        }
        if !self.hasStartLine, try !self.readStartLine(base, end) {
            return try self.wait(end, isFull)
        }
        let count = try self.readFields(base, end, limits.fieldsMax)
        return count >= 0 ? count : try self.wait(end, isFull)
    }

    /// Hands the bytes and the fields of a whole head over; empty before its end, and of trailers.
    mutating func takeFields() -> HeaderFields { self.whole.take() ?? HeaderFields() }

    private mutating func wait(_ end: Int, _ isFull: Bool) throws(Breach) -> Int {
        if isFull { throw Breach(.tooLarge, "head has too many bytes") }
        self.searchedEnd = end
        return HeadGrammar.incomplete
    }

    @inline(__always)
    private mutating func readStartLine(_ base: UnsafeRawPointer, _ end: Int) throws(Breach) -> Bool {
        let next =
            self.kind == .request
            ? try self.requestLine.read(base, end) : try self.statusLine.read(base, end)
        guard next >= 0 else { return false }
        self.hasStartLine = true
        self.lineStart = next
        return true
    }

    /// - Returns: the offset behind the empty line, or `HeadGrammar.incomplete`, `lineStart` being the unfinished line.
    private mutating func readFields(
        _ base: UnsafeRawPointer, _ end: Int, _ fieldsMax: Int
    ) throws(Breach) -> Int {
        // Fields gather on the stack: one allocation, of the right size, when the head is whole.
        try withUnsafeTemporaryAllocation(of: HeaderFields.Field.self, capacity: Self.batchCount) {
            batch throws(Breach) in
            let slots = HeadNames.slots
            var at = self.lineStart
            var gathered = 0
            var room = fieldsMax &- self.gathered.count
            defer {
                self.lineStart = at
                if gathered > 0 { self.gathered.append(contentsOf: UnsafeBufferPointer(rebasing: batch[..<gathered])) }
            }
            while at < end {
                if HeadGrammar.byte(base, at) == HeadGrammar.carriageReturn {
                    guard at &+ 1 < end else { return HeadGrammar.incomplete }
                    guard HeadGrammar.byte(base, at &+ 1) == HeadGrammar.lineFeed else { throw .malformed("bare CR") }
                    self.makeWhole(
                        UnsafeRawBufferPointer(start: base, count: at &+ 2),
                        UnsafeBufferPointer(rebasing: batch[..<gathered]))
                    gathered = 0
                    return at &+ 2
                }
                var id = HeaderID.other
                let colon = try FieldName.read(base, at, end, slots, &id)
                guard colon >= 0 else { return HeadGrammar.incomplete }
                var start = colon &+ 1
                while start < end, HeadGrammar.isBlank(HeadGrammar.byte(base, start)) { start &+= 1 }
                let lineEnd = try HeadGrammar.endOfText(base, start, end)
                guard lineEnd >= 0 else { return HeadGrammar.incomplete }
                var stop = lineEnd
                while stop > start, HeadGrammar.isBlank(HeadGrammar.byte(base, stop &- 1)) { stop &-= 1 }
                guard room > 0 else { throw Breach(.tooLarge, "head has too many fields") }
                room &-= 1
                if gathered == Self.batchCount {
                    self.gathered.append(contentsOf: UnsafeBufferPointer(batch))
                    gathered = 0
                }
                batch[gathered] = .init(id: id, name: Self.place(at, colon), value: Self.place(start, stop))
                gathered &+= 1
                if id.rawValue <= HeaderID.proxyConnection.rawValue, id != .other {
                    try self.note(id, Range(uncheckedBounds: (start, stop)), lineEnd, base)
                }
                at = lineEnd &+ 2
            }
            return HeadGrammar.incomplete
        }
    }

    private mutating func makeWhole(
        _ bytes: UnsafeRawBufferPointer, _ last: UnsafeBufferPointer<HeaderFields.Field>
    ) {
        if self.kind == .trailers { return }
        if self.gathered.isEmpty {
            self.whole = HeaderFields(bytes: bytes, fields: last)
        } else {
            self.gathered.append(contentsOf: last)
            self.whole = self.gathered.withUnsafeBufferPointer { HeaderFields(bytes: bytes, fields: $0) }
            self.gathered = []
        }
    }

    /// Under 1,024 bytes, which is what stays on the stack.
    private static let batchCount = 48

    /// Remembers the fields that decide about framing. None of them may come twice. No field of framing or connection
    /// may stand in trailers (RFC 9110 section 6.5.1), where some parsers obey it. A tab behind a length or a coding
    /// is allowed by RFC 9112 but not understood everywhere, so it is refused.
    private mutating func note(
        _ id: HeaderID, _ value: Range<Int>, _ lineEnd: Int, _ base: UnsafeRawPointer
    ) throws(Breach) {
        if self.kind == .trailers { throw .malformed("field of framing or connection in trailers") }
        let isRepeated: Bool
        switch id {
        case .host:
            isRepeated = self.facts.hasHost
            self.facts.hasHost = true
            self.facts.host = value
        case .contentLength:
            isRepeated = self.facts.hasContentLength
            self.facts.hasContentLength = true
            self.facts.contentLength = value
        case .transferEncoding:
            isRepeated = self.facts.hasTransferEncoding
            self.facts.hasTransferEncoding = true
            self.facts.transferEncoding = value
        case .expect:
            isRepeated = self.facts.hasExpect && self.kind == .request
            self.facts.hasExpect = true
            self.facts.expect = value
        case .connection:
            if !self.facts.closes, !Self.isKeepAlive(base, value) {
                self.facts.closes = HeadGrammar.list(base, value, holds: "close")
            }
            return
        default:
            return
        }
        if lineEnd > value.upperBound, id == .contentLength || id == .transferEncoding {
            for at in value.upperBound..<lineEnd where HeadGrammar.byte(base, at) == HeadGrammar.tab {
                throw .malformed("tab behind a length or a coding")
            }
        }
        if isRepeated { throw .malformed("Host, Content-Length, Transfer-Encoding or Expect is repeated") }
    }

    /// The one value that nearly all clients send, by its ten letters.
    @inline(__always)
    private static func isKeepAlive(_ base: UnsafeRawPointer, _ value: Range<Int>) -> Bool {
        // Two words that overlap. The hyphen has the bit of lower case already, and no control byte is in a value.
        let cases = HeadGrammar.lowBits &* 0x20
        return value.count == 10 && HeadGrammar.word(base, value.lowerBound) | cases == 0x696c_612d_7065_656b
            && HeadGrammar.word(base, value.lowerBound &+ 2) | cases == 0x6576_696c_612d_7065
    }

    /// Offsets are under `HeadLimits.bytesMax`, which the decoders hold under `Int32.max`.
    @inline(__always)
    private static func place(_ start: Int, _ end: Int) -> Range<Int32> {
        Range(uncheckedBounds: (Int32(truncatingIfNeeded: start), Int32(truncatingIfNeeded: end)))
    }

    @inline(__always)
    static func place(_ range: Range<Int>) -> Range<Int32> { self.place(range.lowerBound, range.upperBound) }
}

extension HeadLimits {
    /// Within what places of 32 bits can hold.
    var clamped: HeadLimits {
        HeadLimits(bytesMax: min(max(self.bytesMax, 1), 1 << 30), fieldsMax: max(self.fieldsMax, 1))
    }
}

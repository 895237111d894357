import GatewayCore

/// Lines of text in the making, in memory of their own that grows: the access log of a loop, a message, an answer.
///
/// Everything is written in place, once. Owned by one loop or one call; handed to `LogWriter.submit`, which empties it
/// and leaves the memory for the next lines.
///
/// SAFETY: `start ..< limit + slackBytes` is memory of this buffer. Whoever writes a line asks for room at its start
/// (`beginLine`) and before each text of unknown length (`quoted`, `plain`); after either there are `slackBytes` left.
/// Between two such calls only constants, numbers and times follow, of less than `slackBytes` in all.
public struct LineBuffer: ~Copyable {
    /// Room behind `limit`, for what is written without asking.
    static let slackBytes = 2048

    private var start: UnsafeMutableRawPointer
    /// Where the next byte goes.
    var place: UnsafeMutableRawPointer
    /// A text must end at or before it.
    private(set) var limit: UnsafeMutableRawPointer
    /// Lines that were ended.
    public private(set) var lineCount = 0
    /// The second that was written last: lines of one loop mostly share it.
    private var second = SecondText(startingAt: 0)

    /// - Parameter capacity: bytes to begin with. It doubles as needed.
    public init(capacity: Int = 4096) {
        let room = max(capacity, 0)
        self.start = .allocate(byteCount: room + Self.slackBytes, alignment: 8)
        self.place = self.start
        self.limit = self.start + room
    }

    deinit {
        self.start.deallocate()
    }

    /// Bytes written so far.
    public var byteCount: Int { self.place - self.start }

    /// What was written, valid only inside `body`.
    public borrowing func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(UnsafeRawBufferPointer(start: self.start, count: self.byteCount))
    }

    /// Forgets the lines and keeps the memory.
    public mutating func removeAll() {
        self.place = self.start
        self.lineCount = 0
    }

    /// A copy of what was written.
    var bytes: [UInt8] { self.withUnsafeBytes { Array($0) } }

    /// Before the first byte of a line.
    @inline(__always)
    mutating func beginLine() { self.reserve(0) }

    /// Ends a line with its line feed.
    @inline(__always)
    mutating func endLine() {
        self.byte(UInt8(ascii: "\n"))
        self.lineCount &+= 1
        assert(self.place <= self.limit + Self.slackBytes, "a line wrote beyond its slack")
    }

    /// Makes room for a text of `count` bytes, and the slack behind it.
    @inline(__always)
    mutating func reserve(_ count: Int) {
        if self.limit - self.place < count { self.grow(count) }
    }

    @inline(never)
    private mutating func grow(_ count: Int) {
        let used = self.byteCount
        let room = max(2 * (self.limit - self.start), used + count)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: room + Self.slackBytes, alignment: 8)
        larger.copyMemory(from: self.start, byteCount: used)
        self.start.deallocate()
        self.start = larger
        self.place = larger + used
        self.limit = larger + room
    }

    /// Words of ours, as they are. Inlined, so that they become a few stores of known length.
    @inline(__always)
    mutating func literal(_ text: StaticString) {
        self.place.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        self.place += text.utf8CodeUnitCount
    }

    @inline(__always)
    mutating func byte(_ byte: UInt8) {
        self.place.storeBytes(of: byte, as: UInt8.self)
        self.place += 1
    }

    @inline(__always)
    mutating func decimal(_ number: Int64) {
        if number < 0 { self.byte(UInt8(ascii: "-")) }
        self.place = DecimalText.write(number.magnitude, at: self.place)
    }

    @inline(__always)
    mutating func decimal(_ number: UInt64) {
        self.place = DecimalText.write(number, at: self.place)
    }

    /// RFC 3339 in UTC with milliseconds, 24 bytes: `1994-11-06T08:49:37.000Z`.
    mutating func timestamp(_ time: WallTime) {
        if !self.second.contains(time) { self.second = .init(startingAt: time.unixSeconds) }
        self.place.storeBytes(of: self.second.text, as: SIMD2<UInt64>.self)
        (self.place + 16).storeBytes(of: self.second.tail, as: UInt32.self)
        (self.place + 20).storeBytes(of: self.second.milliseconds(of: time), as: UInt32.self)
        self.place += 24
    }

    /// An address in quotes, as its `description` is; at most 41 bytes.
    mutating func quoted(_ address: IPAddress) {
        self.byte(UInt8(ascii: "\""))
        if address.isIPv4 {
            self.octet(UInt8(truncatingIfNeeded: address.low &>> 24))
            self.byte(UInt8(ascii: "."))
            self.octet(UInt8(truncatingIfNeeded: address.low &>> 16))
            self.byte(UInt8(ascii: "."))
            self.octet(UInt8(truncatingIfNeeded: address.low &>> 8))
            self.byte(UInt8(ascii: "."))
            self.octet(UInt8(truncatingIfNeeded: address.low))
        } else {
            self.groups(of: address)
        }
        self.byte(UInt8(ascii: "\""))
    }

    @inline(__always)
    private mutating func octet(_ octet: UInt8) {
        let hundreds = octet / 100
        let rest = octet &- hundreds &* 100
        let tens = rest / 10
        if hundreds > 0 { self.byte(0x30 | hundreds) }
        if octet >= 10 { self.byte(0x30 | tens) }
        self.byte(0x30 | (rest &- tens &* 10))
    }

    private mutating func groups(of address: IPAddress) {
        let elided = address.elidedGroups
        var index = 0
        while index < 8 {
            if index == elided.lowerBound, !elided.isEmpty {
                self.literal("::")
                index = elided.upperBound
                continue
            }
            if index > 0, index != elided.upperBound { self.byte(UInt8(ascii: ":")) }
            self.hexadecimal(address.group(index))
            index += 1
        }
    }

    private mutating func hexadecimal(_ number: UInt16) {
        var shift: UInt16 = number > 0xfff ? 12 : number > 0xff ? 8 : number > 0xf ? 4 : 0
        while true {
            self.hexDigit(UInt8(truncatingIfNeeded: number >> shift & 0xf))
            if shift == 0 { return }
            shift -= 4
        }
    }

    @inline(__always)
    mutating func hexDigit(_ digit: UInt8) {
        self.byte(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
}

/// The text of one second, `1994-11-06T08:49:37.`, in words whose lowest byte comes first.
private struct SecondText {
    private let nanoseconds: Int64
    let text: SIMD2<UInt64>
    let tail: UInt32

    /// - Parameter unixSeconds: of a `WallTime`, so that it has a count of nanoseconds.
    init(startingAt unixSeconds: Int64) {
        let date = CivilDate(unixSeconds: unixSeconds)
        self.nanoseconds = unixSeconds &* 1_000_000_000
        let month = Self.pair(date.month) << 40 | 0x2d00_002d << 32
        let hour = Self.pair(date.hour) << 24 | 0x54 << 16
        let minute = Self.pair(date.minute) << 48 | 0x3a << 40
        self.text = SIMD2(
            (Self.pair(date.year / 100 % 100) | Self.pair(date.year % 100) << 16 | month).littleEndian,
            (Self.pair(date.day) | hour | minute).littleEndian)
        self.tail = UInt32(truncatingIfNeeded: 0x3a | Self.pair(date.second) << 8 | 0x2e << 24).littleEndian
    }

    @inline(__always)
    func contains(_ time: WallTime) -> Bool {
        UInt64(bitPattern: time.nanoseconds &- self.nanoseconds) < 1_000_000_000
    }

    /// `000Z` of a time within the second.
    @inline(__always)
    func milliseconds(of time: WallTime) -> UInt32 {
        let count = UInt32(truncatingIfNeeded: (time.nanoseconds &- self.nanoseconds) / 1_000_000)
        let hundreds = count / 100
        let rest = count &- hundreds &* 100
        let tens = rest / 10
        return (0x5a30_3030 | hundreds | tens &<< 8 | (rest &- tens &* 10) &<< 16).littleEndian
    }

    /// Two digits of a number below 100.
    @inline(__always)
    private static func pair(_ number: Int) -> UInt64 {
        UInt64(truncatingIfNeeded: 0x3030 | number / 10 | (number % 10) << 8)
    }
}

/// Writes TZif files (RFC 9636) for tests, so that what a zone does stands in the test.
public struct TimeZoneFileBytes: Sendable {
    /// `UInt8(ascii:)` of the version.
    public var version = UInt8(ascii: "2")
    /// Seconds east of UTC of each local time type.
    public var offsets: [Int32]
    /// Unix seconds, and the type from then on.
    public var transitions: [(at: Int64, type: UInt8)]
    /// The TZ rule, without its line ends.
    public var footer: String
    /// Leap second records, all zero.
    public var leapCount: UInt32 = 0

    /// Version 2, without leap seconds.
    public init(offsets: [Int32], transitions: [(at: Int64, type: UInt8)] = [], footer: String) {
        self.offsets = offsets
        self.transitions = transitions
        self.footer = footer
    }

    /// The whole file.
    public var bytes: [UInt8] {
        // The first block is for readers of version 1: one type, nothing else.
        var out = self.header(times: 0, types: 1, names: 1, leaps: 0) + Self.number(0, 4) + [0, 0] + [0]
        out += self.header(
            times: UInt32(self.transitions.count), types: UInt32(self.offsets.count), names: 4, leaps: self.leapCount)
        for transition in self.transitions { out += Self.number(UInt64(bitPattern: transition.at), 8) }
        out += self.transitions.map(\.type)
        for offset in self.offsets { out += Self.number(UInt64(UInt32(bitPattern: offset)), 4) + [0, 0] }
        out += Array("ABC".utf8) + [0]
        out += Array(repeating: 0, count: Int(self.leapCount) * 12)
        return out + [0x0A] + Array(self.footer.utf8) + [0x0A]
    }

    private func header(times: UInt32, types: UInt32, names: UInt32, leaps: UInt32) -> [UInt8] {
        var out = Array("TZif".utf8) + [self.version] + Array(repeating: 0, count: 15)
        for count in [0, 0, leaps, times, types, names] { out += Self.number(UInt64(count), 4) }
        return out
    }

    private static func number(_ number: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    /// As the IANA database has them, from the last changes on that tests look at.
    public static let newYork = TimeZoneFileBytes(
        offsets: [-18000, -14400],
        // 2006-04-02 and 2006-10-29, the last under the old rule.
        transitions: [(1_143_961_200, 1), (1_162_101_600, 0)], footer: "EST5EDT,M3.2.0,M11.1.0")
    /// European summer time, by rule alone.
    public static let berlin = TimeZoneFileBytes(offsets: [3600], footer: "CET-1CEST,M3.5.0,M10.5.0/3")
    /// China, whose last summer time was in 1991.
    public static let shanghai = TimeZoneFileBytes(
        offsets: [28800, 32400],
        // The last summer, 1991-04-14 02:00 to 1991-09-15 02:00.
        transitions: [(671_565_600, 1), (684_867_600, 0)], footer: "CST-8")
    /// From 2011-12-30 on it is a day later; 2021-04-04 ended its last summer time.
    public static let apia = TimeZoneFileBytes(
        offsets: [-36000, 50400, 46800], transitions: [(1_325_239_200, 1), (1_617_458_400, 2)], footer: "<+13>-13")
}

/// What is wrong with a time zone file.
public enum TimeZoneFileProblem: Error, Sendable, Hashable {
    /// Not a TZif file.
    case notTZif
    /// Version 1, whose 32-bit times end in 2038.
    case version
    /// Larger than 64 KiB or with a table beyond 4,096 entries.
    case tooLarge
    /// Shorter than its header says.
    case truncated
    /// A count, index, offset or order that RFC 9636 does not allow.
    case malformed
    /// Counts leap seconds; unix time has none.
    case leapSeconds
    /// Its last line is no TZ rule.
    case footer
}

extension TimeZoneRules {
    /// Reads a TZif file of version 2 or later (RFC 9636, before that RFC 8536).
    ///
    /// Every read is bounded by the bytes given; a file that breaks a rule is an error value.
    /// - Parameters:
    ///   - name: of the zone, for messages.
    ///   - tzif: all bytes of the file, for example of `/usr/share/zoneinfo/Europe/Berlin`.
    public init(name: String, tzif bytes: [UInt8]) throws(TimeZoneFileProblem) {
        guard bytes.count <= 65_536 else { throw .tooLarge }
        var reader = TimeZoneReader(bytes)
        let first = try reader.header()
        guard first.version >= UInt8(ascii: "2") else { throw .version }
        try reader.skip(first.byteCount(timeSize: 4))
        let header = try reader.header()
        guard header.version >= UInt8(ascii: "2") else { throw .malformed }
        guard header.leapCount == 0 else { throw .leapSeconds }
        guard header.typeCount >= 1, header.typeCount <= 256, header.timeCount <= 4096, header.nameCount >= 1,
            header.standardCount == 0 || header.standardCount == header.typeCount,
            header.universalCount == 0 || header.universalCount == header.typeCount
        else { throw .malformed }

        var transitions: [Int64] = []
        transitions.reserveCapacity(header.timeCount)
        for _ in 0..<header.timeCount {
            let time = Int64(bitPattern: try reader.number(bytes: 8))
            if let last = transitions.last, last >= time { throw .malformed }
            transitions.append(time)
        }
        let places = try (0..<header.timeCount).map { _ throws(TimeZoneFileProblem) in Int(try reader.number(bytes: 1))
        }
        var types: [Int32] = []
        for _ in 0..<header.typeCount { types.append(try reader.type(nameCount: header.nameCount)) }
        guard places.allSatisfy({ $0 < types.count }) else { throw .malformed }
        try reader.skip(header.nameCount + header.standardCount + header.universalCount)
        let footer = try reader.footer()
        var tail: TimeZoneTail?
        if !footer.isEmpty {
            guard let rule = TimeZoneTail(footer) else { throw .footer }
            tail = rule
        }
        self.init(
            name: name, transitions: transitions, offsets: places.map { types[$0] }, initialOffset: types[0], tail: tail
        )
    }
}

/// A header of RFC 9636 section 3.1.
private struct TimeZoneHeader {
    var version: UInt8
    var universalCount: Int
    var standardCount: Int
    var leapCount: Int
    var timeCount: Int
    var typeCount: Int
    var nameCount: Int

    /// Of the data block that follows it. Counts are bounded by 65,536 each.
    func byteCount(timeSize: Int) -> Int {
        self.timeCount * (timeSize + 1) + self.typeCount * 6 + self.nameCount + self.leapCount * (timeSize + 4)
            + self.standardCount + self.universalCount
    }
}

private struct TimeZoneReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func skip(_ count: Int) throws(TimeZoneFileProblem) {
        guard count >= 0, count <= self.bytes.count - self.place else { throw .truncated }
        self.place += count
    }

    /// Big-endian, 1 to 8 bytes.
    mutating func number(bytes count: Int) throws(TimeZoneFileProblem) -> UInt64 {
        let start = self.place
        try self.skip(count)
        return self.bytes[start..<self.place].reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func header() throws(TimeZoneFileProblem) -> TimeZoneHeader {
        guard self.bytes[self.place...].starts(with: "TZif".utf8) else { throw .notTZif }
        try self.skip(4)
        let version = UInt8(try self.number(bytes: 1))
        try self.skip(15)
        var counts: [Int] = []
        for _ in 0..<6 {
            let count = try self.number(bytes: 4)
            guard count <= 65_536 else { throw .tooLarge }
            counts.append(Int(count))
        }
        return TimeZoneHeader(
            version: version, universalCount: counts[0], standardCount: counts[1], leapCount: counts[2],
            timeCount: counts[3], typeCount: counts[4], nameCount: counts[5])
    }

    /// The offset of one local time type; its other fields are checked only.
    mutating func type(nameCount: Int) throws(TimeZoneFileProblem) -> Int32 {
        let offset = Int32(bitPattern: UInt32(try self.number(bytes: 4)))
        let isSummer = try self.number(bytes: 1)
        let name = try self.number(bytes: 1)
        // RFC 9636 section 3.2: more than -25 and less than 26 hours.
        guard offset > -90_000, offset < 93_600, isSummer <= 1, name < nameCount else { throw .malformed }
        return offset
    }

    /// What stands between the two line ends with which the file ends.
    mutating func footer() throws(TimeZoneFileProblem) -> Substring.UTF8View {
        let line = self.bytes[self.place...]
        guard line.count >= 2 else { throw .truncated }
        guard line.first == 0x0A, line.last == 0x0A else { throw .footer }
        let text = line.dropFirst().dropLast()
        guard text.count <= 256, text.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .footer }
        return Substring(String(decoding: text, as: UTF8.self)).utf8
    }
}

/// The offsets of a time zone from UTC, past and future: what local days begin and end by.
///
/// Read from the bytes of a TZif file by `init(name:tzif:)`; nothing here opens files. Immutable. Used where windows
/// roll over, not per request: a look-up is a binary search, or the making of a few dates beyond the file's table.
public struct TimeZoneRules: Sendable, Hashable {
    /// The name in the IANA database.
    public let name: String
    /// Ascending unix seconds.
    let transitions: [Int64]
    /// Seconds east of UTC, each from the transition of the same place on.
    let offsets: [Int32]
    /// Before the first transition.
    let initialOffset: Int32
    /// After the last transition; `nil`: the last offset stays.
    let tail: TimeZoneTail?

    /// Coordinated universal time.
    public static let utc = TimeZoneRules(name: "UTC", transitions: [], offsets: [], initialOffset: 0, tail: nil)

    init(name: String, transitions: [Int64], offsets: [Int32], initialOffset: Int32, tail: TimeZoneTail?) {
        self.name = name
        self.transitions = transitions
        self.offsets = offsets
        self.initialOffset = initialOffset
        self.tail = tail
    }

    /// Instants beyond the years 1 to 9999 count as their ends.
    private static func clamped(_ seconds: Int64) -> Int64 { min(max(seconds, -62_135_596_800), 253_402_300_799) }

    /// Seconds east of UTC at an instant.
    public func offset(at unixSeconds: Int64) -> Int64 { Int64(self.segment(at: Self.clamped(unixSeconds)).offset) }

    /// The stretch with one offset that an instant lies in, and where it ends; `nil`: never.
    private func segment(at instant: Int64) -> (offset: Int32, end: Int64?) {
        var low = 0
        var high = self.transitions.count
        while low < high {
            let middle = (low + high) / 2
            if self.transitions[middle] <= instant { low = middle + 1 } else { high = middle }
        }
        if low < self.transitions.count {
            return (low == 0 ? self.initialOffset : self.offsets[low - 1], self.transitions[low])
        }
        if let tail = self.tail { return tail.segment(at: instant) }
        return (self.offsets.last ?? self.initialOffset, nil)
    }

    /// The first instant at which the local clock shows midnight of `day` or anything later.
    ///
    /// Where midnight is skipped that is the end of the gap; where it comes twice, the first. For a day that does not
    /// exist (Apia, 2011-12-30) it is the start of the next one. Never decreases with the day.
    public func start(of day: CalendarDay) -> Int64 {
        let midnight = day.number * 86400
        // No offset is larger than 26 hours, so the local clock shows less than midnight here.
        var from = Self.clamped(midnight - 26 * 3600)
        while true {
            let segment = self.segment(at: from)
            let candidate = max(from, midnight - Int64(segment.offset))
            guard let end = segment.end, candidate >= end else { return candidate }
            from = end
        }
    }

    /// The local day whose time, from its start to the next one's, an instant lies in.
    public func day(at unixSeconds: Int64) -> CalendarDay {
        let instant = Self.clamped(unixSeconds)
        var day = CalendarDay(localSeconds: instant + self.offset(at: instant))
        // A clock that is set back over midnight shows the day before a second time.
        for _ in 0..<3 where instant >= self.start(of: day.adding(days: 1)) { day = day.adding(days: 1) }
        return day
    }
}

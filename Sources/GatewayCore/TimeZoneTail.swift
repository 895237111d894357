/// The rule for all years after a time zone file's table: a TZ string of POSIX (IEEE Std 1003.1-2017 section 8.3) with
/// the extension of RFC 9636 section 3.3.1, hours from -167 to 167.
struct TimeZoneTail: Sendable, Hashable {
    /// The day of a change within a year.
    enum Day: Sendable, Hashable {
        /// `Mm.w.d`: weekday d (0 is Sunday) of week w of month m; week 5 is the last.
        case weekday(month: Int, week: Int, weekday: Int)
        /// `Jn`: 1 to 365, February 29 is never counted.
        case withoutLeapDay(Int)
        /// `n`: 0 to 365, February 29 is counted.
        case withLeapDay(Int)
    }

    /// When a change happens: local time in force before it, seconds after midnight of its day.
    struct Change: Sendable, Hashable {
        var day: Day
        var seconds: Int64

        func localSeconds(in year: Int) -> Int64 {
            let first = CalendarDay(year: year, month: 1, day: 1)
            let day: CalendarDay
            switch self.day {
            case .withLeapDay(let number): day = first.adding(days: Int64(number))
            case .withoutLeapDay(let number):
                let isLeap = CivilDate.days(inMonth: 2, of: year) == 29
                day = first.adding(days: Int64(number) - (isLeap && number >= 60 ? 0 : 1))
            case .weekday(let month, let week, let weekday):
                let start = CalendarDay(year: year, month: month, day: 1)
                var place = 1 + (weekday - start.weekday + 7) % 7 + (week - 1) * 7
                if place > CivilDate.days(inMonth: month, of: year) { place -= 7 }
                day = CalendarDay(year: year, month: month, day: place)
            }
            return day.number * 86400 + self.seconds
        }
    }

    /// Summer time, where there is one.
    struct Summer: Sendable, Hashable {
        var offset: Int32
        var start: Change
        var end: Change
    }

    /// Seconds east of UTC.
    let standardOffset: Int32
    let summer: Summer?

    /// The offset in force at an instant and when the next change is.
    func segment(at instant: Int64) -> (offset: Int32, end: Int64?) {
        guard let summer = self.summer else { return (self.standardOffset, nil) }
        let year = CivilDate(unixSeconds: instant).year
        var current: (at: Int64, offset: Int32) = (.min, self.standardOffset)
        var end: Int64?
        for year in (year - 1)...(year + 1) {
            // The start comes second: a zone whose summer time ends where the next begins always has it.
            let changes = [
                (summer.end.localSeconds(in: year) - Int64(summer.offset), self.standardOffset),
                (summer.start.localSeconds(in: year) - Int64(self.standardOffset), summer.offset),
            ]
            for (at, offset) in changes {
                if at <= instant {
                    if at >= current.at { current = (at, offset) }
                } else {
                    end = min(end ?? at, at)
                }
            }
        }
        return (current.offset, end)
    }
}

extension TimeZoneTail {
    /// - Returns: `nil` for a text that is no such rule.
    init?(_ text: Substring.UTF8View) {
        var rest = text
        guard Self.name(&rest), let standard = Self.time(&rest, hoursMax: 24) else { return nil }
        self.standardOffset = Int32(-standard)
        guard !rest.isEmpty else {
            self.summer = nil
            return
        }
        guard Self.name(&rest) else { return nil }
        var offset = Int64(self.standardOffset) + 3600
        if rest.first != UInt8(ascii: ",") {
            guard let own = Self.time(&rest, hoursMax: 24) else { return nil }
            offset = -own
        }
        guard let start = Self.change(&rest), let end = Self.change(&rest), rest.isEmpty else { return nil }
        self.summer = Summer(offset: Int32(offset), start: start, end: end)
    }

    /// Three or more letters, or letters, digits and signs in angle brackets.
    private static func name(_ rest: inout Substring.UTF8View) -> Bool {
        let isLetter = { (byte: UInt8) in (byte | 0x20) &- 0x61 < 26 }
        if rest.first == UInt8(ascii: "<") {
            rest.removeFirst()
            let name = rest.prefix { isLetter($0) || $0 &- 0x30 < 10 || $0 == 0x2B || $0 == 0x2D }
            rest.removeFirst(name.count)
            guard name.count >= 3, rest.first == UInt8(ascii: ">") else { return false }
            rest.removeFirst()
            return true
        }
        let name = rest.prefix(while: isLetter)
        rest.removeFirst(name.count)
        return name.count >= 3
    }

    /// `[+-]h[h[h]][:mm[:ss]]` in seconds.
    private static func time(_ rest: inout Substring.UTF8View, hoursMax: Int64) -> Int64? {
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        guard let hours = Self.number(&rest, 0...hoursMax) else { return nil }
        var seconds = hours * 3600
        for unit in [Int64(60), 1] where rest.first == UInt8(ascii: ":") {
            rest.removeFirst()
            guard let part = Self.number(&rest, 0...59) else { return nil }
            seconds += part * unit
        }
        return isNegative ? -seconds : seconds
    }

    private static func number(_ rest: inout Substring.UTF8View, _ range: ClosedRange<Int64>) -> Int64? {
        let digits = rest.prefix { $0 &- 0x30 < 10 }
        guard (1...3).contains(digits.count) else { return nil }
        rest.removeFirst(digits.count)
        let number = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 &- 0x30) }
        return range.contains(number) ? number : nil
    }

    /// `,date[/time]`; the time is 02:00 when it is not given.
    private static func change(_ rest: inout Substring.UTF8View) -> Change? {
        guard rest.popFirst() == UInt8(ascii: ","), let first = rest.first else { return nil }
        let day: Day
        switch first {
        case UInt8(ascii: "M"):
            rest.removeFirst()
            guard let month = Self.number(&rest, 1...12), rest.popFirst() == UInt8(ascii: "."),
                let week = Self.number(&rest, 1...5), rest.popFirst() == UInt8(ascii: "."),
                let weekday = Self.number(&rest, 0...6)
            else { return nil }
            day = .weekday(month: Int(month), week: Int(week), weekday: Int(weekday))
        case UInt8(ascii: "J"):
            rest.removeFirst()
            guard let number = Self.number(&rest, 1...365) else { return nil }
            day = .withoutLeapDay(Int(number))
        default:
            guard let number = Self.number(&rest, 0...365) else { return nil }
            day = .withLeapDay(Int(number))
        }
        guard rest.first == UInt8(ascii: "/") else { return Change(day: day, seconds: 7200) }
        rest.removeFirst()
        guard let seconds = Self.time(&rest, hoursMax: 167) else { return nil }
        return Change(day: day, seconds: seconds)
    }
}

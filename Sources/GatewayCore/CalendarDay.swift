/// A day of the proleptic Gregorian calendar, without a time zone: what a local date is compared and counted by.
public struct CalendarDay: Sendable, Hashable, Comparable {
    /// Days since 1970-01-01.
    public let number: Int64

    /// Kept within the years 1 to 9999.
    public init(number: Int64) {
        self.number = min(max(number, -719_162), 2_932_896)
    }

    /// A day beyond the end of its month is brought to its last day: the 31st of a February is its 28th or 29th.
    /// Months and years in their usual ranges; beyond these the nearest that there is.
    public init(year: Int, month: Int, day: Int) {
        let year = min(max(year, 1), 9999)
        let month = min(max(month, 1), 12)
        let day = min(max(day, 1), CivilDate.days(inMonth: month, of: year))
        let seconds = CivilDate.unixSeconds(year: year, month: month, day: day) ?? 0
        self.init(number: CalendarDay.floor(seconds, 86400))
    }

    /// The day on which that many seconds since 1970 fall when read as local time.
    public init(localSeconds: Int64) {
        self.init(number: CalendarDay.floor(localSeconds, 86400))
    }

    /// Year, month and day of the month.
    public var parts: (year: Int, month: Int, day: Int) {
        let date = CivilDate(unixSeconds: self.number * 86400)
        return (date.year, date.month, date.day)
    }

    /// 0 is Sunday.
    public var weekday: Int { Int(((self.number % 7) + 11) % 7) }

    /// That many days later, or earlier when negative.
    public func adding(days: Int64) -> CalendarDay { CalendarDay(number: clampedSum(self.number, days)) }

    static func floor(_ number: Int64, _ divisor: Int64) -> Int64 {
        let quotient = number / divisor
        return number % divisor < 0 ? quotient - 1 : quotient
    }

    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// A date and time of the proleptic Gregorian calendar in UTC, with the texts HTTP and JSON want.
///
/// `year` is written in full, `month` and `day` count from 1; `hour`, `minute` and `second` are those of a day of
/// 86,400 seconds: there are no leap seconds.
///
/// The conversion is Howard Hinnant's "days from civil" (public-domain algorithm,
/// http://howardhinnant.github.io/date_algorithms.html).
public struct CivilDate: Hashable, Sendable {
    public var year: Int
    public var month: Int
    public var day: Int
    public var hour: Int
    public var minute: Int
    public var second: Int
    /// 0 is Sunday.
    public var weekday: Int

    /// - Parameter unixSeconds: from 1970-01-01T00:00:00Z on, negative before; whatever a `WallTime` can hold.
    public init(unixSeconds: Int64) {
        let days = unixSeconds >= 0 ? unixSeconds / 86400 : (unixSeconds - 86399) / 86400
        let rest = Int(unixSeconds - days * 86400)
        let shifted = Int(days) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        self.month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        self.year = yearOfEra + era * 400 + (self.month <= 2 ? 1 : 0)
        self.hour = rest / 3600
        self.minute = rest / 60 % 60
        self.second = rest % 60
        self.weekday = Int(((days % 7) + 11) % 7)
    }

    /// `nil` unless the parts name a day that exists. Hours, minutes and seconds in their usual ranges.
    public static func unixSeconds(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0
    ) -> Int64? {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1, day <= self.days(inMonth: month, of: year),
            (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
        else { return nil }
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        return Int64(days) * 86400 + Int64(hour * 3600 + minute * 60 + second)
    }

    static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// IMF-fixdate of RFC 9110 section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
    public var httpDate: String {
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(days[self.weekday]), \(Self.two(self.day)) \(months[self.month - 1]) \(Self.four(self.year)) "
            + "\(Self.two(self.hour)):\(Self.two(self.minute)):\(Self.two(self.second)) GMT"
    }

    /// RFC 3339 in UTC with whole seconds: `1994-11-06T08:49:37Z`.
    public var rfc3339: String {
        "\(Self.four(self.year))-\(Self.two(self.month))-\(Self.two(self.day))"
            + "T\(Self.two(self.hour)):\(Self.two(self.minute)):\(Self.two(self.second))Z"
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    private static func four(_ number: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, 4 - text.count)) + text
    }
}

import GatewayCore
import Testing

struct CivilDateTests {
    @Test func knownDates() {
        #expect(CivilDate(unixSeconds: 784_111_777).httpDate == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(CivilDate(unixSeconds: 0).httpDate == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(CivilDate(unixSeconds: -1).rfc3339 == "1969-12-31T23:59:59Z")
        #expect(CivilDate(unixSeconds: -1).httpDate.hasPrefix("Wed, "))
        #expect(CivilDate(unixSeconds: 951_782_400).rfc3339 == "2000-02-29T00:00:00Z")
        #expect(CivilDate(unixSeconds: 4_102_444_799).rfc3339 == "2099-12-31T23:59:59Z")
    }

    /// Guarantee: there and back again, day by day, from year 1 to year 9999; weekdays follow each other.
    @Test func everyDayGoesThereAndBack() throws {
        var seconds = try #require(CivilDate.unixSeconds(year: 1, month: 1, day: 1))
        var weekday = CivilDate(unixSeconds: seconds).weekday
        var failures = 0
        while seconds < 253_402_300_800 {
            let date = CivilDate(unixSeconds: seconds)
            let back = CivilDate.unixSeconds(year: date.year, month: date.month, day: date.day)
            if back != seconds || date.weekday != weekday || date.hour != 0 { failures += 1 }
            // A week and a day: the weekday goes forward by one.
            seconds += 8 * 86400
            weekday = (weekday + 1) % 7
        }
        #expect(failures == 0)
    }

    @Test(arguments: [
        (2026, 2, 29), (2100, 2, 29), (2026, 4, 31), (2026, 13, 1), (2026, 0, 1), (2026, 1, 0), (0, 1, 1),
        (10_000, 1, 1), (2026, 1, 32), (-1, 1, 1),
    ])
    func daysThatDoNotExist(_ year: Int, _ month: Int, _ day: Int) {
        #expect(CivilDate.unixSeconds(year: year, month: month, day: day) == nil)
    }

    @Test func timesOfDay() {
        #expect(CivilDate.unixSeconds(year: 2000, month: 2, day: 29) == 951_782_400)
        #expect(CivilDate.unixSeconds(year: 1970, month: 1, day: 1, hour: 23, minute: 59, second: 59) == 86_399)
        #expect(CivilDate.unixSeconds(year: 1970, month: 1, day: 1, hour: 24) == nil)
        #expect(CivilDate.unixSeconds(year: 1970, month: 1, day: 1, minute: 60) == nil)
        #expect(CivilDate.unixSeconds(year: 1970, month: 1, day: 1, second: 60) == nil)
    }
}

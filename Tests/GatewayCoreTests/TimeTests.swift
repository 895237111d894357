import GatewayCore
import Testing

struct TimeTests {
    @Test func spans() {
        #expect(TimeSpan.microseconds(1).nanoseconds == 1000)
        #expect(TimeSpan.milliseconds(-2).nanoseconds == -2_000_000)
        #expect(TimeSpan.seconds(3).milliseconds == 3000)
        #expect(TimeSpan.minutes(2) == .seconds(120))
        #expect((TimeSpan.seconds(1) + .milliseconds(5)).microseconds == 1_005_000)
        #expect(TimeSpan.zero < .nanoseconds(1))
    }

    /// Guarantee: a huge number from a peer (`Retry-After: 99999999999999`) neither traps nor wraps around.
    @Test func spansEndWhereTheyMust() {
        for huge in [Int64.max, Int64.max / 1000 + 1, 99_999_999_999_999_999] {
            #expect(TimeSpan.seconds(huge).nanoseconds == .max)
            #expect(TimeSpan.minutes(huge).nanoseconds == .max)
            #expect(TimeSpan.milliseconds(huge).nanoseconds == .max)
            #expect(TimeSpan.seconds(-huge).nanoseconds == .min)
        }
        #expect(TimeSpan.microseconds(.max).nanoseconds == .max)
        #expect(TimeSpan.nanoseconds(.max) + .nanoseconds(.max) == .nanoseconds(.max))
        #expect(TimeSpan.nanoseconds(.min) + .nanoseconds(.min) == .nanoseconds(.min))
        let now = MonotonicTime(nanoseconds: 1_000)
        #expect(now + .nanoseconds(.max) > now)
    }

    @Test func instants() {
        let start = MonotonicTime(nanoseconds: 10)
        #expect(start + .nanoseconds(5) - start == .nanoseconds(5))
        let first = MonotonicTime.now()
        #expect(first <= MonotonicTime.now())
        #expect(WallTime(nanoseconds: -1).unixSeconds == -1)
        #expect(WallTime(nanoseconds: 999_999_999).unixSeconds == 0)
        #expect(WallTime(unixSeconds: 1_796_083_200).nanoseconds == 1_796_083_200_000_000_000)
    }

    /// Guarantee: `expires: 9999-12-31` is far in the future, not somewhere in the past.
    @Test func datesBeyondTheCalendarAreItsEnd() throws {
        let seconds = try #require(CivilDate.unixSeconds(year: 9999, month: 12, day: 31))
        #expect(WallTime(unixSeconds: seconds).nanoseconds == .max)
        #expect(WallTime(unixSeconds: -seconds).nanoseconds == .min)
    }
}

import GatewayContract
import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayPolicy

/// Invariant 13 of control-plane 1.5. All instants are unix seconds of the IANA database, written down.
struct BudgetWindowTests {
    private func window(_ spec: BudgetWindowSpec, _ file: TimeZoneFileBytes) throws -> BudgetWindow {
        BudgetWindow(spec, zone: try TimeZoneRules(name: "test", tzif: file.bytes))
    }

    private func expect(
        _ window: BudgetWindow, _ start: Int64, _ end: Int64, _ at: SourceLocation = #_sourceLocation
    ) {
        let period = BudgetPeriod(start: start, end: end)
        #expect(window.period(containing: start) == period, sourceLocation: at)
        #expect(window.period(containing: end - 1) == period, sourceLocation: at)
        #expect(window.period(containing: start - 1).end == start, sourceLocation: at)
        #expect(window.period(containing: end).start == end, sourceLocation: at)
    }

    /// Guarantee: a day on which clocks change has 23 or 25 hours and is one day.
    @Test func daysWithAClockChange() throws {
        let newYork = try self.window(.day, .newYork)
        self.expect(newYork, 1_772_946_000, 1_773_028_800)
        #expect(1_773_028_800 - 1_772_946_000 == 23 * 3600)
        self.expect(newYork, 1_793_505_600, 1_793_595_600)
        #expect(1_793_595_600 - 1_793_505_600 == 25 * 3600)
        let berlin = try self.window(.day, .berlin)
        self.expect(berlin, 1_774_738_800, 1_774_821_600)
        self.expect(berlin, 1_792_879_200, 1_792_969_200)
        self.expect(try self.window(.day, .shanghai), 671_558_400, 671_641_200)
    }

    /// Guarantee: the day that Samoa left out has no window, and its neighbours meet.
    @Test func aDayThatDoesNotExist() throws {
        let apia = try self.window(.day, .apia)
        self.expect(apia, 1_325_152_800, 1_325_239_200)
        self.expect(apia, 1_325_239_200, 1_325_325_600)
    }

    /// Guarantee: an anchor of 31 clamps to the end of a month and returns to 31.
    @Test func anchorsClampAndReturn() throws {
        let newYork = try self.window(.month(from: 31), .newYork)
        // January 31, February 28, March 31 (summer time by then), April 30, May 31.
        self.expect(newYork, 1_769_835_600, 1_772_254_800)
        self.expect(newYork, 1_772_254_800, 1_774_929_600)
        self.expect(newYork, 1_774_929_600, 1_777_521_600)
        self.expect(newYork, 1_777_521_600, 1_780_200_000)
        self.expect(try self.window(.month(from: 1), .shanghai), 1_767_196_800, 1_769_875_200)
        // Over the turn of a year, in UTC: December 15 to January 15.
        self.expect(BudgetWindow(.month(from: 15)), 1_765_756_800, 1_768_435_200)
    }

    @Test func weeksBeginOnTheirDay() throws {
        // Monday 2026-03-02 to Monday 2026-03-09 in New York: one hour short.
        self.expect(try self.window(.week(from: 1), .newYork), 1_773_028_800 - 7 * 86400 + 3600, 1_773_028_800)
        // Sunday 2026-10-25 to Sunday 2026-11-01 in Berlin: one hour long.
        self.expect(try self.window(.week(from: 0), .berlin), 1_792_879_200, 1_792_879_200 + 7 * 86400 + 3600)
    }

    @Test func rollingHoursHaveSlicesOfATenth() {
        let window = BudgetWindow(.hours(5))
        self.expect(window, 1_793_505_600, 1_793_505_600 + 1800)
        #expect(window.isRolling)
        #expect(window.period(containing: -1) == BudgetPeriod(start: -1800, end: 0))
    }

    @Test func aLifetimeHasNoEnd() {
        let period = BudgetWindow(.lifetime).period(containing: 5)
        #expect(period.end == nil)
        #expect(period.contains(.max - 1))
    }

    /// Guarantee: whatever the instant, it lies in its window; nothing overflows at the ends of time.
    @Test(arguments: [BudgetWindowSpec.day, .week(from: 3), .month(from: 29), .hours(7), .month(from: 99), .hours(-4)])
    func everyInstantLiesInItsWindow(_ spec: BudgetWindowSpec) throws {
        var random = SeededRandom(seed: 0x5eed_0201)
        for file in [TimeZoneFileBytes.newYork, .berlin, .shanghai, .apia] {
            let window = try self.window(spec, file)
            for _ in 0..<300 {
                let seconds = Int64(random.int(0...6_000_000_000))
                #expect(window.period(containing: seconds).contains(seconds))
            }
            for seconds in [Int64.min, -62_135_596_800, 253_402_300_799, .max] {
                _ = window.period(containing: seconds)
            }
        }
    }
}

import GatewayContract
import GatewayCore

/// A stretch of time over which money is counted: unix seconds, `[start, end)`.
public struct BudgetPeriod: Sendable, Hashable {
    /// The first second in it.
    public let start: Int64
    /// `nil`: for ever.
    public let end: Int64?

    /// Whether an instant lies in it.
    public func contains(_ seconds: Int64) -> Bool {
        seconds >= self.start && seconds < self.end ?? .max
    }
}

/// The windows of a budget in its time zone.
///
/// Days, weeks and months begin at local midnight: a day on which clocks change has 23 or 25 hours and is one day. A
/// rolling window of N hours is kept in slices of a tenth of N: money counts from its reservation's slice on for N
/// hours at least and 1.1 N at most, so that no N hours ever hold more than the limit.
public struct BudgetWindow: Sendable, Hashable {
    /// Past slices that count beside the current one.
    static let pastSlices = 10

    /// With its numbers brought into range.
    public let spec: BudgetWindowSpec
    /// Whose midnights count.
    public let zone: TimeZoneRules

    /// Days of the week and month outside their range are brought to the nearer end.
    public init(_ spec: BudgetWindowSpec, zone: TimeZoneRules = .utc) {
        switch spec {
        case .week(let day): self.spec = .week(from: min(max(day, 0), 6))
        case .month(let day): self.spec = .month(from: min(max(day, 1), 31))
        case .hours(let count): self.spec = .hours(min(max(count, 1), 8784))
        case .day, .lifetime: self.spec = spec
        }
        self.zone = zone
    }

    /// Whether money leaves the window slice by slice and not all at once.
    public var isRolling: Bool {
        if case .hours = self.spec { true } else { false }
    }

    /// The window, or the slice of a rolling one, that an instant lies in. A few microseconds: asked once per window
    /// and loop, never per request.
    public func period(containing seconds: Int64) -> BudgetPeriod {
        switch self.spec {
        case .lifetime: return BudgetPeriod(start: 0, end: nil)
        case .hours(let count):
            let slice = Int64(count) * 360
            let within = min(max(seconds, -1 << 40), 1 << 40)
            let start = within - ((within % slice) + slice) % slice
            return BudgetPeriod(start: start, end: start + slice)
        case .day: return self.period(from: self.zone.day(at: seconds)) { $0.adding(days: 1) }
        case .week(let first):
            let day = self.zone.day(at: seconds)
            let start = day.adding(days: -Int64((day.weekday - first + 7) % 7))
            return self.period(from: start) { $0.adding(days: 7) }
        case .month(let anchor):
            let day = self.zone.day(at: seconds)
            let (year, month, _) = day.parts
            var start = CalendarDay(year: year, month: month, day: anchor)
            if day < start { start = Self.month(start, -1, anchor) }
            return self.period(from: start) { Self.month($0, 1, anchor) }
        }
    }

    private func period(from day: CalendarDay, next: (CalendarDay) -> CalendarDay) -> BudgetPeriod {
        let end = next(day)
        // At the end of the calendar, in the year 9999, the last window stays.
        return BudgetPeriod(
            start: self.zone.start(of: day), end: end > day ? self.zone.start(of: end) : nil)
    }

    /// The anchor's day of the month before or after that of `day`: the 31st clamps, and returns to 31.
    private static func month(_ day: CalendarDay, _ step: Int, _ anchor: Int) -> CalendarDay {
        let (year, month, _) = day.parts
        let months = year * 12 + month - 1 + step
        return CalendarDay(year: months / 12, month: months % 12 + 1, day: anchor)
    }
}

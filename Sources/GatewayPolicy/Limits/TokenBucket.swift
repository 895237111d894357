import GatewayCore

/// The unit of time in which buckets count: 1/16 ns, measured from the origin of the monotonic clock.
///
/// A minute has 960,000,000,000 ticks, so that one unit of a rate of R per minute takes that many over R to come back:
/// 960 ticks at the highest rate, 1,000,000,000. This price of a unit is rounded **up** to a whole tick, n units cost
/// n times as much, and a full bucket holds R prices. Hence a bucket never admits more than its rate and, at a standing
/// clock, exactly its burst; it admits at most 0.11 % less than its rate (just under the highest), and less than one
/// part in a million less for every rate up to 1,000,000. The price is a constant, so that nothing drifts. 64 bits hold
/// 18 years of ticks.
enum RateTicks {
    @inline(__always) static var perNanosecond: Int64 { 16 }
    @inline(__always) static var minute: Int64 { 960_000_000_000 }
    /// The most that one charge or a whole debt can be: 365 days.
    @inline(__always) static var debtMax: Int64 { 365 * 24 * 60 * Self.minute }
    /// Clock readings are clamped to 16 years after the origin: a reading, a debt and a charge have a sum.
    @inline(__always) static var clockMax: Int64 { Int64.max - 2 * (Self.debtMax + 2 * Self.minute) }

    @inline(__always)
    static func at(_ time: MonotonicTime) -> Int64 {
        let (ticks, overflow) = max(time.nanoseconds, 0).multipliedReportingOverflow(by: Self.perNanosecond)
        return overflow ? Self.clockMax : min(ticks, Self.clockMax)
    }

    /// Rounded up.
    static func span(_ ticks: Int64) -> TimeSpan {
        .nanoseconds((max(ticks, 0) + Self.perNanosecond - 1) / Self.perNanosecond)
    }
}

/// One token bucket: a rate per minute with a burst of one minute's worth, as a GCRA cell of the slab.
///
/// The cell holds the theoretical arrival time: the instant at which the bucket is full again. It is one atomic number
/// shared by all loops, so that what is admitted is exact over all of them: over every window of length t, takes that
/// do not exceed the burst each sum to at most burst + rate × t, plus what was given back in that window for takes
/// before it. A loop whose clock reading is behind the others' only gets less. The state is time, not units: after an
/// edit of the rate the same share of the minute is used.
public struct RateCell: Sendable, Hashable {
    let index: Int32
    /// Units per minute, and the burst: 1 to 1,000,000,000.
    public let perMinute: Int64

    /// Ticks in which one unit comes back: 960 to 960,000,000,000.
    @inline(__always)
    var price: Int64 { (RateTicks.minute - 1) / self.perMinute + 1 }

    /// What a full bucket holds: one minute, and less than 0.11 % for the rounding of the price.
    var burst: Int64 { self.price * self.perMinute }

    /// At most `debtMax`. Negative units count as none.
    @inline(__always)
    func cost(of units: Int64) -> Int64 {
        let (ticks, overflow) = max(units, 0).multipliedReportingOverflow(by: self.price)
        return overflow ? RateTicks.debtMax : min(ticks, RateTicks.debtMax)
    }

    enum Outcome {
        /// What was charged, in ticks.
        case taken(Int64)
        /// Ticks until the same take would pass if nobody else takes.
        case refused(Int64)
    }

    /// Takes `units`, or nothing. Two divisions and one compare-and-swap.
    ///
    /// A cost above the burst passes when the bucket is full and leaves the rest as debt (pitfall B-13). Even a take of
    /// nothing is refused while there is debt.
    @inline(__always)
    func take(_ units: Int64, at now: MonotonicTime, from slab: LimitSlab) -> Outcome {
        let clock = RateTicks.at(now)
        let cost = self.cost(of: units)
        let burst = self.burst
        let room = burst - min(cost, burst)
        var held = slab.load(self.index)
        while true {
            let start = max(held, clock)
            guard start - clock <= room else { return .refused(start - clock - room) }
            guard let other = slab.replace(self.index, expected: held, desired: start + cost) else {
                return .taken(cost)
            }
            held = other
        }
    }

    /// Undoes a charge. What time has already filled up stays full: a bucket never holds more than its burst.
    @inline(__always)
    func giveBack(_ ticks: Int64, to slab: LimitSlab) {
        if ticks > 0 { slab.subtract(self.index, ticks) }
    }

    /// Corrects a charge to what was really used: gives back, or takes the rest without asking, as debt.
    ///
    /// Debt beyond 365 days of the rate is not kept.
    @inline(__always)
    func settle(charged: Int64, used units: Int64, at now: MonotonicTime, in slab: LimitSlab) {
        let difference = self.cost(of: units) - charged
        guard difference > 0 else { return self.giveBack(-difference, to: slab) }
        let clock = RateTicks.at(now)
        let ceiling = clock + self.burst + RateTicks.debtMax
        var held = slab.load(self.index)
        while true {
            let desired = min(max(held, clock) + difference, max(ceiling, held))
            guard let other = slab.replace(self.index, expected: held, desired: desired) else { return }
            held = other
        }
    }

    /// What is left now: one load and two divisions.
    @inline(__always)
    func state(at now: MonotonicTime, in slab: LimitSlab) -> LimitState {
        let missing = max(slab.load(self.index) - RateTicks.at(now), 0)
        return LimitState(
            limit: self.perMinute,
            remaining: max(self.burst - missing, 0) / self.price,
            reset: RateTicks.span(missing))
    }
}

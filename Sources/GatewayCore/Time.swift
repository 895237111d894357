#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@inlinable func clampedProduct(_ count: Int64, _ factor: Int64) -> Int64 {
    let (product, overflow) = count.multipliedReportingOverflow(by: factor)
    return overflow ? (count < 0 ? .min : .max) : product
}

@inlinable func clampedSum(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? (right < 0 ? .min : .max) : sum
}

/// A length of time in whole nanoseconds; about ±292 years. What would be longer stops there: a number from a peer
/// neither traps nor wraps around.
public struct TimeSpan: Hashable, Sendable, Comparable {
    /// Negative when the second of two points in time is the earlier one.
    public var nanoseconds: Int64

    /// Exactly so many nanoseconds.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    /// The exact span; the other units are multiples of it.
    @inlinable public static func nanoseconds(_ count: Int64) -> Self { .init(nanoseconds: count) }
    /// Clamped to the range of a span.
    @inlinable public static func microseconds(_ count: Int64) -> Self {
        .init(nanoseconds: clampedProduct(count, 1000))
    }
    /// Clamped to the range of a span.
    @inlinable public static func milliseconds(_ count: Int64) -> Self {
        .init(nanoseconds: clampedProduct(count, 1_000_000))
    }
    /// Clamped to the range of a span.
    @inlinable public static func seconds(_ count: Int64) -> Self {
        .init(nanoseconds: clampedProduct(count, 1_000_000_000))
    }
    /// Clamped to the range of a span.
    @inlinable public static func minutes(_ count: Int64) -> Self {
        .init(nanoseconds: clampedProduct(count, 60_000_000_000))
    }

    /// In settings and faults: no delay.
    @inlinable public static var zero: Self { .init(nanoseconds: 0) }

    /// By length, a span that goes back before all others.
    @inlinable public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
    /// At most the longest span there is.
    @inlinable public static func + (left: Self, right: Self) -> Self {
        .init(nanoseconds: clampedSum(left.nanoseconds, right.nanoseconds))
    }

    /// Rounded towards zero.
    @inlinable public var microseconds: Int64 { self.nanoseconds / 1000 }
    /// Rounded towards zero.
    @inlinable public var milliseconds: Int64 { self.nanoseconds / 1_000_000 }
}

/// A point on the machine's monotonic clock. Limits and timeouts use only this one: it never jumps.
public struct MonotonicTime: Hashable, Sendable, Comparable {
    /// Since a start that the system chose, on Linux its boot. Only order and differences mean something, and only on
    /// one machine until it restarts.
    public var nanoseconds: Int64

    /// A reading of the clock, or a point of a test's own clock.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Reads the clock: about 40 ns. On the hot path read it once per event and pass it on.
    public static func now() -> Self {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .init(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    /// By time, the earlier one first.
    @inlinable public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
    /// A sum beyond the end of the clock is its end, not a point in the past.
    @inlinable public static func + (left: Self, right: TimeSpan) -> Self {
        .init(nanoseconds: clampedSum(left.nanoseconds, right.nanoseconds))
    }
    /// Below zero when `left` is the earlier one. Both are readings of one clock, so that nothing overflows.
    @inlinable public static func - (left: Self, right: Self) -> TimeSpan {
        .init(nanoseconds: left.nanoseconds &- right.nanoseconds)
    }
}

/// A point on the calendar: `nanoseconds` since 1970-01-01T00:00:00Z. For records and dates, never for limits.
public struct WallTime: Hashable, Sendable, Comparable {
    /// Since 1970, without leap seconds; below 0 before.
    public var nanoseconds: Int64

    /// Exactly so many nanoseconds since 1970.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    /// The calendar ends in the years 1677 and 2262: `9999-12-31` is its last instant.
    @inlinable public init(unixSeconds: Int64) { self.nanoseconds = clampedProduct(unixSeconds, 1_000_000_000) }

    /// Reads the system's clock, about 40 ns. The clock may be set at any time: a later reading can be an earlier
    /// point.
    public static func now() -> Self {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return .init(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    /// Whole seconds since 1970, rounded down.
    @inlinable public var unixSeconds: Int64 {
        self.nanoseconds >= 0 ? self.nanoseconds / 1_000_000_000 : (self.nanoseconds - 999_999_999) / 1_000_000_000
    }

    /// By time, the earlier one first.
    @inlinable public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
}

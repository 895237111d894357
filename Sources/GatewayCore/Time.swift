#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A length of time in whole nanoseconds; about ±292 years.
public struct TimeSpan: Hashable, Sendable, Comparable {
    public var nanoseconds: Int64

    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    @inlinable public static func nanoseconds(_ count: Int64) -> Self { .init(nanoseconds: count) }
    @inlinable public static func microseconds(_ count: Int64) -> Self { .init(nanoseconds: count * 1000) }
    @inlinable public static func milliseconds(_ count: Int64) -> Self { .init(nanoseconds: count * 1_000_000) }
    @inlinable public static func seconds(_ count: Int64) -> Self { .init(nanoseconds: count * 1_000_000_000) }
    @inlinable public static func minutes(_ count: Int64) -> Self { .seconds(count * 60) }

    @inlinable public static var zero: Self { .init(nanoseconds: 0) }

    @inlinable public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
    @inlinable public static func + (left: Self, right: Self) -> Self {
        .init(nanoseconds: left.nanoseconds &+ right.nanoseconds)
    }

    /// Rounded towards zero.
    @inlinable public var microseconds: Int64 { self.nanoseconds / 1000 }
    /// Rounded towards zero.
    @inlinable public var milliseconds: Int64 { self.nanoseconds / 1_000_000 }
}

/// A point on the machine's monotonic clock. Limits and timeouts use only this one: it never jumps.
public struct MonotonicTime: Hashable, Sendable, Comparable {
    public var nanoseconds: Int64

    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Reads the clock: about 40 ns. On the hot path read it once per event and pass it on.
    public static func now() -> Self {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .init(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    @inlinable public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
    @inlinable public static func + (left: Self, right: TimeSpan) -> Self {
        .init(nanoseconds: left.nanoseconds &+ right.nanoseconds)
    }
    @inlinable public static func - (left: Self, right: Self) -> TimeSpan {
        .init(nanoseconds: left.nanoseconds &- right.nanoseconds)
    }
}

/// A point on the calendar: nanoseconds since 1970-01-01T00:00:00Z. For records and dates, never for limits.
public struct WallTime: Hashable, Sendable, Comparable {
    public var nanoseconds: Int64

    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    @inlinable public init(unixSeconds: Int64) { self.nanoseconds = unixSeconds &* 1_000_000_000 }

    public static func now() -> Self {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return .init(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    /// Whole seconds since 1970, rounded down.
    @inlinable public var unixSeconds: Int64 {
        self.nanoseconds >= 0 ? self.nanoseconds / 1_000_000_000 : (self.nanoseconds - 999_999_999) / 1_000_000_000
    }

    @inlinable public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
}

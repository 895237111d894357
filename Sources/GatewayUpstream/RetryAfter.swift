import GatewayCore
import GatewayWire

/// Reads how long a provider asks us to stay away.
///
/// `retry-after-ms` (OpenAI, Azure) is more exact and goes first; then `Retry-After` of RFC 9110 section 10.2.3,
/// seconds or a date. Fractions are rounded up. What names no time to come is ignored, `-1` and `0` from Azure above
/// all (pitfall B-19), and nobody keeps a deployment away for more than ten minutes.
public enum RetryAfter {
    /// The longest pause that a provider can ask for; a longer one is cut to it.
    public static let spanMax = TimeSpan.minutes(10)

    /// Off the hot path: called for refusals only.
    /// - Returns: more than zero and at most `spanMax`, or `nil` when the fields say nothing usable.
    public static func read(_ fields: HeaderFields, at now: WallTime) -> TimeSpan? {
        if let value = fields.withValue(.retryAfterMs, { Self.number($0) }) ?? nil, value > 0 {
            return min(.milliseconds(value), Self.spanMax)
        }
        return fields.withValue(.retryAfter, { Self.span($0, at: now) }) ?? nil
    }

    private static func span(_ value: UnsafeRawBufferPointer, at now: WallTime) -> TimeSpan? {
        if let first = value.first, first != UInt8(ascii: "-"), !Self.isLetter(first) {
            guard let seconds = Self.number(value), seconds > 0 else { return nil }
            return min(.seconds(seconds), Self.spanMax)
        }
        guard let date = HTTPDate.unixSeconds(value, at: now) else { return nil }
        let (ahead, overflow) = date.subtractingReportingOverflow(now.unixSeconds)
        guard !overflow, ahead > 0 else { return nil }
        return ahead >= 600 ? Self.spanMax : .seconds(ahead)
    }

    /// A decimal number without sign, rounded up to a whole one and cut at a million; `nil` for anything else.
    private static func number(_ value: UnsafeRawBufferPointer) -> Int64? {
        var whole: Int64 = 0
        var digits = 0
        var fraction: Int64 = 0
        var afterPoint = false
        for byte in value {
            switch byte {
            case UInt8(ascii: "."):
                guard !afterPoint, digits > 0 else { return nil }
                afterPoint = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits += 1
                if !afterPoint {
                    whole = min(whole * 10 + Int64(byte - UInt8(ascii: "0")), 1_000_000)
                } else if byte != UInt8(ascii: "0") {
                    fraction = 1
                }
            default:
                return nil
            }
        }
        return digits > 0 ? whole + fraction : nil
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}

/// The three forms of a date in HTTP (RFC 9110 section 5.6.7): IMF-fixdate, RFC 850 and asctime.
enum HTTPDate {
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// - Parameter now: decides the century of the two-digit year of RFC 850.
    /// - Returns: `nil` unless the value is such a date of a day that exists. The name of the weekday is not judged.
    static func unixSeconds(_ value: UnsafeRawBufferPointer, at now: WallTime) -> Int64? {
        guard value.count <= 64 else { return nil }
        let parts = value.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ",") })
        switch parts.count {
        case 6:  // Sun 06 Nov 1994 08:49:37 GMT
            guard Self.isGMT(parts[5]), parts[3].count == 4 else { return nil }
            return Self.seconds(day: parts[1], month: parts[2], year: Self.integer(parts[3]), time: parts[4])
        case 4:  // Sunday 06-Nov-94 08:49:37 GMT
            let date = parts[1].split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
            guard Self.isGMT(parts[3]), date.count == 3, date[2].count == 2, let short = Self.integer(date[2])
            else { return nil }
            let current = CivilDate(unixSeconds: now.unixSeconds).year
            let year = current / 100 * 100 + short
            return Self.seconds(
                day: date[0], month: date[1], year: year > current + 50 ? year - 100 : year, time: parts[2])
        case 5:  // Sun Nov  6 08:49:37 1994
            guard parts[4].count == 4 else { return nil }
            return Self.seconds(day: parts[2], month: parts[1], year: Self.integer(parts[4]), time: parts[3])
        default:
            return nil
        }
    }

    private typealias Part = Slice<UnsafeRawBufferPointer>

    private static func seconds(day: Part, month: Part, year: Int?, time: Part) -> Int64? {
        let clock = time.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        let monthName = String(decoding: month, as: UTF8.self).lowercased()
        guard clock.count == 3, let year, let day = Self.integer(day),
            let month = Self.months.firstIndex(of: monthName),
            let hour = Self.integer(clock[0]), let minute = Self.integer(clock[1]), let second = Self.integer(clock[2])
        else { return nil }
        // A leap second counts as the one before it.
        return CivilDate.unixSeconds(
            year: year, month: month + 1, day: day, hour: hour, minute: minute, second: min(second, 59))
    }

    private static func isGMT(_ part: Part) -> Bool { part.elementsEqual("GMT".utf8) }

    /// One to four digits.
    private static func integer(_ part: Part) -> Int? {
        guard (1...4).contains(part.count) else { return nil }
        var number = 0
        for byte in part {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }
}

/// Decimal numbers as ASCII digits, written straight into memory: log lines, limit fields.
public enum DecimalText {
    /// Digits of the greatest number.
    public static let bytesMax = 20

    /// Writes `number` without leading zeros at `place`. Cost: 8 instructions for one digit, about 35 up to eight, 80
    /// for ten.
    ///
    /// SAFETY: `place` must have room for `bytesMax` bytes. Up to seven bytes behind the digits may be overwritten,
    /// always within that room.
    /// - Returns: the place behind the last digit.
    public static func write(_ number: UInt64, at place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        if number < 10 {
            place.storeBytes(of: 0x30 | UInt8(truncatingIfNeeded: number), as: UInt8.self)
            return place + 1
        }
        if number < 100_000_000 { return Self.writeLeading(number, at: place) }
        return Self.writeLong(number, at: place)
    }

    /// A number of nine digits or more.
    @inline(never)
    private static func writeLong(_ number: UInt64, at place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let above = number / 100_000_000
        var end = place
        if above < 100 {
            let tens = UInt8(truncatingIfNeeded: above) / 10
            if tens > 0 {
                end.storeBytes(of: 0x30 | tens, as: UInt8.self)
                end += 1
            }
            end.storeBytes(of: 0x30 | (UInt8(truncatingIfNeeded: above) &- tens &* 10), as: UInt8.self)
            end += 1
        } else if above < 100_000_000 {
            end = Self.writeLeading(above, at: end)
        } else {
            let top = above / 100_000_000
            end = Self.writeLeading(top, at: end)
            end = Self.writeEight(above &- top &* 100_000_000, at: end)
        }
        return Self.writeEight(number &- above &* 100_000_000, at: end)
    }

    private static var zeros: UInt64 { 0x3030_3030_3030_3030 }

    /// 1 to 99,999,999, without leading zeros.
    @inline(__always)
    private static func writeLeading(_ number: UInt64, at place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let digits = Self.digits(number)
        let leading = digits.trailingZeroBitCount & 56
        let text = (digits | Self.zeros) &>> UInt64(truncatingIfNeeded: leading)
        place.storeBytes(of: text.littleEndian, as: UInt64.self)
        return place + (8 &- leading / 8)
    }

    /// 0 to 99,999,999, with leading zeros.
    @inline(__always)
    private static func writeEight(_ number: UInt64, at place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        place.storeBytes(of: (Self.digits(number) | Self.zeros).littleEndian, as: UInt64.self)
        return place + 8
    }

    /// The eight digits of a number below 100,000,000, one per byte, the first in the lowest byte.
    ///
    /// Divides all parts of the number at once: by 10,000, then two parts by 100, then four by 10. The reciprocals
    /// 10486 / 2^20 and 103 / 2^10 are exact up to 9,999 and up to 99.
    @inline(__always)
    private static func digits(_ number: UInt64) -> UInt64 {
        let thousands = number / 10_000
        let halves = thousands | (number &- thousands &* 10_000) &<< 32
        let hundreds = ((halves &* 10_486) &>> 20) & 0x0000_007f_0000_007f
        let quarters = hundreds | (halves &- hundreds &* 100) &<< 16
        let tens = ((quarters &* 103) &>> 10) & 0x000f_000f_000f_000f
        return tens | (quarters &- tens &* 10) &<< 8
    }
}

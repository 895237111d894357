/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address (`::ffff:a.b.c.d`) is the IPv4 address that it maps.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The first eight bytes in network order, as a number; an IPv4 address stands in the mapped form.
    public let high: UInt64
    /// The other eight bytes.
    public let low: UInt64

    /// Whether it lies in `::ffff:0:0/96`, where every IPv4 address stands.
    @inlinable public var isIPv4: Bool { self.high == 0 && self.low >> 32 == 0xffff }

    /// Byte 0…15 in network order; those of an IPv4 address are 12…15. Any other index is taken modulo 16.
    @inlinable
    public func octet(_ index: Int) -> UInt8 {
        let word = index & 8 == 0 ? self.high : self.low
        return UInt8(truncatingIfNeeded: word &>> UInt64(56 &- 8 &* (index & 7)))
    }

    /// Group 0…7 of the form `a:b:c:d:e:f:g:h`. Any other index is taken modulo 8.
    @inlinable
    public func group(_ index: Int) -> UInt16 {
        let word = index & 4 == 0 ? self.high : self.low
        return UInt16(truncatingIfNeeded: word &>> UInt64(48 &- 16 &* (index & 3)))
    }

    /// The groups that `::` stands for (RFC 5952, 4.2): the longest run of two or more zeros, of several the first;
    /// empty without one.
    public var elidedGroups: Range<Int> {
        var best = 0..<0
        var start = 0
        for index in 0...8 where index == 8 || self.group(index) != 0 {
            if index - start > max(best.count, 1) { best = start..<index }
            start = index + 1
        }
        return best
    }

    /// - Parameter address: the first of the four numbers in the highest byte: `127.0.0.1` is `0x7f00_0001`.
    public init(ipv4 address: UInt32) {
        self.init(high: 0, low: 0xffff_0000_0000 | UInt64(address))
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter bytes: 4 or 16 bytes in network order; anything else is `nil`.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4:
            self.init(ipv4: bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            self.init(
                high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
        default:
            return nil
        }
    }

    /// Reads dotted IPv4 and every RFC 4291 form of IPv6, without a zone.
    public init?(_ text: String) {
        if let address = Self.parseIPv4(Substring(text)) {
            self.init(ipv4: address)
        } else if let groups = Self.parseIPv6(text) {
            self.init(
                high: groups[0..<4].reduce(0) { $0 << 16 | UInt64($1) },
                low: groups[4..<8].reduce(0) { $0 << 16 | UInt64($1) })
        } else {
            return nil
        }
    }

    /// Dotted decimal, or the canonical text of RFC 5952 in lower case.
    public var description: String {
        if self.isIPv4 {
            return "\(self.low >> 24 & 0xff).\(self.low >> 16 & 0xff).\(self.low >> 8 & 0xff).\(self.low & 0xff)"
        }
        let groups = (0..<8).map { String(self.group($0), radix: 16) }
        let elided = self.elidedGroups
        guard !elided.isEmpty else { return groups.joined(separator: ":") }
        return groups[..<elided.lowerBound].joined(separator: ":") + "::"
            + groups[elided.upperBound...].joined(separator: ":")
    }

    private static func parseIPv4(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != 0x30, let octet = UInt8(part)
            else { return nil }
            address = address << 8 | UInt32(octet)
        }
        return address
    }

    private static func parseIPv6(_ text: String) -> [UInt16]? {
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        switch halves.count {
        case 1:
            guard let groups = self.parseGroups(halves[0]), groups.count == 8 else { return nil }
            return groups
        case 2:
            guard let left = self.parseGroups(halves[0], mayEndInIPv4: false), let right = self.parseGroups(halves[1]),
                left.count + right.count <= 7
            else { return nil }
            return left + Array(repeating: 0, count: 8 - left.count - right.count) + right
        default:
            return nil
        }
    }

    private static func parseGroups(_ text: Substring, mayEndInIPv4: Bool = true) -> [UInt16]? {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if mayEndInIPv4, index == parts.count - 1, part.contains("."), let address = self.parseIPv4(part) {
                groups += [UInt16(address >> 16), UInt16(address & 0xffff)]
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(Self.isHexDigit),
                    let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }
}

/// A block of addresses, `10.2.0.0/16` or `2001:db8::/32`; a single address is a block of one.
public struct IPBlock: Hashable, Sendable, CustomStringConvertible {
    /// As written: bits behind the prefix may be set. They show in `description` and count in `==`, nowhere else.
    public let base: IPAddress
    /// As written: 0 to 32 for IPv4, 0 to 128 for IPv6.
    public let prefixLength: Int

    /// `nil` for anything but an address with an optional prefix length. Bits behind the prefix are ignored.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let base = IPAddress(String(parts[0])) else { return nil }
        let bits = base.isIPv4 ? 32 : 128
        guard parts.count == 1 || parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let length = parts.count == 1 ? bits : Int(parts[1]), (0...bits).contains(length)
        else { return nil }
        self.base = base
        self.prefixLength = length
    }

    /// Whether the address begins with the same `prefixLength` bits. A block of one family holds no address of the
    /// other: `::/0` has no IPv4 address in it.
    public func contains(_ address: IPAddress) -> Bool {
        guard address.isIPv4 == self.base.isIPv4 else { return false }
        let length = self.base.isIPv4 ? self.prefixLength + 96 : self.prefixLength
        let highMask: UInt64 = length >= 64 ? .max : length == 0 ? 0 : ~(UInt64.max >> UInt64(length))
        let lowMask: UInt64 = length <= 64 ? 0 : length == 128 ? .max : ~(UInt64.max >> UInt64(length - 64))
        return (address.high ^ self.base.high) & highMask == 0 && (address.low ^ self.base.low) & lowMask == 0
    }

    /// Address and prefix length, `10.2.0.0/16`.
    public var description: String { "\(self.base)/\(self.prefixLength)" }
}

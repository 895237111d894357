/// Names in certificates (RFC 9525, 6.3).
public enum DNSNamePattern {
    /// Whether a DNS name of a certificate stands for a host. Compared without regard to the case of ASCII letters and
    /// to a final dot. `*` stands for exactly one label, the first, and only before two or more others.
    public static func matches(_ host: String, pattern: [UInt8]) -> Bool {
        let host = Self.normal(Array(host.utf8))
        let pattern = Self.normal(pattern)
        guard !host.isEmpty, !pattern.isEmpty else { return false }
        guard pattern.starts(with: "*.".utf8) else { return host == pattern }
        let base = pattern.dropFirst(2)
        guard base.contains(Self.dot), !base.contains(UInt8(ascii: "*")), base.first != Self.dot,
            let labelEnd = host.firstIndex(of: Self.dot), labelEnd > 0
        else { return false }
        return host[(labelEnd + 1)...] == base
    }

    private static let dot = UInt8(ascii: ".")

    private static func normal(_ name: [UInt8]) -> [UInt8] {
        let lower = name.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
        return lower.last == Self.dot ? Array(lower.dropLast()) : lower
    }
}

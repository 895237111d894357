import GatewayContract
import GatewayCore

/// Quantities as people write them. Every reader is strict: the whole text or nothing.
enum Units {
    /// `200ms`, `30s`, `5m`, `2h`, `1d`, `1h30m`. A bare `0` is allowed.
    static func duration(_ text: String) -> TimeSpan? {
        if text == "0" { return .zero }
        var rest = Substring(text)
        var total: Int64 = 0
        var smallest = Int64.max
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard !digits.isEmpty, let count = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            guard let scale = self.durations[String(unit)], scale < smallest else { return nil }
            smallest = scale
            rest = rest.dropFirst(unit.count)
            let (part, overflow) = count.multipliedReportingOverflow(by: scale)
            let (sum, overflowed) = total.addingReportingOverflow(part)
            if overflow || overflowed { return nil }
            total = sum
        }
        return text.isEmpty ? nil : .nanoseconds(total)
    }

    private static let durations: [String: Int64] = [
        "us": 1000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000,
        "d": 86_400_000_000_000,
    ]

    /// The shortest text that `duration` reads back.
    static func text(_ span: TimeSpan) -> String {
        if span.nanoseconds == 0 { return "0" }
        var rest = span.nanoseconds
        var out = ""
        for (unit, scale) in self.durations.sorted(by: { $0.value > $1.value }) where rest >= scale {
            if unit == "d" && rest % scale != 0 { continue }
            out += "\(rest / scale)\(unit)"
            rest %= scale
        }
        return out.isEmpty ? "0" : out
    }

    /// `512`, `64KiB`, `20MiB`, `1GiB`; `kB`, `MB` and `GB` are powers of 1000.
    static func size(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, let count = Int(digits), let scale = self.sizes[String(text.dropFirst(digits.count))]
        else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: scale)
        return overflow ? nil : bytes
    }

    private static let sizes: [String: Int] = [
        "": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 1000, "MB": 1_000_000, "GB": 1_000_000_000,
    ]

    static func text(bytes: Int) -> String {
        for (unit, scale) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        where bytes % scale == 0 && bytes > 0 {
            return "\(bytes / scale)\(unit)"
        }
        return "\(bytes)"
    }

    /// `600`, `900k`, `2M`, `1G`: powers of 1000.
    static func count(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let scales = ["": 1, "k": 1000, "M": 1_000_000, "G": 1_000_000_000]
        guard !digits.isEmpty, let count = Int(digits), let scale = scales[String(text.dropFirst(digits.count))] else {
            return nil
        }
        let (product, overflow) = count.multipliedReportingOverflow(by: scale)
        return overflow ? nil : product
    }

    /// `2027-01-31` (00:00 UTC) or `2027-01-31T12:00:00Z`.
    static func date(_ text: String) -> WallTime? {
        let bytes = Array(text.utf8)
        guard bytes.count == 10 || bytes.count == 20 else { return nil }
        let pattern = Array((bytes.count == 10 ? "0000-00-00" : "0000-00-00T00:00:00Z").utf8)
        for (byte, wanted) in zip(bytes, pattern) {
            let isDigit = (0x30...0x39).contains(byte)
            guard wanted == 0x30 ? isDigit : byte == wanted else { return nil }
        }
        func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { $0 * 10 + Int($1 - 0x30) } }
        let isLong = bytes.count == 20
        return CivilDate.unixSeconds(
            year: number(0..<4), month: number(5..<7), day: number(8..<10), hour: isLong ? number(11..<13) : 0,
            minute: isLong ? number(14..<16) : 0, second: isLong ? number(17..<19) : 0
        ).map { WallTime(unixSeconds: $0) }
    }

    static func text(date: WallTime) -> String {
        let text = CivilDate(unixSeconds: date.unixSeconds).rfc3339
        return text.hasSuffix("T00:00:00Z") ? String(text.prefix(10)) : text
    }

    /// `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`.
    static func listenAddress(_ text: String) -> ListenAddress? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = String(text[..<colon])
        guard let port = self.port(text[text.index(after: colon)...], lowest: 0) else { return nil }
        if host == "localhost" { host = "127.0.0.1" }
        if host.hasPrefix("["), host.hasSuffix("]") {
            guard let address = IPAddress(String(host.dropFirst().dropLast())), !address.isIPv4 else { return nil }
            return ListenAddress(host: address.description, port: port)
        }
        guard !host.contains(":"), let address = IPAddress(host) else { return nil }
        return ListenAddress(host: address.description, port: port)
    }

    static func port(_ text: Substring, lowest: Int) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(text), (lowest...65535).contains(port)
        else { return nil }
        return port
    }

    enum URLFault: Error, Equatable {
        case scheme, userInfo, query, host, port, path
    }

    /// `http[s]://host[:port][/path]` without user, query and fragment.
    static func baseURL(_ text: String) -> Result<BaseURL, URLFault> {
        let lower = text.lowercased()
        let tls = lower.hasPrefix("https://")
        guard tls || lower.hasPrefix("http://") else { return .failure(.scheme) }
        let rest = text.dropFirst(tls ? 8 : 7)
        if rest.contains("?") || rest.contains("#") { return .failure(.query) }
        let authority = rest.prefix { $0 != "/" }
        if authority.contains("@") { return .failure(.userInfo) }
        var path = String(rest.dropFirst(authority.count))
        while path.hasSuffix("/") { path.removeLast() }
        guard self.isPath(path) else { return .failure(.path) }
        var (host, port) = (authority, tls ? 443 : 80)
        let isBare = authority.hasPrefix("[") && authority.hasSuffix("]")
        if !isBare, let colon = authority.lastIndex(of: ":") {
            guard let written = self.port(authority[authority.index(after: colon)...], lowest: 1) else {
                return .failure(.port)
            }
            (host, port) = (authority[..<colon], written)
        }
        guard let name = self.host(String(host)) else { return .failure(.host) }
        return .success(BaseURL(tls: tls, host: name, port: port, path: path))
    }

    /// A name of letters, digits, `-`, `.` and `_`, an IPv4 address, or an IPv6 one in brackets; lower case,
    /// unbracketed.
    static func host(_ text: String) -> String? {
        if text.hasPrefix("["), text.hasSuffix("]") {
            guard let address = IPAddress(String(text.dropFirst().dropLast())), !address.isIPv4 else { return nil }
            return address.description
        }
        let name = text.lowercased()
        guard (1...253).contains(name.utf8.count), !name.hasPrefix("."), !name.contains(".."),
            name.utf8.allSatisfy({ self.isLetterOrDigit($0) || [0x2d, 0x2e, 0x5f].contains($0) })
        else { return nil }
        return name
    }

    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte)
    }

    /// Visible ASCII without what would end or change a path: empty is fine.
    static func isPath(_ path: String) -> Bool {
        let forbidden = Set("?#%\\\"<>`^|{}".utf8)
        guard path.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !forbidden.contains($0) }) else { return false }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        return !segments.contains { $0 == "." || $0 == ".." || $0.isEmpty }
    }

    /// RFC 9110 section 5.6.2.
    static func isToken(_ text: String) -> Bool {
        let marks = Set("!#$%&'*+-.^_`|~".utf8)
        return (1...256).contains(text.utf8.count)
            && text.utf8.allSatisfy { self.isLetterOrDigit($0) || marks.contains($0) }
    }

    /// Visible ASCII with blanks and tabs inside (RFC 9110 section 5.5, without obs-text).
    static func isFieldValue(_ text: String) -> Bool {
        guard text.utf8.count <= 8192, text.utf8.allSatisfy({ (0x20...0x7e).contains($0) || $0 == 0x09 }) else {
            return false
        }
        let edges = [text.utf8.first, text.utf8.last].compactMap { $0 }
        return edges.allSatisfy { $0 > 0x20 }
    }
}

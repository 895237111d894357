import GatewayCore

/// What is wrong with a URL of a Redis server. Never holds a part of the URL: it may be the password.
public enum RedisURLProblem: Error, Hashable, Sendable, CustomStringConvertible {
    case tooLong, scheme, character, host, port, userWithoutPassword, escape, database, queryOrFragment

    public var description: String {
        switch self {
        case .tooLong: "a Redis URL has at most 4096 bytes"
        case .scheme: "a Redis URL starts with redis:// or rediss://"
        case .character: "a Redis URL holds no spaces and no control characters: write them as %XX"
        case .host: "a Redis URL needs a host: a name, an IPv4 address, or an IPv6 address in brackets"
        case .port: "the port of a Redis URL is a number from 1 to 65535; `/`, `?`, `#` and `@` of a password are %XX"
        case .userWithoutPassword: "a Redis URL with a user needs a password: redis://user:password@host"
        case .escape: "in user and password of a Redis URL, % is followed by two hexadecimal digits of UTF-8 text"
        case .database: "the path of a Redis URL is a database number from 0 to 65535: redis://host/0"
        case .queryOrFragment: "a Redis URL takes neither `?` nor `#`: those of a password are %3F and %23"
        }
    }
}

extension RedisSettings {
    /// Reads `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS. User and password are
    /// percent-decoded. Everything else keeps its default.
    public static func parse(url: String) -> Result<RedisSettings, RedisURLProblem> {
        guard url.utf8.count <= 4096 else { return .failure(.tooLong) }
        guard let schemeEnd = url.utf8.firstRange(of: "://".utf8) else { return .failure(.scheme) }
        let scheme = url[..<schemeEnd.lowerBound].lowercased()
        guard scheme == "redis" || scheme == "rediss" else { return .failure(.scheme) }
        let rest = url[schemeEnd.upperBound...]
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { return .failure(.character) }
        guard !rest.utf8.contains(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) else {
            return .failure(.queryOrFragment)
        }
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var settings = RedisSettings(host: "")
        settings.tls = scheme == "rediss"
        do throws(RedisURLProblem) {
            let authority = parts[0]
            if let at = authority.lastIndex(of: "@") {
                try settings.readCredentials(authority[..<at])
                try settings.readAddress(authority[authority.index(after: at)...])
            } else {
                try settings.readAddress(authority)
            }
            if parts.count == 2, !parts[1].isEmpty {
                guard let database = Self.number(parts[1], 0...65535) else { throw RedisURLProblem.database }
                settings.database = database
            }
        } catch {
            return .failure(error)
        }
        return .success(settings)
    }

    private mutating func readCredentials(_ text: Substring) throws(RedisURLProblem) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let user = Self.unescaped(parts[0]) else { throw .escape }
        guard parts.count == 2, !parts[1].isEmpty else { throw .userWithoutPassword }
        guard let password = Self.unescaped(parts[1]) else { throw .escape }
        self.user = user.isEmpty ? nil : user
        self.password = Secret(password)
    }

    private mutating func readAddress(_ text: Substring) throws(RedisURLProblem) {
        var host = text
        var port: Substring?
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { throw .host }
            host = text[text.index(after: text.startIndex)..<end]
            let tail = text[text.index(after: end)...]
            guard tail.isEmpty || tail.first == ":" else { throw .host }
            port = tail.isEmpty ? nil : tail.dropFirst()
            guard let address = IPAddress(String(host)), !address.isIPv4 else { throw .host }
        } else {
            if let colon = text.firstIndex(of: ":") {
                host = text[..<colon]
                port = text[text.index(after: colon)...]
            }
            guard Self.isName(host) else { throw .host }
        }
        if let port {
            guard let number = Self.number(port, 1...65535) else { throw .port }
            self.port = number
        }
        self.host = host.lowercased()
    }

    private static func isName(_ host: Substring) -> Bool {
        let isPlain = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return isPlain && !host.isEmpty && host.utf8.count <= 255
    }

    /// Digits only.
    private static func number(_ text: Substring, _ range: ClosedRange<Int>) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 5,
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int(text), range.contains(number)
        else { return nil }
        return number
    }

    private static func unescaped(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(Self.hexadecimal),
                let low = rest.popFirst().flatMap(Self.hexadecimal)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

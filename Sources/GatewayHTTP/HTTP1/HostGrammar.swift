import GatewayCore

/// What may stand in `Host` and as the authority of an absolute-form target (RFC 9110 section 7.2), narrowed: a name of
/// letters, digits, `-`, `.` and `_`, or an IPv6 address in brackets, and a port of 0 to 65535 if there is a colon.
enum HostGrammar {
    /// The places of host and port; the port is empty without one.
    struct Parts {
        var host: Range<Int>
        var port: Range<Int>
    }

    /// `nil` for anything else, the empty value included.
    static func parts(_ base: UnsafeRawPointer, _ place: Range<Int>) -> Parts? {
        guard !place.isEmpty else { return nil }
        var at = place.lowerBound
        if HeadGrammar.byte(base, at) == 0x5b {
            guard let close = self.endOfBracket(base, place) else { return nil }
            at = close
        } else {
            while at &+ 8 <= place.upperBound {
                let word = HeadGrammar.word(base, at)
                let low = word & ~HeadGrammar.highBits
                let others = HeadGrammar.bytes(low, equalTo: 0x2e) | HeadGrammar.bytes(low, equalTo: 0x5f)
                // A byte above ASCII stays uncommon, whatever its low bits are.
                let stop = HeadGrammar.uncommonBytes(word) & ~(others & ~word)
                if stop != 0 {
                    at &+= stop.trailingZeroBitCount &>> 3
                    break
                }
                at &+= 8
            }
            while at < place.upperBound, ByteSet.host.contains(HeadGrammar.byte(base, at)) { at &+= 1 }
            guard at > place.lowerBound else { return nil }
        }
        let host = place.lowerBound..<at
        if at == place.upperBound { return Parts(host: host, port: at..<at) }
        guard HeadGrammar.byte(base, at) == HeadGrammar.colon else { return nil }
        let port = (at + 1)..<place.upperBound
        guard port.count <= 5, let number = HeadGrammar.decimal(base, port), number <= 65535 else { return nil }
        return Parts(host: host, port: port)
    }

    /// The offset behind the closing bracket of an IPv6 address.
    private static func endOfBracket(_ base: UnsafeRawPointer, _ place: Range<Int>) -> Int? {
        var close = place.lowerBound + 1
        var hasColon = false
        while close < place.upperBound, HeadGrammar.byte(base, close) != 0x5d {
            if HeadGrammar.byte(base, close) == HeadGrammar.colon { hasColon = true }
            close += 1
        }
        guard close < place.upperBound, hasColon, close - place.lowerBound <= 46 else { return nil }
        let inside = UnsafeRawBufferPointer(start: base + place.lowerBound + 1, count: close - place.lowerBound - 1)
        guard IPAddress(String(decoding: inside, as: UTF8.self)) != nil else { return nil }
        return close + 1
    }

    /// Same host without regard to case, and same port once the default of the scheme is put in.
    static func agree(_ base: UnsafeRawPointer, _ one: Parts, _ other: Parts, defaultPort: Int64) -> Bool {
        guard one.host.count == other.host.count else { return false }
        for index in 0..<one.host.count {
            let left = HeadGrammar.byte(base, one.host.lowerBound + index)
            let right = HeadGrammar.byte(base, other.host.lowerBound + index)
            let differ = left ^ right
            if differ != 0, differ != 0x20 || (left | 0x20) &- 0x61 >= 26 { return false }
        }
        let leftPort = HeadGrammar.decimal(base, one.port) ?? defaultPort
        let rightPort = HeadGrammar.decimal(base, other.port) ?? defaultPort
        return leftPort == rightPort
    }
}

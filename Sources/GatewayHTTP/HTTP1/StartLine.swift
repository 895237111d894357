import GatewayCore

/// A request line (RFC 9112 section 3). All places count from the head's first byte.
struct RequestLine: Sendable {
    var method = HTTPMethod.other
    var version = HTTPVersion.http11
    var target = 0..<0
    var path = 0..<0
    var query = 0..<0
    /// Of an absolute-form target; empty for the origin form.
    var authority = 0..<0
    /// The port that the scheme of an absolute-form target stands for.
    var defaultPort: Int64 = 80
    var isOriginForm = true
}

/// A status line (RFC 9112 section 4). The reason phrase is checked and dropped.
struct StatusLine: Sendable {
    var status = 0
    var version = HTTPVersion.http11
}

extension RequestLine {
    /// Reads the line at the head's first byte.
    ///
    /// - Returns: the offset behind its line end, or `HeadGrammar.incomplete`.
    mutating func read(_ base: UnsafeRawPointer, _ end: Int) throws(Breach) -> Int {
        let start = try self.readMethod(base, end)
        guard start >= 0 else { return HeadGrammar.incomplete }
        let stop = try self.readTarget(base, start, end)
        guard stop >= 0 else { return HeadGrammar.incomplete }
        let version = stop &+ 1
        if version &+ 10 <= end, HeadGrammar.byte(base, version &+ 8) == HeadGrammar.carriageReturn,
            HeadGrammar.byte(base, version &+ 9) == HeadGrammar.lineFeed
        {
            switch HeadGrammar.word(base, version) {
            case VersionText.http11: self.version = .http11
            case VersionText.http10: self.version = .http10
            default: throw VersionText.breach(base, version, end)
            }
        } else {
            let next = try self.readRareVersion(base, version, end)
            guard next >= 0 else { return HeadGrammar.incomplete }
        }
        if self.method == .other { try self.checkMethod(base, start &- 1) }
        self.isOriginForm = HeadGrammar.byte(base, start) == 0x2f
        if !self.isOriginForm { try self.readAbsoluteForm(base) }
        return version &+ 10
    }

    /// - Returns: the offset of the target.
    @inline(__always)
    private mutating func readMethod(_ base: UnsafeRawPointer, _ end: Int) throws(Breach) -> Int {
        if end >= 8 {
            let word = HeadGrammar.word(base, 0)
            if word & 0xff_ffff_ffff == 0x20_5453_4f50 {
                self.method = .post
                return 5
            }
            if word & 0xffff_ffff == 0x2054_4547 {
                self.method = .get
                return 4
            }
        }
        return try self.readRareMethod(base, end)
    }

    @inline(never)
    private mutating func readRareMethod(_ base: UnsafeRawPointer, _ end: Int) throws(Breach) -> Int {
        var at = 0
        while at < end, ByteSet.token.contains(HeadGrammar.byte(base, at)) { at &+= 1 }
        guard at < end else { return HeadGrammar.incomplete }
        guard at > 0, HeadGrammar.byte(base, at) == HeadGrammar.space else {
            throw .malformed("method is no token, or no space behind it")
        }
        self.method = HTTPMethod(UnsafeRawBufferPointer(start: base, count: at))
        return at &+ 1
    }

    /// A method that nobody registered is a framing error in disguise (a body taken for a request line) more often than
    /// a request. `CONNECT` names an authority, which only a forward proxy serves.
    @inline(never)
    private func checkMethod(_ base: UnsafeRawPointer, _ count: Int) throws(Breach) {
        let text = UnsafeRawBufferPointer(start: base, count: count)
        for method in Self.registered where text.elementsEqual(method) { return }
        throw .malformed("method is not registered")
    }

    /// Registered methods (IANA, HTTP Method Registry) that are answered with 405.
    private static let registered: [[UInt8]] = [
        "ACL", "BIND", "CHECKOUT", "COPY", "LINK", "LOCK", "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL", "MOVE",
        "PROPFIND",
        "PROPPATCH", "QUERY", "REBIND", "REPORT", "SEARCH", "TRACE", "UNBIND", "UNLINK", "UNLOCK",
    ].map { Array($0.utf8) }

    /// - Returns: the offset of the space behind the target.
    @inline(__always)
    private mutating func readTarget(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) throws(Breach) -> Int {
        var at = try self.endOfPart(base, start, end, .path)
        guard at < end else { return HeadGrammar.incomplete }
        self.path = Range(uncheckedBounds: (start, at))
        self.query = Range(uncheckedBounds: (at, at))
        if HeadGrammar.byte(base, at) == 0x3f {
            let query = at &+ 1
            at = try self.endOfPart(base, query, end, .query)
            guard at < end else { return HeadGrammar.incomplete }
            self.query = Range(uncheckedBounds: (query, at))
        }
        guard HeadGrammar.byte(base, at) == HeadGrammar.space, at > start else {
            throw .malformed("byte not allowed in a target")
        }
        self.target = Range(uncheckedBounds: (start, at))
        return at
    }

    /// The first offset whose byte is not in the set; a percent sign is passed with its two digits only.
    @inline(__always)
    private func endOfPart(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ set: ByteSet
    ) throws(Breach) -> Int {
        var at = start
        while at < end {
            let byte = HeadGrammar.byte(base, at)
            if set.contains(byte) {
                at &+= 1
            } else if byte == 0x25 {
                guard at &+ 2 < end else { return end }
                guard HeadGrammar.isHexDigit(HeadGrammar.byte(base, at &+ 1)),
                    HeadGrammar.isHexDigit(HeadGrammar.byte(base, at &+ 2))
                else { throw .malformed("percent sign without two hexadecimal digits") }
                at &+= 3
            } else {
                break
            }
        }
        return at
    }

    @inline(never)
    private mutating func readRareVersion(_ base: UnsafeRawPointer, _ at: Int, _ end: Int) throws(Breach) -> Int {
        guard let version = try VersionText.read(base, at, end) else { return HeadGrammar.incomplete }
        self.version = version
        for (index, expected) in [HeadGrammar.carriageReturn, HeadGrammar.lineFeed].enumerated() {
            guard at + 8 + index < end else { return HeadGrammar.incomplete }
            guard HeadGrammar.byte(base, at + 8 + index) == expected else {
                throw .malformed("request line does not end after its version")
            }
        }
        return at + 10
    }

    /// `http://authority/path?query`. Without a path, the slash before the authority stands for `/`.
    @inline(never)
    private mutating func readAbsoluteForm(_ base: UnsafeRawPointer) throws(Breach) {
        let start = self.path.lowerBound
        let scheme: Int
        if self.path.count > 8, HeadGrammar.equals(base, start..<start + 5, "https") {
            scheme = 5
            self.defaultPort = 443
        } else if self.path.count > 7, HeadGrammar.equals(base, start..<start + 4, "http") {
            scheme = 4
        } else {
            throw .malformed("target is neither a path nor an http URL")
        }
        guard HeadGrammar.byte(base, start + scheme) == HeadGrammar.colon,
            HeadGrammar.byte(base, start + scheme + 1) == 0x2f, HeadGrammar.byte(base, start + scheme + 2) == 0x2f
        else { throw .malformed("target is neither a path nor an http URL") }
        let authority = start + scheme + 3
        var slash = authority
        while slash < self.path.upperBound, HeadGrammar.byte(base, slash) != 0x2f { slash += 1 }
        self.authority = authority..<slash
        self.path = slash < self.path.upperBound ? slash..<self.path.upperBound : (authority - 1)..<authority
    }
}

extension StatusLine {
    /// Reads the line at the head's first byte. The space before an absent reason phrase may be missing: many servers
    /// leave it out, and nothing hangs on it.
    ///
    /// - Returns: the offset behind its line end, or `HeadGrammar.incomplete`.
    mutating func read(_ base: UnsafeRawPointer, _ end: Int) throws(Breach) -> Int {
        guard let version = try VersionText.read(base, 0, end) else { return HeadGrammar.incomplete }
        self.version = version
        guard end > 8 else { return HeadGrammar.incomplete }
        guard HeadGrammar.byte(base, 8) == HeadGrammar.space else { throw .malformed("no space behind the version") }
        self.status = 0
        for at in 9..<12 {
            guard at < end else { return HeadGrammar.incomplete }
            let digit = HeadGrammar.byte(base, at) &- 0x30
            guard digit < 10 else { throw .malformed("status is not three digits") }
            self.status = self.status &* 10 &+ Int(digit)
        }
        guard (100...599).contains(self.status) else { throw .malformed("status is not in 100 to 599") }
        guard end > 12 else { return HeadGrammar.incomplete }
        let next = HeadGrammar.byte(base, 12)
        guard next == HeadGrammar.space || next == HeadGrammar.carriageReturn else {
            throw .malformed("no space behind the status")
        }
        let stop = try HeadGrammar.endOfText(base, 12, end)
        return stop >= 0 ? stop &+ 2 : HeadGrammar.incomplete
    }
}

/// `HTTP/1.0` and `HTTP/1.1`.
enum VersionText {
    @inline(__always) static var http11: UInt64 { 0x312e_312f_5054_5448 }
    @inline(__always) static var http10: UInt64 { 0x302e_312f_5054_5448 }

    /// `nil` while fewer than eight bytes are there and those fit.
    static func read(_ base: UnsafeRawPointer, _ at: Int, _ end: Int) throws(Breach) -> HTTPVersion? {
        if at + 8 <= end {
            switch HeadGrammar.word(base, at) {
            case self.http11: return .http11
            case self.http10: return .http10
            default: break
            }
        }
        if let breach = self.firstBreach(base, at, end) { throw breach }
        return nil
    }

    /// For eight bytes that are not one of the two versions.
    @inline(never)
    static func breach(_ base: UnsafeRawPointer, _ at: Int, _ end: Int) -> Breach {
        self.firstBreach(base, at, end) ?? .malformed("version is not HTTP/x.y")
    }

    private static func firstBreach(_ base: UnsafeRawPointer, _ at: Int, _ end: Int) -> Breach? {
        let pattern: StaticString = "HTTP/0.0"
        for index in 0..<8 where at + index < end {
            let byte = HeadGrammar.byte(base, at + index)
            let expected = pattern.utf8Start[index]
            let fits = expected == 0x30 ? byte &- 0x30 < 10 : byte == expected
            if !fits { return .malformed("version is not HTTP/x.y") }
        }
        return at + 8 <= end ? Breach(.version, "version is neither HTTP/1.0 nor HTTP/1.1") : nil
    }
}

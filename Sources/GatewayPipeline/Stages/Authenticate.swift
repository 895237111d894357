import GatewayContract
import GatewayCore
import GatewayHTTP
import GatewayPolicy
import GatewayWire

extension Exchange {
    /// Whose request it is: 401 and 403 before any counter moves. The first carrier of a credential that is present
    /// decides; the others are neither tried nor forwarded (DESIGN 8).
    func authenticate(_ head: RequestHead, _ config: LoopSnapshot) -> Outcome {
        guard self.match?.compiled.requiresKey ?? false else { return .proceed }
        let found = Self.withCredential(of: head) { credential -> KeyLookup? in
            credential.map { self.findKey($0, in: config) }
        }
        switch found {
        case .none: return .reply(LocalReply(GatewayError(.keyMissing)))
        case .unknown: return .reply(LocalReply(GatewayError(.keyInvalid)))
        case .mistyped: return .reply(LocalReply(GatewayError(.keyMistyped)))
        case .ofOtherKind: return .reply(LocalReply(GatewayError(.keyOfOtherKind)))
        case .found(let match): return self.authorize(match, head)
        }
    }

    /// A connection mostly presents the key that it presented before: then a comparison does what the hash would.
    private func findKey(_ credential: UnsafeRawBufferPointer, in config: LoopSnapshot) -> KeyLookup {
        if let memo = self.sink.memo {
            // This function alone sets it: a checked cast would cost more than the comparison.
            let memo = unsafeDowncast(memo, to: CredentialMemo.self)
            if memo.keys === config.keys, memo.equals(credential) { return .found(memo.match) }
        }
        let found = config.keys.match(credential, config.hasher)
        if case .found(let match) = found {
            self.sink.memo = CredentialMemo(keys: config.keys, presented: Array(credential), match: match)
        }
        return found
    }

    /// What the time and the head alone tell of the key's rights.
    private func authorize(_ match: KeyMatch, _ head: RequestHead) -> Outcome {
        let grant = match.grant
        self.grant = grant
        self.record.key = grant.name
        self.record.keyID = match.id
        self.record.usedPreviousKey = match.isPrevious
        self.record.owner = grant.owner
        if let code = match.refusal(at: self.record.startedAt) { return .reply(LocalReply(GatewayError(code))) }
        guard grant.scopes.contains(.inference) else { return .reply(LocalReply(GatewayError(.scopeNotGranted))) }
        if grant.restrictsAddresses {
            guard let address = self.clientAddress(head), grant.allows(address) else {
                return .reply(LocalReply(GatewayError(.addressNotAllowed)))
            }
        }
        return .proceed
    }

    /// Calls `body` with the credential's bytes in place, or with `nil` when no carrier is present. A carrier that is
    /// present but malformed gives an empty credential, which is no key's.
    private static func withCredential<R>(
        of head: RequestHead, _ body: (UnsafeRawBufferPointer?) -> R
    ) -> R {
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        let fields = head.fields
        return fields.bytes.withUnsafeBytes { bytes in
            if let field = fields.first(.authorization) {
                guard fields.count(.authorization) == 1 else { return body(empty) }
                return body(Self.bearerToken(bytes.slice(field.value)) ?? empty)
            }
            for id in [HeaderID.xAPIKey, .apiKey, .xGoogAPIKey] {
                if let field = fields.first(id) { return body(bytes.slice(field.value)) }
            }
            return body(Self.queryValue(of: "key", in: bytes.slice(head.query)))
        }
    }

    /// RFC 6750: the scheme in any case, one or more spaces, the token.
    private static func bearerToken(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let scheme: StaticString = "bearer "
        guard value.count > scheme.utf8CodeUnitCount else { return nil }
        for index in 0..<scheme.utf8CodeUnitCount {
            let byte = value[index]
            let lower = byte &- 0x41 < 26 ? byte | 0x20 : byte
            if lower != scheme.utf8Start[index] { return nil }
        }
        var start = scheme.utf8CodeUnitCount
        while start < value.count, value[start] == 0x20 { start += 1 }
        return UnsafeRawBufferPointer(rebasing: value[start...])
    }

    /// The raw value of the first parameter with that name.
    static func queryValue(of name: StaticString, in query: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let count = name.utf8CodeUnitCount
        var start = 0
        while start < query.count {
            let end = query[start...].firstIndex(of: UInt8(ascii: "&")) ?? query.count
            if end - start > count, query[start + count] == UInt8(ascii: "="),
                (0..<count).allSatisfy({ query[start + $0] == name.utf8Start[$0] })
            {
                return UnsafeRawBufferPointer(rebasing: query[(start + count + 1)..<end])
            }
            start = end + 1
        }
        return nil
    }

    /// The peer, or, behind trusted proxies, the last address of `X-Forwarded-For` that none of them wrote.
    private func clientAddress(_ head: RequestHead) -> IPAddress? {
        guard let peer = self.sink.clientAddress else { return nil }
        let trusted = self.config?.routing.server.trustedProxies ?? []
        guard trusted.contains(where: { $0.contains(peer) }) else { return peer }
        // Every proxy adds to the end, some of them in a field of their own.
        let list = head.fields.fields.filter { $0.id == .xForwardedFor }.map { head.fields.text($0.value) }
        for part in list.flatMap({ $0.split(separator: ",") }).reversed() {
            guard let address = IPAddress(part.filter { $0 != " " && $0 != "\t" }) else { return nil }
            if !trusted.contains(where: { $0.contains(address) }) { return address }
        }
        return peer
    }
}

/// The key that a connection presented last, and whose it was. It lives no longer than the connection and is never
/// printed; another key table makes it void, and what depends on the time is asked anew for every request.
private final class CredentialMemo {
    let keys: KeyTable
    let match: KeyMatch
    private let presented: [UInt8]

    init(keys: KeyTable, presented: [UInt8], match: KeyMatch) {
        self.keys = keys
        self.presented = presented
        self.match = match
    }

    /// Takes the same time wherever two texts of one length differ.
    func equals(_ other: UnsafeRawBufferPointer) -> Bool {
        guard other.count == self.presented.count else { return false }
        return self.presented.withUnsafeBytes { own in
            var difference: UInt64 = 0
            var index = 0
            while index &+ 8 <= own.count {
                difference |=
                    own.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    ^ other.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                index &+= 8
            }
            while index < own.count {
                difference |= UInt64(own[index] ^ other[index])
                index &+= 1
            }
            return difference == 0
        }
    }
}

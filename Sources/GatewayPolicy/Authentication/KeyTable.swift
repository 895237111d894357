import GatewayContract
import GatewayCore

/// Every inference key, found by its public id or by the digest of its secret. Immutable; it lies beside the snapshot,
/// so that a new key recompiles nothing else. Shared by all loops.
public final class KeyTable: Sendable {
    /// In the order of the configuration. A grant's place here is its `index`.
    public let grants: [KeyGrant]
    /// What opens the grants, one credential for each or two while a rotation's overlap lasts: those with a public id,
    /// by it.
    private let byID: CredentialTable
    /// Those without one, by their digest.
    private let byDigest: CredentialTable
    private let pepper: [UInt8]

    /// A table without keys, and without a pepper: nothing is ever found in it.
    public static let empty = KeyTable(grants: [], credentials: [], pepper: [])

    private init(grants: [KeyGrant], credentials: [Credential], pepper: [UInt8]) {
        self.grants = grants
        self.pepper = pepper
        self.byID = CredentialTable(credentials.filter { $0.id != nil })
        self.byDigest = CredentialTable(credentials.filter { $0.id == nil })
    }

    /// Keys in it; the daemon prints it at its start and warns of keys on an address that is not loopback.
    public var count: Int { self.grants.count }

    /// A hasher under this table's pepper, for one loop.
    public func makeHasher() -> KeyHasher { KeyHasher(pepper: self.pepper) }

    /// Whether a hasher of the other table finds keys in this one.
    public func hasPepper(of other: KeyTable) -> Bool { self.pepper == other.pepper }

    /// Whose key that is. Times, scopes and addresses are not looked at: `KeyMatch.refusal` does that for each request.
    ///
    /// A key of Penstock's own form is checked for typing errors, found by its public id, then hashed and compared in
    /// constant time: 0.15 µs and the hash, and what a big table's cache misses cost. One of another shape is hashed
    /// and found by its digest; with the pepper unknown nobody outside can choose where in the table a guess lands. No
    /// allocation.
    /// - Parameter hasher: made by this table, or by one with its pepper.
    public func match(_ presented: UnsafeRawBufferPointer, _ hasher: KeyHasher) -> KeyLookup {
        // The place is read before the checksum is computed, so that the wait for a big table's memory costs nothing.
        var place = 0
        var isTaken = false
        let text = KeyText(presented) { id in
            place = self.byID.place(of: Credential.hash(id))
            isTaken = self.byID.isTaken(place)
        }
        guard let text else {
            let digest = hasher.digest(of: presented)
            guard !digest.isNone else { return .unknown }
            place = self.byDigest.place(of: Credential.hash(digest))
            return self.byDigest.first(from: place) { $1 == digest } ?? .unknown
        }
        guard text.purpose == .inference else { return .ofOtherKind }
        guard let id = text.id else { return .mistyped }
        guard isTaken else { return .unknown }
        return self.byID.first(from: place) { otherID, expected in
            guard otherID == id else { return false }
            let digest = hasher.digest(of: presented)
            return !digest.isNone && digest == expected
        } ?? .unknown
    }

    /// 64 bytes.
    fileprivate struct Credential {
        let id: KeyID?
        /// First instant at which it is refused, in nanoseconds; `Int64.max`: never.
        let until: Int64
        /// `nil` in an empty place of a table.
        let grant: KeyGrant?
        let digest: KeyDigest

        static let empty = Credential(id: nil, until: 0, grant: nil, digest: .none)

        var hash: UInt64 { self.id.map { Self.hash($0) } ?? Self.hash(self.digest) }

        /// A multiplicative hash whose upper bits count. Ids in the table are the operator's: who asks cannot put any
        /// there.
        @inline(__always)
        static func hash(_ id: KeyID) -> UInt64 {
            (id.words.head ^ UInt64(id.words.tail) &* 0xd6e8_feb8_6659_fd93) &* 0x9e37_79b9_7f4a_7c15
        }

        @inline(__always)
        static func hash(_ digest: KeyDigest) -> UInt64 { digest.words.0 }
    }

    /// Compiles a table: one hash per key.
    /// - Parameters:
    ///   - pepper: the same that the loops' hashers have.
    ///   - limits: the process's slab; keys with limits get their cells there.
    /// - Returns: the table, or all problems: two keys with one secret or one name, numbers out of range, a slab that
    ///   is exhausted, a libcrypto that cannot hash.
    public static func compile(
        _ keys: [KeySpec], pepper: [UInt8], limits: LimitSlab
    ) -> Result<KeyTable, CompileProblems> {
        var builder = KeyTableBuilder(hasher: KeyHasher(pepper: pepper), slab: limits)
        builder.reserve(keys.count)
        for key in keys { builder.add(key) }
        guard builder.problems.isEmpty else { return .failure(CompileProblems(builder.problems)) }
        return .success(KeyTable(grants: builder.grants, credentials: builder.credentials, pepper: pepper))
    }
}

/// What is known of a presented credential.
public enum KeyLookup: Sendable {
    case found(KeyMatch)
    case unknown
    /// Of Penstock's form, and its checksum does not fit.
    case mistyped
    /// Of the form of admin keys, which are no good here.
    case ofOtherKind
}

/// A key that was recognised, by which of its credentials.
public struct KeyMatch: Sendable {
    /// What it may do; both credentials of a rotation lead to the same one.
    public let grant: KeyGrant
    /// `nil` for a secret that the operator chose.
    public let id: KeyID?
    let until: Int64

    /// Whether it is what a rotation replaced.
    public var isPrevious: Bool { self.until != .max }

    /// Why it is refused at that instant, if it is. It depends on the time, so it is asked for every request, also when
    /// the match itself is remembered.
    @inline(__always)
    public func refusal(at now: WallTime) -> ErrorCode? {
        if self.grant.isRevoked(at: now) { return .keyRevoked }
        if self.grant.isExpired(at: now) { return .keyExpired }
        if now.nanoseconds >= self.until, self.isPrevious { return .keyReplaced }
        return nil
    }
}

/// Open addressing, with the credentials in their places, so that a look-up in a big table misses the caches once for
/// the place and once for the grant. At most half of it is taken.
private struct CredentialTable: Sendable {
    private let places: [KeyTable.Credential]

    init(_ credentials: [KeyTable.Credential]) {
        var places = [KeyTable.Credential](repeating: .empty, count: credentials.count * 2 + 1)
        for credential in credentials {
            var place = Self.place(of: credential.hash, in: places.count)
            while places[place].grant != nil { place = place + 1 == places.count ? 0 : place + 1 }
            places[place] = credential
        }
        self.places = places
    }

    /// Where credentials with that hash begin.
    @inline(__always)
    func place(of hash: UInt64) -> Int { Self.place(of: hash, in: self.places.count) }

    /// False: there is nothing with the hashes that begin there.
    @inline(__always)
    func isTaken(_ place: Int) -> Bool {
        self.places.withUnsafeBufferPointer { $0[place].grant != nil }
    }

    /// The first credential from there on that is wanted; `nil` when there is none. Of the grants none is touched but
    /// the one that is found.
    @inline(__always)
    func first(from start: Int, where isWanted: (KeyID?, KeyDigest) -> Bool) -> KeyLookup? {
        self.places.withUnsafeBufferPointer { places in
            var place = start
            while places[place].grant != nil {
                if isWanted(places[place].id, places[place].digest), let grant = places[place].grant {
                    return .found(KeyMatch(grant: grant, id: places[place].id, until: places[place].until))
                }
                place = place + 1 == places.count ? 0 : place + 1
            }
            return nil
        }
    }

    @inline(__always)
    private static func place(of hash: UInt64, in count: Int) -> Int {
        Int(truncatingIfNeeded: hash.multipliedFullWidth(by: UInt64(count)).high)
    }
}

private struct KeyTableBuilder {
    let hasher: KeyHasher
    let slab: LimitSlab
    var grants: [KeyGrant] = []
    var credentials: [KeyTable.Credential] = []
    var problems: [CompileProblem] = []
    private var byDigest: [KeyDigest: KeySpec] = [:]
    private var byID: [KeyID: KeySpec] = [:]
    private var byName: [KeyName: Origin] = [:]
    private var patterns: [[ModelName]: ModelPatterns] = [:]
    private var owners: [KeyOwner: KeyOwner] = [:]

    init(hasher: KeyHasher, slab: LimitSlab) {
        self.hasher = hasher
        self.slab = slab
    }

    mutating func reserve(_ count: Int) {
        self.grants.reserveCapacity(count)
        self.credentials.reserveCapacity(count)
    }

    mutating func add(_ key: KeySpec) {
        if let other = self.byName.updateValue(key.origin, forKey: key.name) {
            self.report("E6001", "key `\(key.name)` is defined twice", key, other: other)
        }
        self.problems += key.limits.problems(of: "key `\(key.name)`", origin: key.origin)
        let cells = self.slab.cells(for: key.limits, ofKey: key.name)
        if cells == nil { self.report("E6004", "no room for the limits of key `\(key.name)`", key) }
        let grant = KeyGrant(
            spec: key, index: self.grants.count, owner: key.owner.map { self.shared($0) },
            models: self.shared(key.models), limits: cells ?? .none)
        self.grants.append(grant)
        self.add(key.credential, of: key, grant, until: .max)
        if let previous = key.previous {
            self.add(previous.credential, of: key, grant, until: previous.until.nanoseconds)
        }
    }

    private mutating func add(_ credential: KeyCredential, of key: KeySpec, _ grant: KeyGrant, until: Int64) {
        guard let (id, digest) = self.read(credential, of: key) else { return }
        if digest.isNone {
            self.report("E6005", "the secret of key `\(key.name)` cannot be hashed", key)
        } else if let other = self.byDigest.updateValue(key, forKey: digest) {
            self.report(
                "E6002", "keys `\(other.name)` and `\(key.name)` have the same secret", key, other: other.origin)
        } else if let id, let other = self.byID.updateValue(key, forKey: id) {
            self.report(
                "E6007", "keys `\(other.name)` and `\(key.name)` have the same id", key, other: other.origin,
                help: "each key that `penstock keys new` makes has its own")
        }
        self.credentials.append(KeyTable.Credential(id: id, until: until, grant: grant, digest: digest))
    }

    private mutating func read(_ credential: KeyCredential, of key: KeySpec) -> (id: KeyID?, digest: KeyDigest)? {
        switch credential {
        case .hash(let hash): return (hash.id, KeyDigest(hash.digest))
        case .secret(let secret):
            let digest = self.hasher.digest(of: secret.revealed)
            guard let text = KeyText(secret.revealed) else { return (nil, digest) }
            if text.purpose != .inference {
                self.report(
                    "E6006", "the secret of key `\(key.name)` is an admin key", key,
                    help: "make one for inference with `penstock keys new`")
                return nil
            }
            guard let id = text.id else {
                self.report(
                    "E6006", "the secret of key `\(key.name)` is mistyped: its checksum does not fit", key,
                    help: "copy it again, whole; a secret of your own must not begin with `\(text.purpose.prefix)`")
                return nil
            }
            return (id, digest)
        }
    }

    private mutating func shared(_ models: [String]?) -> ModelPatterns? {
        guard let models = models?.map({ ModelName($0) }) else { return nil }
        if let known = self.patterns[models] { return known }
        let made = ModelPatterns(models)
        self.patterns[models] = made
        return made
    }

    private mutating func shared(_ owner: KeyOwner) -> KeyOwner {
        if let known = self.owners[owner] { return known }
        self.owners[owner] = owner
        return owner
    }

    private mutating func report(
        _ code: String, _ message: String, _ key: KeySpec, other: Origin? = nil, help: String? = nil
    ) {
        self.problems.append(
            CompileProblem(code: code, message: message, origin: key.origin, other: other, help: help))
    }
}

extension LimitSpec {
    /// Numbers outside 1 to 1,000,000,000.
    func problems(of owner: String, origin: Origin) -> [CompileProblem] {
        let numbers = [
            ("rpm", self.requestsPerMinute), ("tpm", self.tokensPerMinute), ("concurrency", self.concurrency),
        ]
        return numbers.compactMap { name, number in
            guard let number, !(1...1_000_000_000).contains(number) else { return nil }
            return CompileProblem(
                code: "E6003", message: "`limits.\(name)` of \(owner) is \(number)", origin: origin,
                help: "from 1 to 1000000000")
        }
    }
}

import GatewayContract
import GatewayCore

/// Every inference key, found by the digest of its secret. Immutable; it lies beside the snapshot, so that a new key
/// recompiles nothing else. Shared by all loops.
public final class KeyTable: Sendable {
    /// In the order of the configuration. A grant's place here is its `index` and what `find` returns.
    public let grants: [KeyGrant]
    /// In the order of `grants`.
    private let digests: [KeyDigest]
    /// Open addressing: a place in `grants`, or -1. At most three quarters are taken.
    private let slots: [Int32]

    /// A table without keys.
    public static let empty = KeyTable(grants: [], digests: [])

    private init(grants: [KeyGrant], digests: [KeyDigest]) {
        self.grants = grants
        self.digests = digests
        var capacity = 4
        while capacity * 3 < digests.count * 4 { capacity *= 2 }
        var slots = [Int32](repeating: -1, count: capacity)
        for (index, digest) in digests.enumerated() {
            var slot = Int(truncatingIfNeeded: digest.words.0) & (capacity - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (capacity - 1) }
            slots[slot] = Int32(index)
        }
        self.slots = slots
    }

    /// Keys in it; the daemon prints it at its start and warns of keys on an address that is not loopback.
    public var count: Int { self.grants.count }

    /// The place in `grants` of the key with that digest. The digest comes from a `KeyHasher` with this table's pepper,
    /// so that nobody outside can choose where in the table a guess lands. About 20 ns, and a big table's
    /// cache misses.
    public func find(_ digest: KeyDigest) -> Int? {
        guard !digest.isNone else { return nil }
        let mask = self.slots.count - 1
        var slot = Int(truncatingIfNeeded: digest.words.0) & mask
        while true {
            let index = Int(self.slots[slot])
            guard index >= 0 else { return nil }
            if self.digests[index] == digest { return index }
            slot = (slot + 1) & mask
        }
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
        let hasher = KeyHasher(pepper: pepper)
        var builder = Builder(hasher: hasher, slab: limits)
        builder.reserve(keys.count)
        for key in keys { builder.add(key) }
        guard builder.problems.isEmpty else { return .failure(CompileProblems(builder.problems)) }
        return .success(KeyTable(grants: builder.grants, digests: builder.digests))
    }

    private struct Builder {
        let hasher: KeyHasher
        let slab: LimitSlab
        var grants: [KeyGrant] = []
        var digests: [KeyDigest] = []
        var problems: [CompileProblem] = []
        private var bySecret: [KeyDigest: KeySpec] = [:]
        private var byName: [KeyName: Origin] = [:]
        private var patterns: [[ModelName]: ModelPatterns] = [:]

        init(hasher: KeyHasher, slab: LimitSlab) {
            self.hasher = hasher
            self.slab = slab
        }

        mutating func reserve(_ count: Int) {
            self.grants.reserveCapacity(count)
            self.digests.reserveCapacity(count)
        }

        mutating func add(_ key: KeySpec) {
            if let other = self.byName.updateValue(key.origin, forKey: key.name) {
                self.report("E6001", "key `\(key.name)` is defined twice", key, other: other)
            }
            let digest = self.hasher.digest(of: key.secret.revealed)
            if digest.isNone {
                self.report("E6005", "the secret of key `\(key.name)` cannot be hashed", key)
            } else if let other = self.bySecret.updateValue(key, forKey: digest) {
                self.report(
                    "E6002", "keys `\(other.name)` and `\(key.name)` have the same secret", key, other: other.origin)
            }
            self.problems += key.limits.problems(of: "key `\(key.name)`", origin: key.origin)
            guard let cells = self.slab.cells(for: key.limits, ofKey: key.name) else {
                return self.report("E6004", "no room for the limits of key `\(key.name)`", key)
            }
            self.digests.append(digest)
            self.grants.append(
                KeyGrant(spec: key, index: self.grants.count, models: self.shared(key.models), limits: cells))
        }

        private mutating func shared(_ models: [String]?) -> ModelPatterns? {
            guard let models = models?.map({ ModelName($0) }) else { return nil }
            if let known = self.patterns[models] { return known }
            let made = ModelPatterns(models)
            self.patterns[models] = made
            return made
        }

        private mutating func report(_ code: String, _ message: String, _ key: KeySpec, other: Origin? = nil) {
            self.problems.append(CompileProblem(code: code, message: message, origin: key.origin, other: other))
        }
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

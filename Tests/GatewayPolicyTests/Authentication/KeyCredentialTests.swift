import GatewayContract
import GatewayCore
import Testing

@testable import GatewayPolicy

/// Keys of Penstock's own form, hashes in place of secrets, rotation and revocation.
struct KeyCredentialTests {
    private static let pepper = Array("test-pepper".utf8)

    private func compile(_ keys: [KeySpec], pepper: [UInt8] = Self.pepper) -> Result<KeyTable, CompileProblems> {
        KeyTable.compile(keys, pepper: pepper, limits: LimitSlab(capacity: 10))
    }

    private func secret(_ number: UInt8, id: String? = nil, _ purpose: KeyPurpose = .inference) -> Secret {
        let id = id ?? "Key000000" + String(repeating: "0", count: number < 10 ? 2 : 1) + "\(number)"
        return Secret(
            KeyText.text(purpose, id: Array(id.utf8), sixBits: [UInt8](repeating: number, count: 32)))
    }

    private func hash(_ secret: Secret, pepper: [UInt8] = Self.pepper) throws -> KeyHash {
        KeyHash(
            id: try #require(KeyText(secret.revealed)?.id),
            digest: KeyHasher(pepper: pepper).digest(of: secret.revealed).stored)
    }

    private func match(_ presented: Secret, in table: KeyTable) -> KeyMatch? {
        if case .found(let match) = table.lookup(presented.revealed, table.makeHasher()) { match } else { nil }
    }

    private func codes(_ result: Result<KeyTable, CompileProblems>) -> [String] {
        if case .failure(let problems) = result { problems.list.map(\.code) } else { [] }
    }

    /// Guarantee: a hash in the configuration recognises the key as its secret would, under that pepper alone; and
    /// the id alone, with another secret, opens nothing.
    @Test func aHashIsAsGoodAsTheSecret() throws {
        let (one, two) = (self.secret(1), self.secret(2))
        let table = try self.compile([
            KeySpec(name: "clear", secret: one), KeySpec(name: "hashed", credential: .hash(try self.hash(two))),
        ]).get()
        #expect(self.match(one, in: table)?.grant.name == "clear")
        #expect(self.match(two, in: table)?.grant.name == "hashed")
        #expect(self.match(two, in: table)?.id == KeyText(two.revealed)?.id)
        #expect(self.match(self.secret(3), in: table) == nil)
        #expect(self.match(self.secret(9, id: "Key000000002"), in: table) == nil)
        #expect(self.match(self.secret(9, id: "Key000000001"), in: table) == nil)

        let other = try self.compile(
            [KeySpec(name: "hashed", credential: .hash(try self.hash(two)))], pepper: [1, 2, 3]
        ).get()
        #expect(self.match(two, in: other) == nil)
        #expect(!other.hasPepper(of: table) && table.hasPepper(of: table))
    }

    /// Guarantee: what is mistyped or of the other kind is told apart from what is merely unknown.
    @Test func refusals() throws {
        let table = try self.compile([KeySpec(name: "a", secret: self.secret(1))]).get()
        let hasher = table.makeHasher()
        func isMistyped(_ text: String) -> Bool {
            if case .mistyped = table.lookup(text, hasher) { true } else { false }
        }
        func isOfOtherKind(_ text: String) -> Bool {
            if case .ofOtherKind = table.lookup(text, hasher) { true } else { false }
        }
        let right = self.secret(1).revealed
        #expect(isMistyped(String(right.dropLast())) && isMistyped(right + "0") && isMistyped("sk-ps1_"))
        #expect(isOfOtherKind(self.secret(1, .admin).revealed) && isOfOtherKind("sk-psa1_"))
        #expect(!isMistyped(self.secret(2).revealed) && !isMistyped("sk-test-0123456789"))
    }

    /// Guarantee: during the overlap both credentials lead to one grant, with its limits; the first instant of `until`
    /// refuses the old one and leaves the new one alone.
    @Test func rotation() throws {
        let until = Fixture.date(2027, 1, 31)
        let (old, new) = (Secret("sk-test-0123456789"), self.secret(2))
        let spec = KeySpec(
            name: "a", credential: .hash(try self.hash(new)), previous: PreviousCredential(.secret(old), until: until),
            limits: LimitSpec(concurrency: 1))
        let table = try self.compile([spec]).get()
        let (before, after) = (
            try #require(self.match(old, in: table)), try #require(self.match(new, in: table))
        )
        #expect(table.count == 1 && before.grant === after.grant)
        #expect(before.isPrevious && !after.isPrevious)
        #expect(before.id == nil && after.id != nil)
        #expect(before.refusal(at: WallTime(nanoseconds: until.nanoseconds - 1)) == nil)
        #expect(before.refusal(at: until) == .keyReplaced)
        #expect(after.refusal(at: until) == nil)
        #expect(after.refusal(at: WallTime(nanoseconds: .max)) == nil)
    }

    /// Guarantee: revocation and expiry hold from their first instant on, for every credential of the key.
    @Test func revocationAndExpiry() throws {
        let (revoked, expires) = (Fixture.date(2027, 1, 31), Fixture.date(2027, 2, 28))
        var spec = KeySpec(name: "a", secret: self.secret(1), expires: expires)
        spec.revoked = revoked
        spec.previous = PreviousCredential(.secret(self.secret(2)), until: Fixture.date(2028, 1, 1))
        let table = try self.compile([spec]).get()
        for secret in [self.secret(1), self.secret(2)] {
            let match = try #require(self.match(secret, in: table))
            #expect(match.refusal(at: WallTime(nanoseconds: revoked.nanoseconds - 1)) == nil)
            #expect(match.refusal(at: revoked) == .keyRevoked)
            #expect(match.refusal(at: expires) == .keyRevoked)
        }
        spec.revoked = WallTime(unixSeconds: 0)
        let gone = try #require(self.match(self.secret(1), in: try self.compile([spec]).get()))
        #expect(gone.refusal(at: Fixture.date(2020, 1, 1)) == .keyRevoked)
        spec.revoked = nil
        let kept = try #require(self.match(self.secret(1), in: try self.compile([spec]).get()))
        #expect(kept.refusal(at: revoked) == nil && kept.refusal(at: expires) == .keyExpired)
    }

    @Test func ownersAreShared() throws {
        let owner = { KeyOwner(org: "acme", team: "search", holder: .serviceAccount("indexer")) }
        let keys = (1...3).map { number in
            KeySpec(
                name: KeyName("k\(number)"), credential: .secret(self.secret(number)),
                owner: number == 3 ? nil : owner())
        }
        let grants = try self.compile(keys).get().grants
        #expect(grants[0].owner === grants[1].owner && grants[0].owner == owner() && grants[2].owner == nil)
        #expect(KeyOwner(org: "acme") != KeyOwner(team: "acme"))
        #expect(KeyOwner(holder: .user("a")) != KeyOwner(holder: .serviceAccount("a")))
    }

    @Test func problems() throws {
        let right = self.secret(1)
        let short = Secret(String(right.revealed.dropLast()))
        #expect(self.codes(self.compile([KeySpec(name: "a", secret: short)])) == ["E6006"])
        #expect(self.codes(self.compile([KeySpec(name: "a", secret: self.secret(1, .admin))])) == ["E6006"])
        let twins = [KeySpec(name: "a", secret: right), KeySpec(name: "b", secret: self.secret(9, id: "Key000000001"))]
        #expect(self.codes(self.compile(twins)) == ["E6007"])
        let same = [KeySpec(name: "a", secret: right), KeySpec(name: "b", credential: .hash(try self.hash(right)))]
        #expect(self.codes(self.compile(same)) == ["E6002"])
        let itself = KeySpec(
            name: "a", credential: .secret(right),
            previous: PreviousCredential(.secret(right), until: Fixture.date(2027, 1, 1)))
        #expect(self.codes(self.compile([itself])) == ["E6002"])
        // Fails closed: the digest that stands for "none" is nobody's.
        let none = KeyHash(id: try #require(KeyID("Key000000001")), digest: KeyHashWords(0, 0, 0, 0))
        #expect(self.codes(self.compile([KeySpec(name: "a", credential: .hash(none))])) == ["E6005"])
    }
}

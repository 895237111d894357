import GatewayContract
import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayPolicy

struct KeyTableTests {
    private static let pepper = Array("test-pepper".utf8)

    private func key(_ name: KeyName, _ secret: String, line: Int = 1, limits: LimitSpec = .init()) -> KeySpec {
        KeySpec(
            name: name, secret: Secret(secret), limits: limits, origin: Fixture.origin("gateway.yaml", line))
    }

    private func compile(_ keys: [KeySpec], capacity: Int = 10) -> Result<KeyTable, CompileProblems> {
        KeyTable.compile(keys, pepper: Self.pepper, limits: LimitSlab(capacity: capacity))
    }

    private func grant(_ key: KeySpec) throws -> KeyGrant {
        try #require(self.compile([key]).get().grants.first)
    }

    private func codes(_ result: Result<KeyTable, CompileProblems>) -> [String] {
        if case .failure(let problems) = result { problems.list.map(\.code) } else { [] }
    }

    private func place(_ presented: String, _ table: KeyTable, _ hasher: KeyHasher) -> Int? {
        if case .found(let match) = table.lookup(presented, hasher) { match.grant.index } else { nil }
    }

    /// Guarantee: a key is found by its own secret and by nothing else, through collisions and long probes.
    @Test func everyKeyIsFoundAndNothingElse() throws {
        for count in [0, 1, 3, 4, 5, 1000] {
            let table = try self.compile((0..<count).map { self.key(KeyName("k\($0)"), "sk-test-\($0)") }).get()
            let hasher = KeyHasher(pepper: Self.pepper)
            for place in 0..<count {
                #expect(self.place("sk-test-\(place)", table, hasher) == place)
                #expect(table.grants[place].index == place)
                #expect(table.grants[place].name == KeyName("k\(place)"))
            }
            for other in ["", "sk-test-", "sk-test-\(count)", "sk-test-0 ", "SK-TEST-0", "sk-test-0\u{0}"] {
                #expect(self.place(other, table, hasher) == nil)
            }
            let foreign = KeyHasher(pepper: Self.pepper + [0x21])
            #expect(self.place("sk-test-0", table, foreign) == nil)
        }
    }

    /// Guarantee: digests that agree in the word that chooses the slot are still told apart.
    @Test func digestsWithOneHashAreToldApart() {
        let one = KeyDigest(words: (1, 2, 3, 4))
        #expect(one == KeyDigest(words: (1, 2, 3, 4)))
        for other in [
            KeyDigest(words: (0, 2, 3, 4)), KeyDigest(words: (1, 0, 3, 4)), KeyDigest(words: (1, 2, 0, 4)),
            KeyDigest(words: (1, 2, 3, 5)),
        ] {
            #expect(one != other)
        }
    }

    @Test func twoKeysWithOneSecretAreRefused() throws {
        let result = self.compile([
            self.key("a", "sk-test-same", line: 3), self.key("b", "sk-test-other", line: 4),
            self.key("c", "sk-test-same", line: 5),
        ])
        guard case .failure(let problems) = result else {
            Issue.record("accepted")
            return
        }
        let problem = try #require(problems.list.first)
        #expect(problems.list.count == 1)
        #expect(problem.code == "E6002")
        #expect(problem.message == "keys `a` and `c` have the same secret")
        #expect((problem.origin.line, problem.other?.line ?? 0) == (5, 3))
        #expect(!"\(problems)".contains("sk-test-same"))
    }

    @Test func otherProblems() {
        #expect(self.codes(self.compile([self.key("a", "sk-test-1"), self.key("a", "sk-test-2")])) == ["E6001"])
        let limits = LimitSpec(requestsPerMinute: 0, tokensPerMinute: 1_000_000_001, concurrency: -1)
        #expect(self.codes(self.compile([self.key("a", "sk-test-1", limits: limits)])) == ["E6003", "E6003", "E6003"])
        let many = (0..<3).map { self.key(KeyName("k\($0)"), "sk-test-\($0)", limits: .init(concurrency: 1)) }
        #expect(self.codes(self.compile(many, capacity: 2)) == ["E6004"])
        let long = String(repeating: "x", count: KeyHasher.presentedBytesMax + 1)
        #expect(self.codes(self.compile([self.key("a", long)])) == ["E6005"])
    }

    /// Guarantee: the first instant of `expires` is refused.
    @Test func expiry() throws {
        var spec = self.key("a", "sk-test-1")
        let end = Fixture.date(2027, 1, 31)
        spec.expires = end
        let grant = try self.grant(spec)
        #expect(!grant.isExpired(at: WallTime(nanoseconds: end.nanoseconds - 1)))
        #expect(grant.isExpired(at: end))
        #expect(grant.expires == end)
        let forever = try self.grant(self.key("a", "sk-test-1"))
        #expect(!forever.isExpired(at: WallTime(nanoseconds: .max)))
        #expect(forever.expires == nil)
    }

    @Test func addresses() throws {
        var spec = self.key("a", "sk-test-1")
        spec.allowedAddresses = [try #require(IPBlock("10.2.0.0/16")), try #require(IPBlock("2001:db8::/32"))]
        let grant = try self.grant(spec)
        #expect(grant.restrictsAddresses)
        for (text, isAllowed) in [
            ("10.2.255.1", true), ("::ffff:10.2.0.9", true), ("10.3.0.0", false), ("2001:db8::1", true),
            ("2001:db9::", false), ("::", false),
        ] {
            let address = try #require(IPAddress(text))
            #expect(grant.allows(address) == isAllowed)
        }
        spec.allowedAddresses = []
        let none = try self.grant(spec)
        let address = try #require(IPAddress("10.2.0.1"))
        #expect(!none.allows(address))
    }

    @Test func modelAllowLists() throws {
        var spec = self.key("a", "sk-test-1")
        spec.models = ["smart", "openai/*", "caf\u{e9}"]
        let grant = try self.grant(spec)
        for (name, isAllowed) in [
            ("smart", true), ("smart2", false), ("smar", false), ("Smart", false), (" smart", false),
            ("openai/gpt-5", true), ("openai/", true), ("openai", false), ("caf\u{e9}", true),
            ("cafe\u{301}", false), ("", false), ("*", false),
        ] {
            #expect(grant.mayUse(ModelName(name)) == isAllowed, "\(name)")
        }
        spec.models = []
        #expect(try self.grant(spec).mayUse("smart") == false)
        spec.models = nil
        #expect(try self.grant(spec).mayUse("anything"))
        spec.models = ["*"]
        #expect(try self.grant(spec).mayUse("anything"))
    }

    /// Guarantee: a grant stays small: 100,000 keys have to fit 16 MiB.
    @Test func aGrantIsSmall() {
        #expect(MemoryLayout<KeyGrant>.stride + MemoryLayout<KeyDigest>.stride <= 112)
    }
}

extension KeyTable {
    func lookup(_ presented: String, _ hasher: KeyHasher) -> KeyLookup {
        var presented = presented
        return presented.withUTF8 { self.match(UnsafeRawBufferPointer($0), hasher) }
    }
}

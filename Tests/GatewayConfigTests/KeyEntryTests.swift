import GatewayContract
import GatewayCore
import Testing

@testable import GatewayConfig

struct KeyEntryTests {
    private static let digest: ContentDigest = { $0 }
    private static let secret = Secret("sk-test-0123456789")

    private func state(_ entry: KeyEntry) -> DesiredState? {
        let yaml = "version: 1\nserver: { key_pepper: \"${P}\" }\nkeys:\n\(entry.yaml)"
        let environment = ["P": String(repeating: "p", count: 32), "PENSTOCK_KEY_CI": Self.secret.revealed]
        let loader = ConfigLoader(
            environment: environment, digest: Self.digest, fileSystem: MemoryFiles(["gateway.yaml": yaml]))
        return loader.load(path: "gateway.yaml").desired
    }

    /// Guarantee: what is printed to paste is read back as what was asked for, whatever characters stand in it.
    @Test func theEntryReadsBack() throws {
        let text = "hmac-sha256:Ab0123456789:" + String(repeating: "0a", count: 32)
        let hash = try #require(KeyHash(text))
        var entry = KeyEntry(name: "ci:\"${x}", credential: .hash(hash))
        entry.org = "true"
        entry.team = "#1"
        entry.serviceAccount = "build-bot"
        entry.scopes = ["inference"]
        entry.models = ["openai/*", "smart"]
        entry.allowedAddresses = ["10.2.0.0/16", "2001:db8::/32"]
        entry.expires = "2027-01-31"
        #expect(entry.problems(secret: Self.secret, digest: Self.digest) == nil)
        let key = try #require(self.state(entry)?.keys.first)
        #expect(key.name == "ci:\"${x}")
        #expect(key.credential == .hash(hash))
        #expect(key.owner == KeyOwner(org: "true", team: "#1", holder: .serviceAccount("build-bot")))
        #expect(key.models == ["openai/*", "smart"])
        #expect(key.allowedAddresses?.count == 2 && key.expires != nil)
    }

    @Test func aVariableInPlaceOfAHash() throws {
        #expect(KeyEntry.variable(for: "ci") == "PENSTOCK_KEY_CI")
        #expect(KeyEntry.variable(for: "a-b.c/1") == "PENSTOCK_KEY_A_B_C_1")
        let entry = KeyEntry(name: "ci", credential: .variable("PENSTOCK_KEY_CI"))
        #expect(entry.yaml == "  - name: ci\n    secret: \"${PENSTOCK_KEY_CI}\"\n")
        #expect(entry.problems(secret: Self.secret, digest: Self.digest) == nil)
        #expect(self.state(entry)?.keys.first?.credential == .secret(Self.secret))
    }

    /// Guarantee: what the configuration would refuse is said before the key is handed out.
    @Test func problemsAreThoseOfTheConfiguration() {
        var entry = KeyEntry(name: "c i", credential: .variable("PENSTOCK_KEY_CI"))
        entry.scopes = ["inferrence"]
        entry.expires = "tomorrow"
        let text = entry.problems(secret: Self.secret, digest: Self.digest) ?? ""
        for code in ["E2111", "E2105", "E2107"] { #expect(text.contains(code), "\(text)") }
        #expect(text.contains("did you mean `inference`?") && !text.contains(Self.secret.revealed))
    }
}

import GatewayTesting
import Testing

@testable import GatewayRedis

@Suite struct RedisKeyTests {
    @Test func theOrgIsTheHashTag() {
        let key = RedisKey.make(org: "acme", kind: "limit", name: "key/dev:requests")
        #expect(key.description == "ps:{acme}:limit:key/dev:requests")
        #expect(String(decoding: key.wire, as: UTF8.self) == "$32\r\nps:{acme}:limit:key/dev:requests\r\n")
    }

    /// What Redis Cluster hashes: the text between the first `{` and the next `}`, unless it is empty.
    private func tag(_ key: RedisKey) -> String {
        let text = key.description
        guard let open = text.firstIndex(of: "{"), let close = text[open...].firstIndex(of: "}"),
            text.index(after: open) < close
        else { return text }
        return String(text[text.index(after: open)..<close])
    }

    @Test(arguments: ["acme", "", "{", "}", "{}", "a}b", "a:b", "%", "%7D", "ä"])
    func allKeysOfAnOrgShareATag(org: String) {
        let keys = ["a", "{b}", "}", "{"].flatMap { name in
            ["limit", "bud{get}"].map { RedisKey.make(org: org, kind: $0, name: name) }
        }
        #expect(Set(keys.map(self.tag)).count == 1)
        #expect(Set(keys).count == keys.count)
    }

    @Test(arguments: 0..<20)
    func differentArgumentsGiveDifferentKeys(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let alphabet = ["{", "}", "%", ":", "a", "7", "B", "D", "25"]
        func text() -> String { (0..<random.int(0...3)).map { _ in alphabet[random.int(0...8)] }.joined() }
        var seen: [RedisKey: [String]] = [:]
        for _ in 0..<2000 {
            let arguments = [text(), text(), text()]
            let key = RedisKey.make(org: arguments[0], kind: arguments[1], name: arguments[2])
            #expect(seen[key] == nil || seen[key] == arguments)
            seen[key] = arguments
        }
    }
}

@Suite struct RedisScriptTests {
    /// The digests that `SCRIPT LOAD` of a real server names.
    @Test func theDigestIsRedisName() throws {
        let one = try #require(RedisScript(name: "one/1", commandClass: .limits, source: "return 1"))
        #expect(one.digest == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db")
        #expect(String(decoding: one.callPrefix, as: UTF8.self) == "$7\r\nEVALSHA\r\n$40\r\n\(one.digest)\r\n")
        #expect(String(decoding: one.sourcePrefix, as: UTF8.self) == "$4\r\nEVAL\r\n$8\r\nreturn 1\r\n")
        let empty = try #require(RedisScript(name: "none/1", commandClass: .limits, source: ""))
        #expect(empty.digest == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    }

    @Test(arguments: [
        ("NOSCRIPT No matching script.", RedisErrorKind.noScript), ("OOM", .outOfMemory), ("OOMX no", .other),
        ("READONLY You can't write", .readOnly), ("ERR unknown", .other), ("", .other), ("noscript", .other),
    ])
    func errorsAreKnownByTheirFirstWord(text: String, kind: RedisErrorKind) {
        #expect(Array(text.utf8).withUnsafeBytes { RedisErrorKind($0) } == kind)
    }
}

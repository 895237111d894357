import GatewayCore
import Testing

@Suite struct DNSNamePatternTests {
    @Test(arguments: [
        ("api.test.org", "api.test.org"), ("api.test.org", "API.Test.ORG"), ("api.test.org.", "api.test.org"),
        ("api.test.org", "*.test.org"), ("a.b.test.org", "*.b.test.org"),
    ])
    func names(host: String, pattern: String) {
        #expect(DNSNamePattern.matches(host, pattern: Array(pattern.utf8)))
    }

    @Test(arguments: [
        ("api.test.org", "api2.test.org"), ("api.test.org", "test.org"), ("test.org", "*.test.org"),
        ("a.b.test.org", "*.test.org"), ("test.org", "*.org"), ("org", "*"), ("api.test.org", "a*.test.org"),
        ("api.test.org", "*.*.org"), (".test.org", "*.test.org"), ("api.test.org", ""), ("", ""), ("", "."),
        ("api.test.org", "*."), ("api.test.org", "api.test.org\0.evil.org"), ("a..org", "*..org"),
    ])
    func doesNotName(host: String, pattern: String) {
        #expect(!DNSNamePattern.matches(host, pattern: Array(pattern.utf8)))
    }
}

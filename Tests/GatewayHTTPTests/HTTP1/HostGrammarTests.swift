import Testing

@testable import GatewayHTTP

@Suite struct HostGrammarTests {
    @Test(arguments: [
        "a", "a.b", "A-B_c.example", "127.0.0.1", "a:0", "a:65535", "[::]", "[::1]:443", "[2001:db8::192.0.2.1]",
        "a-name-of-more-than-sixteen-bytes.example.com:8080", "-", "a.",
    ])
    func validHost(_ text: String) {
        #expect(Self.parts(text) != nil)
    }

    @Test(arguments: [
        "", ":", ":80", "a:", "a:65536", "a:123456", "a:8o", "a b", "a/", "a,b", "u@a", "a%20", "é", "::1", "[", "[]",
        "[::1",
        "[::1]a", "[::1]:", "[127.0.0.1]", "[fe80::1%25lo]", "[v1.a]", "[12345::]", "a\u{7f}", "abcdefgh\u{80}jkl",
        "a~b",
    ])
    func invalidHost(_ text: String) {
        #expect(Self.parts(text) == nil)
    }

    /// Guarantee: every byte is judged alike at every offset of a name.
    @Test func eachByteAtEachOffset() {
        let members = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._".utf8)
        for place in 0..<18 {
            for byte in UInt8.min...UInt8.max where byte != 0x3a && !(place == 0 && byte == 0x5b) {
                var name = Array(repeating: UInt8(0x61), count: 18)
                name[place] = byte
                #expect(Self.parts(name) == members.contains(byte))
            }
        }
    }

    private static func parts(_ text: String) -> HostGrammar.Parts? {
        let bytes = Array(text.utf8)
        return try? HeadGrammarTests.withBase(bytes) { HostGrammar.parts($0, 0..<bytes.count) }
    }

    private static func parts(_ bytes: [UInt8]) -> Bool {
        (try? HeadGrammarTests.withBase(bytes) { HostGrammar.parts($0, 0..<bytes.count) }) ?? nil != nil
    }
}

import Testing

@testable import GatewayCore

struct ClosestNameTests {
    @Test(arguments: [
        ("lama", "llama"), ("prioritty", "priority"), ("modle", "model"), ("smrat", "smart"), ("gpt5", "gpt-5"),
        ("providers", "provider"),
    ])
    func aSlipIsUnderstood(_ written: String, _ meant: String) {
        #expect(
            ClosestName.find(written, among: ["llama", "priority", "model", "smart", "gpt-5", "provider"]) == meant)
    }

    @Test func whatIsFarIsNotSuggested() {
        #expect(ClosestName.find("x", among: ["y", "model"]) == nil)
        #expect(ClosestName.find("abc", among: ["xyz"]) == nil)
        #expect(ClosestName.find("completely", among: ["different"]) == nil)
        #expect(ClosestName.find("model", among: ["model"]) == nil, "the name itself is no suggestion")
        #expect(ClosestName.find("", among: ["a", ""]) == nil)
        #expect(ClosestName.find("model", among: [String]()) == nil)
    }

    /// Guarantee: the same message on every run, whatever the order of a set.
    @Test func tiesAreDecidedByTheAlphabet() {
        #expect(ClosestName.find("beta", among: ["betb", "beta1", "bet"]) == "bet")
        #expect(ClosestName.find("beta", among: ["bet", "beta1", "betb"]) == "bet")
    }

    @Test func distances() {
        func distance(_ left: String, _ right: String) -> Int {
            ClosestName.distance(Array(left.utf8), Array(right.utf8))
        }
        #expect(distance("", "") == 0)
        #expect(distance("", "abc") == 3)
        #expect(distance("abc", "") == 3)
        #expect(distance("kitten", "sitting") == 3)
        #expect(distance("ab", "ba") == 1)
        #expect(distance("abcd", "acbd") == 1)
        #expect(distance("ca", "abc") == 3)
    }
}

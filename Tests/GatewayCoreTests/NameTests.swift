import GatewayCore
import Testing

struct NameTests {
    /// Guarantee: names are compared byte for byte. Swift's strings are not: they hold both spellings of é to be one.
    @Test func canonicallyEqualNamesDiffer() {
        let composed = "caf\u{e9}"
        let decomposed = "cafe\u{301}"
        #expect(composed == decomposed)
        #expect(ModelName(composed) != ModelName(decomposed))
        #expect(Set([ModelName(composed), ModelName(decomposed)]).count == 2)
        #expect([ModelName(composed): 1][ModelName(decomposed)] == nil)
        #expect((ModelName(composed) < ModelName(decomposed)) != (ModelName(decomposed) < ModelName(composed)))
    }

    @Test func equalNamesAreEqual() {
        #expect(ModelName("gpt-5") == "gpt-5")
        #expect(ModelName("gpt-5").hashValue == ModelName("gpt-5").hashValue)
        #expect(ModelName("GPT-5") != "gpt-5")
        #expect(ModelName("a") < "b")
        #expect(!(ModelName("a") < "a"))
        #expect("\(ModelName("x"))" == "x")
    }
}

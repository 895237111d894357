import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayPolicy

struct ModelTableTests {
    private let names: [ModelName] = ["smart", "openai/*", "openai/gpt-5", "openai/o*", "caf\u{e9}", "*"]

    /// Guarantee: an exact name first, then the longest prefix; byte for byte.
    @Test(arguments: [
        ("smart", 0), ("openai/gpt-5", 2), ("openai/gpt-50", 1), ("openai/o", 1), ("openai/o3", 3), ("openai/", 5),
        ("caf\u{e9}", 4), ("cafe\u{301}", 5), ("Smart", 5), ("smart ", 5), ("smar", 5),
    ])
    func find(_ name: String, _ expected: Int) {
        #expect(ModelTable(self.names).find(ModelName(name)) == expected)
    }

    @Test func theEmptyNameIsNoModel() {
        #expect(ModelTable(self.names).find("") == nil)
        #expect(ModelTable([]).find("smart") == nil)
    }

    @Test func manyNamesAgreeWithADictionary() {
        var random = SeededRandom(seed: 0x5eed_0007)
        let names = Set((0..<5000).map { _ in ModelName(String(random.next() % 20_000, radix: 36)) }).sorted()
        let table = ModelTable(names)
        let known = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        for number in 0..<20_000 {
            let name = ModelName(String(number, radix: 36))
            #expect(table.find(name) == known[name])
        }
    }
}

import Testing

@testable import GatewayConfig

@Suite struct AliasRulesTests {
    @Test(arguments: ["a: &x 1\n? *x\n: 2", "a: {[*x]: 1}", "*x : 1", "b: [*x]\n[1]: 2", "{ *x : 1 }: 2"])
    func collectionKeysBesideAliasesAreRefused(_ text: String) {
        #expect(AliasRules.mayBlowUp(text))
    }

    @Test(arguments: [
        "a: *x\nb: [*x, *y]\n", "m: { \"openai/*\": { passthrough: openai } }", "u: \"${A}:${B}\"\nv: *x",
        "? [a]\n: b", "x: 2 * 3: y",
    ])
    func otherTextsAreNot(_ text: String) {
        #expect(!AliasRules.mayBlowUp(text))
    }
}

@Suite struct YAMLReaderTests {
    private func places(_ text: String) -> [String] {
        guard case .map(let entries)? = YAMLReader.read(Array(text.utf8), file: "f").root?.content else { return [] }
        return entries.map { "\($0.name) \($0.nameOrigin) \($0.value.kind) \($0.value.origin)" }
    }

    /// Guarantee: places are lines and columns of the file, with a byte order mark, line ends of all kinds, and letters
    /// of several bytes.
    @Test(
        arguments: [
            ("a: 1\nb: [x]\n", ["a f:1:1 a number f:1:4", "b f:2:1 a list f:2:4"]),
            ("\u{feff}a: 1\r\n\r\nb: \"é\"\r\n", ["a f:1:1 a number f:1:4", "b f:3:1 text f:3:4"]),
            ("é🤖: { x: y }\n", ["é🤖 f:1:1 a mapping f:1:5"]), ("a: ~\n", ["a f:1:1 nothing f:1:4"]),
        ] as [(String, [String])])
    func placesAreThoseOfTheFile(_ text: String, _ expected: [String]) {
        #expect(self.places(text) == expected)
    }

    @Test func emptyTextsAreEmpty() {
        for text in ["", "\n\n", "# nothing\n", "\u{feff}"] {
            let reading = YAMLReader.read(Array(text.utf8), file: "f")
            #expect(reading.isEmpty && reading.root == nil && reading.problems.sorted == [])
        }
    }
}

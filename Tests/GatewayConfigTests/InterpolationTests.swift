import GatewayContract
import GatewayCore
import Testing

@testable import GatewayConfig

@Suite struct InterpolationTests {
    private func walk(_ environment: [String: String], _ files: [String: String] = [:]) -> ConfigWalk {
        ConfigWalk(environment: environment, digest: { $0 }, files: MemoryFiles(files))
    }

    private func resolve(_ text: String, _ environment: [String: String] = [:], _ files: [String: String] = [:]) -> (
        ConfigWalk.Resolved?, [String]
    ) {
        var walk = self.walk(environment, files)
        let node = ConfigNode(
            content: .scalar(.init(text: text, isPlain: false)), origin: .init(file: "f/g.yaml", line: 1, column: 1))
        let value = walk.resolve(node)
        return (value, walk.problems.sorted.map(\.code))
    }

    @Test(
        arguments: [
            ("plain", "plain"), ("", ""), ("$", "$"), ("$5", "$5"), ("a${A}b", "a1b"), ("${A}", "1"),
            ("${A}${A}", "11"),
            ("${EMPTY}", ""), ("${EMPTY:-d}", "d"), ("${NONE:-d}", "d"), ("${NONE:-}", ""), ("${A:-d}", "1"),
            ("${A:?m}", "1"), ("$${A}", "${A}"), ("$$${A}", "$${A}"), ("a$${b}c${A}", "a${b}c1"),
            ("${NONE:-a:-b}", "a:-b"),
            ("${file:key}", "line"), ("${file:/abs}", "two\nlines"), ("os.environ/A", "1"), ("${UNICODE}", "ä✓"),
            ("x}y", "x}y"),
        ] as [(String, String)])
    func forms(_ text: String, _ expected: String) {
        let environment = ["A": "1", "EMPTY": "", "UNICODE": "ä✓"]
        #expect(self.resolve(text, environment, ["f/key": "line\r\n", "/abs": "two\nlines\n"]).0?.text == expected)
    }

    @Test(
        arguments: [
            ("${NONE}", "E1402"), ("${NONE:?why}", "E1403"), ("${EMPTY:?why}", "E1403"), ("${", "E1401"),
            ("${}", "E1401"),
            ("${A", "E1401"), ("${A-b}", "E1401"), ("${A:}", "E1401"), ("${1A}", "E1401"), ("${ä}", "E1401"),
            ("${A B}", "E1401"),
            ("${file:}", "E1401"), ("${file:none}", "E1404"), ("${A:-${B}}", "E1401"), ("os.environ/NONE", "E1402"),
        ] as [(String, String)])
    func faults(_ text: String, _ code: String) {
        let (value, codes) = self.resolve(text, ["EMPTY": "", "A": "1"])
        #expect(value == nil)
        #expect(codes.contains(code))
    }

    /// Guarantee: a value cannot become YAML; it stays one scalar whatever it holds.
    @Test func valuesInjectNothing() {
        let yaml = "version: 1\nmodels:\n  a: { use: \"echo/${X}\" }\n"
        let loader = ConfigLoader(
            environment: ["X": "x, b: { use: y } }\nkeys: []"], fileSystem: MemoryFiles(["g": yaml]))
        #expect(loader.load(path: "g").problems.map(\.code) == ["E2111"])
    }

    /// Guarantee: a reference that is the whole value takes the wanted type; mixed and quoted text stays text.
    @Test func wholeReferencesAreTyped() {
        func codes(_ value: String) -> [String] {
            let yaml = "version: 1\nserver:\n  loops: \(value)\n"
            return ConfigLoader(environment: ["N": "2", "T": "x"], fileSystem: MemoryFiles(["g": yaml])).load(path: "g")
                .problems.map(\.code)
        }
        #expect(codes("\"${N}\"") == [] && codes("${N}") == [] && codes("2") == [])
        #expect(codes("\"2\"") == ["E2101"] && codes("\"${N}${N}\"") == ["E2101"] && codes("${T}") == ["E2101"])
    }
}

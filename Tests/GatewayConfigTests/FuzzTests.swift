import GatewayContract
import GatewayCore
import Testing

@testable import GatewayConfig

/// SplitMix64: the seed is the bug report.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = self.state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}

/// Guarantee: no text traps, hangs or goes without an answer: a state, or an error with a code that exists.
@Suite struct FuzzTests {
    private static let pieces = [
        "a", "version: 1", "\n", "  ", "- ", ": ", "{", "}", "[", "]", ",", "\"", "'", "&a ", "*a", "? ", "!t ", "|",
        ">", "#",
        "---", "...", "%", "@", "`", "\t", "\r", "${A}", "${", "$${", "os.environ/A", "é", "\u{2028}", "\u{feff}", "\0",
        "<<", "models", "use", "echo/x", "keys", "name", "secret", "routes_dir", "1e9", "99999999999999999999", "-1",
        "0x1",
        "providers", "server", "limits", "null", "~", "true", "\u{e000}", "🤖", "e\u{301}",
    ]

    private func check(_ text: String, _ note: String) {
        let loader = ConfigLoader(
            environment: ["A": "1"], fileSystem: MemoryFiles(["gateway.yaml": text, "routes/r.yaml": text]))
        let result = loader.load(path: "gateway.yaml")
        #expect((result.desired == nil) == result.hasErrors, "\(note)")
        #expect(result.problems.allSatisfy { ProblemCatalog.title(of: $0.code) != nil }, "\(note)")
        for format in ProblemReport.Format.allCases { _ = result.report(format) }
        if let state = result.desired { _ = ResolvedRendering.yaml(state) }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func randomTexts(_ seed: UInt64) {
        var dice = Dice(state: seed)
        for round in 0..<150 {
            let text = (0..<Int.random(in: 0...40, using: &dice)).map { _ in
                Self.pieces.randomElement(using: &dice) ?? ""
            }.joined()
            self.check("version: 1\n" + text, "seed \(seed), round \(round)")
            self.check(text, "seed \(seed), round \(round)")
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func mutatedFiles(_ seed: UInt64) {
        var dice = Dice(state: seed &+ 1000)
        let texts = CaseFile.all().flatMap(\.files.values).sorted().filter { $0.count < 4000 }
        for round in 0..<100 {
            guard let picked = texts.randomElement(using: &dice) else { return #expect(Bool(false), "no cases") }
            var scalars = Array(picked.unicodeScalars)
            for _ in 0..<Int.random(in: 1...4, using: &dice) {
                let at = Int.random(in: 0...scalars.count, using: &dice)
                switch Int.random(in: 0..<4, using: &dice) {
                case 0: scalars.removeSubrange(at..<min(scalars.count, at + Int.random(in: 0...20, using: &dice)))
                case 1:
                    scalars.insert(contentsOf: (Self.pieces.randomElement(using: &dice) ?? "").unicodeScalars, at: at)
                case 2: scalars = Array(scalars[..<at])
                default:
                    let other = Int.random(in: 0...scalars.count, using: &dice)
                    scalars.insert(
                        contentsOf: scalars[min(at, other)..<min(max(at, other), min(at, other) + 200)], at: at)
                }
            }
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars)
            self.check(String(view), "seed \(seed), round \(round)")
        }
    }

    /// Guarantee: bytes that are no text are an error too.
    @Test func randomBytes() {
        struct Bytes: ConfigFileSystem {
            let bytes: [UInt8]
            func read(_ path: String, bytesMax: Int) throws(FileFault) -> [UInt8] { self.bytes }
            func list(_ folder: String) throws(FileFault) -> [String] { throw .missing }
        }
        var dice = Dice(state: 7)
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 0...64, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) }
            let result = ConfigLoader(environment: [:], fileSystem: Bytes(bytes: bytes)).load(path: "x")
            #expect(result.hasErrors)
            _ = result.report()
        }
    }

    /// Guarantee: depth and aliases are bounded, in values and in keys.
    @Test(arguments: Self.bombTexts.indices)
    func bombs(_ index: Int) {
        let text = Self.bombTexts[index]
        self.check("version: 1\n" + text, String(text.prefix(20)))
    }

    private static let bombTexts: [String] = {
        func doubling(_ count: Int) -> String {
            var text = "a: &a [x]\n"
            for index in 0..<count { text += "b\(index): &a [*a, *a]\n" }
            return text
        }
        var texts: [String] = []
        for piece in ["[", "{a: ", "- ", "? ", "\"", "a: b\n", "&a [", "!t "] {
            texts.append(String(repeating: piece, count: 3000))
        }
        texts.append("a: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900))
        texts.append(doubling(60))
        texts.append(doubling(60) + "{ *a : 1 }: 2\n")
        texts.append(doubling(40) + "c: { [*a]: 1 }\n")
        texts.append(doubling(40) + "*a : 1\n")
        texts.append("a: &a { b: *a }")
        var many = "models:\n"
        for index in 0..<10000 { many += "  k\(index): { use: echo/x }\n" }
        texts.append(many)
        return texts
    }()
}

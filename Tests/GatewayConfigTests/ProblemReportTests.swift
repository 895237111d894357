import GatewayContract
import GatewayCore
import Testing

@testable import GatewayConfig

@Suite struct ProblemReportTests {
    private static let yaml = """
        deployments:
          gpt5-eu: { provider: azure-eu, model: gpt-5, prioritty: 1 }
              - { when: { max_tokens: { lte: 1024 } }, use: lama }
        """
    private let sources = [
        "gateway.yaml": SourceText(file: "gateway.yaml", text: String(repeating: "\n", count: 58) + Self.yaml)
    ]

    /// The messages of the design, as they stand there.
    @Test func rendersLikeTheDesign() {
        let problems = [
            Problem(
                "E2103", "unknown key `prioritty` in deployment `gpt5-eu`",
                at: .init(file: "gateway.yaml", line: 60, column: 48),
                label: "did you mean `priority`?",
                help: "allowed keys: provider, model, limits, weight, priority, max_output_tokens, price, tags"),
            Problem(
                code: "E3001", message: "model `smart` refers to deployment `lama`, which is not defined",
                origin: .init(file: "gateway.yaml", line: 61, column: 53), other: nil, suggestion: "llama",
                suggestionOrigin: .init(file: "gateway.yaml", line: 63, column: 3), help: nil, isWarning: false),
            Problem(
                code: "E5012",
                message:
                    "route `chat` version `v1` and route `legacy` both match POST api.test/v1/chat/completions",
                origin: .init(file: "routes/chat.yaml", line: 21, column: 11),
                other: .init(file: "routes/legacy.yaml", line: 6, column: 9), suggestion: nil,
                help: "give one of them a narrower `match.host` or a `priority`", isWarning: false),
            Problem("W6001", "team `labs` budget is larger", at: nil),
        ]
        #expect(
            ProblemReport(problems, sources: self.sources).text() == """
                warning[W6001]: team `labs` budget is larger

                error[E2103]: unknown key `prioritty` in deployment `gpt5-eu`
                  --> gateway.yaml:60:48
                   |
                60 |   gpt5-eu: { provider: azure-eu, model: gpt-5, prioritty: 1 }
                   |                                                ^^^^^^^^^ did you mean `priority`?
                   = help: allowed keys: provider, model, limits, weight, priority, max_output_tokens, price, tags

                error[E3001]: model `smart` refers to deployment `lama`, which is not defined
                  --> gateway.yaml:61:53
                   |
                61 |       - { when: { max_tokens: { lte: 1024 } }, use: lama }
                   |                                                     ^^^^ did you mean `llama` (gateway.yaml:63:3)?

                error[E5012]: route `chat` version `v1` and route `legacy` both match POST api.test/v1/chat/completions
                  --> routes/chat.yaml:21:11
                  --> routes/legacy.yaml:6:9 (other definition)
                   = help: give one of them a narrower `match.host` or a `priority`

                """)
    }

    private let one = [
        Problem(
            "E2103", "unknown \"key\", 100%", at: .init(file: "a,b.yaml", line: 60, column: 48), label: "hm?",
            help: "x\ny", notes: ["n"], other: .init(file: "c", line: 2, column: 3))
    ]

    @Test func json() {
        #expect(
            ProblemReport(self.one).rendered(.json) == """
                {"problems":[
                  {"code":"E2103","severity":"error","message":"unknown \\"key\\", 100%","file":"a,b.yaml","line":60,\
                "column":48,"length":1,"label":"hm?",\
                "help":"x\\ny","notes":["n"],"other":{"file":"c","line":2,"column":3}}
                ]}

                """)
        #expect(ProblemReport([]).rendered(.json) == "{\"problems\":[]}\n")
    }

    @Test func github() {
        #expect(
            ProblemReport(self.one).rendered(.github)
                == "::error file=a%2Cb.yaml,line=60,col=48,title=E2103::unknown \"key\", 100%25; hm?; x%0Ay; n\n")
    }

    @Test func sarif() {
        let text = ProblemReport(self.one).rendered(.sarif)
        #expect(text.contains("\"version\":\"2.1.0\"") && text.contains("\"ruleId\":\"E2103\",\"level\":\"error\""))
        #expect(text.contains("\"region\":{\"startLine\":60,\"startColumn\":48,\"endColumn\":49}"))
        #expect(text.contains("{\"id\":\"E2103\",\"shortDescription\":{\"text\":\"an unknown key\"}}"))
    }

    @Test func coloursAreOptional() {
        #expect(!ProblemReport(self.one, sources: self.sources).text().contains("\u{1b}"))
        #expect(
            ProblemReport(self.one, sources: self.sources).text(colour: true).hasPrefix(
                "\u{1b}[1;31merror[E2103]\u{1b}[0m"))
    }

    /// Guarantee: at most 50 are shown, the rest is counted, the order is by file and line.
    @Test func reportsAreBounded() {
        let many = (0..<70).map { Problem("E2101", "p", at: .init(file: "f", line: 100 - $0, column: 1)) }
        let report = ProblemReport(many)
        #expect(report.problems.count == 50 && report.problems.first?.place?.line == 31)
        #expect(report.text().hasSuffix("… and 20 more\n"))
        #expect(report.summary == "70 errors")
    }

    @Test func everyCodeIsExplained() {
        #expect(Set(ProblemCatalog.codes).count == ProblemCatalog.codes.count)
        for code in ProblemCatalog.codes {
            #expect(ProblemCatalog.explanation(of: code.lowercased())?.hasPrefix("\(code): ") == true)
        }
        #expect(ProblemCatalog.explanation(of: "E9999") == nil)
        for file in CaseFile.all() {
            for problem in file.load().problems {
                #expect(ProblemCatalog.codes.contains(problem.code), "\(problem.code)")
            }
        }
    }

    /// Guarantee: a credential in a file is never shown, not even by the message of another problem or by a YAML fault.
    @Test(arguments: [
        "providers: { openai: { api_key: sk-test-abcdef, x: 1 } }",
        "keys: [{ name: a, secret: 'sk-test-abcdef0123', y: 1 }]",
        "providers: { openai: { \"api_key\": \"sk-test-abcdef\" : } }", "keys: [{ secret : sk-test-abcdef0123 }}]",
        "providers: { a: { type: openai, api_key: none, headers: { Authorization: Bearer sk-test-abcdef, B: } } }",
        "providers: { a: { type: openai, api_key: none, base_url: \"https://u:sk-test-abcdef@x/\" } }",
    ])
    func credentialsStayHidden(_ line: String) {
        let loader = ConfigLoader(environment: [:], fileSystem: MemoryFiles(["g": "version: 1\n\(line)\n"]))
        let result = loader.load(path: "g")
        #expect(!result.problems.isEmpty)
        for format in ProblemReport.Format.allCases { #expect(!result.report(format).contains("abcdef")) }
    }
}

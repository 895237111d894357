import Testing

/// Each check fires on a bad sample and keeps quiet on a good one: a check that never fires protects nothing.
@Suite struct TidySelfTests {
    private func file(_ path: String, _ text: String) -> SourceFile { .init(path: path, text: text) }

    @Test func importsOutsideTheTableAreFound() {
        let manifest: [String: Set<String>] = ["GatewayPipeline": ["GatewayCore", "NIOCore"]]
        func findings(_ text: String, in target: String = "GatewayPipeline") -> [Finding] {
            ImportCheck.sources([self.file("Sources/\(target)/A.swift", text)], manifest: manifest)
        }
        #expect(findings("import Foundation\n").count == 1)
        #expect(findings("import Foundation\n")[0].message.contains("GatewayCore"))
        #expect(findings("@preconcurrency import Hummingbird\n").count == 1)
        #expect(findings("import struct Foundation.Data\n").count == 1)
        #expect(findings("public import NIOHTTP1\n").count == 1)
        #expect(findings("import GatewayConfig\n").count == 1)
        #expect(findings("import GatewayTesting\n").count == 1)
        #expect(findings("import GatewayCore\nimport NIOCore\nimport Synchronization\n").isEmpty)
        #expect(findings("// import Foundation\nlet x = \"import Foundation\"\n").isEmpty)
        #expect(findings("import GatewayWire\n")[0].message.contains("Package.swift"))
        #expect(findings("import GatewayCore\n", in: "GatewayNew").count == 1)
        let many = (0..<9).map { _ in "import GatewayCore\n" }.joined()
        #expect(findings(many).contains { $0.message.contains("9 imports") })
    }

    @Test func edgesOutsideTheTableAreFound() {
        #expect(ImportCheck.manifest(["GatewayWire": ["GatewayCore", "NIOCore"]]).count == 1)
        #expect(ImportCheck.manifest(["GatewayPolicy": ["GatewayDialects"]]).count == 1)
        #expect(ImportCheck.manifest(["penstock": ["GatewayTesting"]]).count == 1)
        #expect(ImportCheck.manifest(["SomeTests": ["penstock"]]).count == 1)
        #expect(ImportCheck.manifest(["Unheard": []]).count == 1)
        #expect(ImportCheck.manifest(["GatewayWire": ["GatewayCore"], "SomeTests": ["GatewayTesting"]]).isEmpty)
    }

    @Test func manifestsAreRead() {
        let text = """
            let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
            func source(_ name: String, _ dependencies: [Target.Dependency]) -> Target {}
            targets: [ source("A", []), source(
                "B",
                ["A", nioCore]), tests("BTests", ["B"]),
                .executableTarget(name: "run", dependencies: ["B", nioCore], swiftSettings: strict) ]
            """
        #expect(Manifest.targets(text) == ["A": [], "B": ["A", "NIOCore"], "BTests": ["B"], "run": ["B", "NIOCore"]])
    }

    @Test func socketsInPureTargetsAreFound() {
        #expect(ImportCheck.channels([self.file("Sources/GatewayWire/A.swift", "let c: any Channel\n")]).count == 1)
        #expect(
            ImportCheck.channels([self.file("Sources/GatewayPolicy/A.swift", "func f(_ l: any EventLoop) {}\n")]).count
                == 1)
        #expect(ImportCheck.channels([self.file("Sources/GatewayHTTP/A.swift", "let c: any Channel\n")]).isEmpty)
        #expect(ImportCheck.channels([self.file("Sources/GatewayWire/A.swift", "// no Channel here\n")]).isEmpty)
    }

    @Test func longFilesAreFound() {
        let text = String(repeating: "x\n", count: 700)
        #expect(SizeCheck.files([self.file("Sources/A/A.swift", text)]).isEmpty)
        #expect(SizeCheck.files([self.file("Sources/A/A.swift", text + text)]).count == 1)
        #expect(SizeCheck.files([self.file("Tests/ATests/A.swift", text)]).count == 1)
    }

    @Test func longLinesAreFound() {
        #expect(SizeCheck.columns([self.file("Sources/A/A.swift", String(repeating: "é", count: 120))]).isEmpty)
        #expect(SizeCheck.columns([self.file("Sources/A/A.swift", String(repeating: "é", count: 121))]).count == 1)
    }

    @Test func longFunctionsAreFound() {
        let body = String(repeating: "    work()\n", count: 69)
        func findings(_ text: String) -> [Finding] { SizeCheck.functions([self.file("Sources/A/A.swift", text)]) }
        #expect(findings("func f() {\n\(body)}\n").count == 1)
        #expect(findings("func f() {\n\(body.dropFirst(11))}\n").isEmpty)
        #expect(findings("init?(a: () -> Void = { (1) }) where A == B {\n\(body)}\n").count == 1)
        #expect(findings("protocol P {\n    func f()\n    init()\n}\n\(body)struct S { \n\(body)}\n").isEmpty)
        #expect(findings("func f() { let s = \"}\" // }\n\(body)}\n").count == 1)
        #expect(findings("let a = A.init(x)\n\(body)").isEmpty)
    }

    @Test func functionSpansAreExact() {
        let code = [
            "struct S {", "    func f(", "        a: Int", "    ) -> Int {", "        if a > 0 { return 1 }",
            "        return 0",
            "    }", "    var x: Int { 1 }", "    func g() {}", "}",
        ]
        #expect(Functions.spans(in: code) == [2..<8, 9..<10])
    }

    @Test func emptyNamesAreFound() {
        let bad = [
            "Sources/A/StringUtils.swift", "Sources/A/New/B.swift", "Sources/A/Common.swift", "Sources/A/My File.swift",
            "Sources/A/PoolHelper.swift", "Tests/helpers/a.py", "Sources/A/Misc+More.swift",
        ]
        for path in bad { #expect(!NameCheck.names([path]).isEmpty, "\(path)") }
        #expect(NameCheck.names(["Sources/A/NewsReader.swift", "Sources/A/Commonality.swift", "Tests/run"]).isEmpty)
    }

    @Test(arguments: [
        "try! f()", "x as! Int", "fatalError(\"\")", "preconditionFailure()", "print(1)", "let x = await f()",
    ])
    func bansAreFound(line: String) {
        let findings = BanCheck.bans([self.file("Sources/GatewayHTTP/A.swift", "func f() {\n    \(line)\n}\n")])
        #expect(findings.count == 1 && findings[0].line == 2)
        #expect(BanCheck.bans([self.file("Sources/GatewayHTTP/A.swift", "// \(line)\n")]).isEmpty)
        #expect(BanCheck.bans([self.file("Tests/GatewayHTTPTests/A.swift", line)]).isEmpty)
    }

    @Test func bansAreWordsOfTheirOwn() {
        #expect(BanCheck.bans([self.file("Sources/GatewayHTTP/A.swift", "self.print(1)\nfingerprint(2)\n")]).isEmpty)
    }

    @Test func claimsWithoutReasonsAreFound() {
        func findings(_ text: String) -> [Finding] { BanCheck.unsafeClaims([self.file("Sources/A/A.swift", text)]) }
        #expect(findings("final class A: @unchecked Sendable {}\n").count == 1)
        #expect(findings("nonisolated(unsafe) var a = 1\n").count == 1)
        #expect(findings("// SAFETY: one thread.\nlet x = 1\nfinal class A: @unchecked Sendable {}\n").count == 1)
        #expect(
            findings("// SAFETY: one thread.\n// It never moves.\n@frozen\nfinal class A: @unchecked Sendable {}\n")
                .isEmpty)
    }

    @Test func leftoversWithoutIssuesAreFound() {
        let word = "TO" + "DO"
        #expect(BanCheck.leftovers([self.file("Sources/A/A.swift", "// \(word): later\n")]).count == 1)
        #expect(BanCheck.leftovers([self.file("docs/a.md", "FIX" + "ME\n")]).count == 1)
        #expect(BanCheck.leftovers([self.file("Sources/A/A.swift", "// \(word)(#12): later\n")]).isEmpty)
    }

    @Test func floatsInBillingAreFound() {
        let text = "let rate: Double = 1\n"
        #expect(BanCheck.floats([self.file("Sources/GatewayPolicy/Limits/A.swift", text)]).count == 1)
        #expect(BanCheck.floats([self.file("Sources/GatewayContract/UsageRecord.swift", text)]).count == 1)
        #expect(BanCheck.floats([self.file("Sources/GatewayDialects/Usage/A.swift", "// no Double\n")]).isEmpty)
        #expect(BanCheck.floats([self.file("Sources/GatewayHTTP/A.swift", text)]).isEmpty)
    }

    @Test func placesOnOneMachineAreFound() {
        func findings(_ text: String) -> [Finding] { BanCheck.machinePaths([self.file("Sources/A/A.swift", text)]) }
        for folder in ["ro" + "ot", "ho" + "me/me", "Us" + "ers/me", "wo" + "rk"] {
            #expect(findings("let path = \"/\(folder)/x\"\n").count == 1, "\(folder)")
            #expect(findings("/\(folder)/x\n").count == 1)
            #expect(findings("https://example.test/\(folder)/x\n").isEmpty)
        }
    }

    @Test func symbolsWithoutDocCommentsAreFound() {
        func findings(_ text: String) -> [Finding] { DocCheck.undocumented([self.file("Sources/A/A.swift", text)]) }
        #expect(findings("public struct A {}\n").count == 1)
        #expect(findings("    @inlinable public static func f() {}\n").count == 1)
        #expect(findings("    public private(set) var x = 1\n").count == 1)
        #expect(findings("    public init?(x: Int) {}\n").count == 1)
        #expect(findings("/// What it is.\n@frozen\npublic struct A {}\n").isEmpty)
        #expect(findings("public extension A {}\n").isEmpty)
        #expect(findings("    public var description: String { \"\" }\n").isEmpty)
        #expect(findings("    let a = \"public struct A\"\n").isEmpty)
        #expect(findings("    public init(rawValue: UInt8) { self.rawValue = rawValue }\n").isEmpty)
    }

    @Test func fieldsThatTheirTypeExplainsNeedNoComment() {
        func findings(_ text: String) -> [Finding] { DocCheck.undocumented([self.file("Sources/A/A.swift", text)]) }
        let members = "public struct A {\n    public var x = 1\n    public let y: Int\n}\n"
        #expect(findings("/// A place: `x` and `y`, in metres.\n" + members).isEmpty)
        #expect(findings("/// A place: `x` and y, in metres.\n" + members).map(\.line) == [4])
        #expect(findings("/// `x`, `y`\npublic struct B {}\n\n" + members).map(\.line) == [4, 5, 6])
        #expect(findings("/// Ends in `f`.\npublic struct A {\n    public func f() {}\n}\n").map(\.line) == [3])
        #expect(findings("/// `A` and `B`.\npublic struct A {\n    public struct B {}\n}\n").map(\.line) == [3])
    }

    @Test(arguments: [
        ("public init(x: Int, of y: [Int: Int] = [1: 2, 3: 4]) {\n        self.x = x\n        self.y = y\n    }", true),
        ("public init(\n        _ x: Int = (1)\n    ) {\n        self.x = x\n    }", true),
        ("@inlinable public init(x: Int) { self.x = x }", true),
        ("public init(x: Int) { self.x = max(0, x) }", false),
        ("public init(x: Int, y: Int) { self.x = x }", false),
        ("public init(x: Int) {\n        self.x = x\n        start()\n    }", false),
        ("public init?(x: Int) { self.x = x }", false),
        ("public init(x: Int) throws { self.x = x }", false),
        ("public init(z: Int) { self.z = z }", false),
        ("public init(secret: Int) { self.secret = secret }", false),
        ("public init(other: Int) { self.other = other }", false),
        ("public init() {}", false),
    ])
    func initializersThatOnlyFillNeedNoComment(text: String, isFine: Bool) {
        let text = """
            /// A: `y` beside it.
            public struct A {
                /// X.
                public var x: Int
                public var y: [Int: Int]
                public var z: Int
                let secret: Int

                \(text)
            }

            /// B.
            public struct B {
                /// Of another type.
                public var other: Int
            }

            """
        let lines = DocCheck.undocumented([self.file("Sources/A/A.swift", text)]).map(\.line)
        #expect(lines == (isFine ? [6] : [6, 9]))
    }

    @Test func commentsAndStringsAreBlanked() {
        let text = #"""
            let a = "x \(f("y}") + "z") w" // c {
            let b = #"raw " \(no) "# /* one /* two */ still */ + c
            let d = """
                many { lines
                """ + e
            """#
        let lines = SwiftBlanking.blanked(text).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 5)
        #expect(lines[0].filter { $0 != " " } == "leta=")
        #expect(lines[1].filter { $0 != " " } == "letb=+c")
        #expect(lines[2].filter { $0 != " " } == "letd=")
        #expect(lines[3].allSatisfy { $0 == " " })
        #expect(lines[4].filter { $0 != " " } == "+e")
    }
}

import Foundation

/// What each target may import (docs/decisions/0002). Modules of the system and the standard library are free for all.
struct ImportRule {
    let ours: Set<String>
    let external: Set<String>
    let isDataPlane: Bool

    static let system: Set<String> = ["Swift", "Synchronization", "Glibc", "Musl", "Darwin"]
    /// What no source of the data plane may import, and what to use instead.
    static let bannedOnDataPlane: [String: String] = [
        "Foundation": "GatewayCore; FoundationEssentials only where measured harmless",
        "FoundationEssentials": "GatewayCore, or a row in ImportRule.table that says where it was measured harmless",
        "FoundationNetworking": "GatewayUpstream",
        "Dispatch": "an event loop, or a pthread of its own as in LogWriterThread",
        "NIOHTTP1": "the codec of GatewayHTTP; NIOHTTP1 is the oracle in its tests",
        "NIOFoundationCompat": "ByteBuffer as it is",
        "Hummingbird": "the responder of GatewayHTTP",
    ]

    private static let nio: Set<String> = ["NIOCore", "NIOPosix", "NIOSSL", "NIOTLS", "NIOHTTP2"]

    static let table: [String: ImportRule] = [
        "GatewayCore": .init([]),
        "GatewayContract": .init(["GatewayCore"]),
        "GatewayWire": .init(["GatewayCore"], ["CZlib"]),
        "GatewayPolicy": .init(["GatewayCore", "GatewayContract"], ["CLibCrypto", "CZlib"]),
        "GatewayDialects": .init(["GatewayCore", "GatewayContract", "GatewayWire"]),
        "GatewayConfig": .init(
            ["GatewayCore", "GatewayContract"], ["Yams", "Foundation", "FoundationEssentials"], isDataPlane: false),
        "GatewayHTTP": .init(["GatewayCore", "GatewayWire"], Self.nio),
        "GatewayUpstream": .init(["GatewayCore", "GatewayContract", "GatewayWire", "GatewayHTTP"], Self.nio),
        "GatewayRedis": .init(
            ["GatewayCore", "GatewayContract", "GatewayWire"], Self.nio.union(["CHiredis", "CLibCrypto"])),
        "GatewayTelemetry": .init(["GatewayCore", "GatewayContract"]),
        "GatewayPipeline": .init(
            [
                "GatewayCore", "GatewayContract", "GatewayWire", "GatewayPolicy", "GatewayDialects", "GatewayHTTP",
                "GatewayUpstream", "GatewayRedis", "GatewayTelemetry",
            ], ["NIOCore"]),
        "GatewayTesting": .init(["GatewayCore", "GatewayContract", "GatewayWire"], isDataPlane: false),
        "penstock": .init(
            [
                "GatewayCore", "GatewayContract", "GatewayWire", "GatewayPolicy", "GatewayDialects", "GatewayConfig",
                "GatewayHTTP", "GatewayUpstream", "GatewayRedis", "GatewayTelemetry", "GatewayPipeline",
            ],
            Self.nio.union(["ArgumentParser", "Foundation", "FoundationEssentials", "CLibCrypto"]), isDataPlane: false),
    ]

    init(_ ours: Set<String>, _ external: Set<String> = [], isDataPlane: Bool = true) {
        self.ours = ours
        self.external = external
        self.isDataPlane = isDataPlane
    }

    func allows(_ module: String) -> Bool {
        self.ours.contains(module) || self.external.contains(module) || Self.system.contains(module)
    }
}

enum ImportCheck {
    /// The modules that a file imports, with their lines.
    static func imports(of file: SourceFile) -> [(module: String, line: Int)] {
        file.code.enumerated().compactMap { number, line in
            let words = line.split(separator: " ").filter { !$0.hasPrefix("@") }
            guard let place = words.firstIndex(of: "import"), place <= 1, place + 1 < words.count else { return nil }
            guard place == 0 || ["public", "package", "internal", "fileprivate", "private"].contains(words[0]) else {
                return nil
            }
            let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
            let name = kinds.contains(words[place + 1]) && place + 2 < words.count ? words[place + 2] : words[place + 1]
            return (String(name.split(separator: ".")[0]), number + 1)
        }
    }

    static func sources(_ files: [SourceFile], manifest: [String: Set<String>]) -> [Finding] {
        var findings: [Finding] = []
        for file in files where file.isSource && file.isSwift {
            guard let target = file.target else { continue }
            guard let rule = ImportRule.table[target] else {
                findings.append(
                    .init(
                        path: file.path, line: 0,
                        message: "the target \(target) needs a decision record and a row in ImportRule.table"))
                continue
            }
            let imports = Self.imports(of: file)
            for (module, line) in imports where !rule.allows(module) {
                let instead = rule.isDataPlane ? ImportRule.bannedOnDataPlane[module].map { "; use \($0)" } ?? "" : ""
                findings.append(
                    .init(
                        path: file.path, line: line,
                        message: "\(target) may not import \(module) (docs/decisions/0002)\(instead)"))
            }
            for (module, line) in imports
            where rule.allows(module) && !ImportRule.system.contains(module) && !module.hasPrefix("Foundation") {
                guard manifest[target]?.contains(module) != true else { continue }
                findings.append(
                    .init(
                        path: file.path, line: line,
                        message: "\(module) is no dependency of \(target) in Package.swift: name it there"))
            }
            if rule.isDataPlane, imports.count > 8 {
                findings.append(
                    .init(path: file.path, line: 0, message: "\(imports.count) imports: at most 8, split the file"))
            }
        }
        return findings
    }

    /// Nothing but tests may know of the fakes, and nothing at all of the executable.
    static func manifest(_ targets: [String: Set<String>]) -> [Finding] {
        targets.sorted { $0.key < $1.key }.flatMap { target, dependencies -> [Finding] in
            if target.hasSuffix("Tests") {
                return dependencies.contains("penstock")
                    ? [.init(path: "Package.swift", line: 0, message: "\(target) depends on penstock: test its parts")]
                    : []
            }
            guard let rule = ImportRule.table[target] else {
                return [
                    .init(
                        path: "Package.swift", line: 0,
                        message: "the target \(target) needs a decision record and a row in ImportRule.table")
                ]
            }
            return dependencies.sorted().filter { !rule.allows($0) }.map {
                .init(
                    path: "Package.swift", line: 0, message: "\(target) may not depend on \($0) (docs/decisions/0002)")
            }
        }
    }

    /// Policy, Dialects and Wire are pure: they never speak of sockets.
    static func channels(_ files: [SourceFile]) -> [Finding] {
        let pure: Set<String> = ["GatewayWire", "GatewayPolicy", "GatewayDialects"]
        return files.filter { $0.isSource && pure.contains($0.target ?? "") }.flatMap { file in
            file.words { $0.contains("Channel") || $0 == "EventLoop" }.map {
                .init(
                    path: file.path, line: $0.line, message: "\($0.word) in a pure target: take bytes and give values")
            }
        }
    }
}

extension SourceFile {
    /// The identifiers of the code that `isWanted`, with their lines.
    func words(_ isWanted: (Substring) -> Bool) -> [(word: String, line: Int)] {
        self.code.enumerated().flatMap { number, line in
            line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.filter(isWanted).map { (String($0), number + 1) }
        }
    }
}

/// Targets and their dependencies, as Package.swift spells them with `source(…)`, `tests(…)` and
/// `.executableTarget(…)`.
enum Manifest {
    static func targets(_ text: String) -> [String: Set<String>] {
        var targets: [String: Set<String>] = [:]
        let products = Self.products(text)
        for opening in ["source(", "tests(", ".executableTarget("] {
            var rest = text[...]
            while let found = rest.range(of: opening) {
                let isDefinition = text[..<found.lowerBound].hasSuffix("func ")
                rest = rest[found.upperBound...]
                guard !isDefinition, let whole = Self.balanced(rest) else { continue }
                // Excluded files are strings too, and no dependencies.
                let call = whole.range(of: "exclude:").map { whole[..<$0.lowerBound] } ?? whole
                let strings = Self.strings(call)
                guard let name = strings.first else { continue }
                let bare = call.split { !($0.isLetter || $0.isNumber) }.compactMap { products[String($0)] }
                targets[name] = Set(strings.dropFirst()).union(bare)
            }
        }
        return targets
    }

    /// `let nioCore: Target.Dependency = .product(name: "NIOCore", …)` → `nioCore: NIOCore`.
    private static func products(_ text: String) -> [String: String] {
        var products: [String: String] = [:]
        for line in text.split(separator: "\n") where line.contains("Target.Dependency = .product(") {
            let words = line.split { !($0.isLetter || $0.isNumber) }
            if words.count > 1, words[0] == "let" { products[String(words[1])] = Self.strings(line).first }
        }
        return products
    }

    /// Up to the parenthesis that closes the call.
    private static func balanced(_ text: Substring) -> Substring? {
        var depth = 1
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" { depth -= 1 }
            if depth == 0 { return text[..<index] }
        }
        return nil
    }

    private static func strings(_ text: Substring) -> [String] {
        text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }
}

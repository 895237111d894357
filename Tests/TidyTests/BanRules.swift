import Foundation

/// A piece of code that is not to be written, where, and what to write instead.
struct Ban {
    let text: String
    let instead: String
    var scope: @Sendable (SourceFile) -> Bool = { $0.isSource }

    static let all: [Ban] = [
        .init(text: "try!", instead: "handle the error, or make the value another way"),
        .init(text: "as!", instead: "`as?` and an error value"),
        .init(text: "fatalError(", instead: "an error value; `always(_:_:)` for a belief about our own code"),
        .init(text: "preconditionFailure(", instead: "an error value; `always(_:_:)` for a belief about our own code"),
        .init(
            text: "print(", instead: "OperationalLog; only the command line prints",
            scope: { $0.isSource && $0.target != "penstock" }),
        .init(
            text: "await ", instead: "`Outcome.wait`: the data plane does not suspend a task",
            scope: { $0.isSource && ImportRule.table[$0.target ?? ""]?.isDataPlane == true }),
    ]
}

enum BanCheck {
    static func bans(_ files: [SourceFile]) -> [Finding] {
        Ban.all.flatMap { ban in
            files.filter { $0.isSwift && ban.scope($0) }.flatMap { file in
                file.code.enumerated().filter { Self.contains($0.element, ban.text) }.map {
                    .init(
                        path: file.path, line: $0.offset + 1, message: "`\(ban.text)` is not used here: \(ban.instead)")
                }
            }
        }
    }

    /// As a word of its own: `debugPrint(` holds no `print(`.
    private static func contains(_ line: String, _ text: String) -> Bool {
        var rest = line[...]
        while let found = rest.range(of: text) {
            let before = line[..<found.lowerBound].last
            if !(before?.isLetter == true || before?.isNumber == true || before == "_" || before == ".") { return true }
            rest = rest[found.upperBound...]
        }
        return false
    }

    /// What the compiler is told to believe needs the reason in the lines above.
    static func unsafeClaims(_ files: [SourceFile]) -> [Finding] {
        let claims = ["@unchecked Sendable", "nonisolated(unsafe)"]
        return files.filter { $0.isSwift && ($0.isSource || $0.isTest) }.flatMap { file in
            file.code.indices.compactMap { index in
                guard let claim = claims.first(where: file.code[index].contains) else { return nil }
                guard !Self.commentAbove(index, in: file).contains("// SAFETY:") else { return nil }
                return .init(
                    path: file.path, line: index + 1,
                    message: "`\(claim)` without a `// SAFETY:` line above: say why it holds")
            }
        }
    }

    /// The comments and attributes that stand directly above a line.
    private static func commentAbove(_ index: Int, in file: SourceFile) -> String {
        var text = ""
        var above = index - 1
        while above >= 0 {
            let line = file.lines[above].drop { $0 == " " }
            guard line.hasPrefix("//") || line.hasPrefix("@") else { break }
            text += line + "\n"
            above -= 1
        }
        return text
    }

    /// `TODO(#12): …` is allowed: it has an issue. Anything else is either done now or forgotten.
    static func leftovers(_ files: [SourceFile]) -> [Finding] {
        files.flatMap { file in
            file.lines.enumerated().compactMap { number, line in
                for word in ["TO" + "DO", "FIX" + "ME"] {
                    guard let found = line.range(of: word) else { continue }
                    let rest = line[found.upperBound...]
                    let hasIssue = rest.hasPrefix("(#") && rest.dropFirst(2).first?.isNumber == true
                    if !hasIssue {
                        return .init(
                            path: file.path, line: number + 1,
                            message: "\(word) without an issue: write \(word)(#NUMBER), or do it")
                    }
                }
                return nil
            }
        }
    }

    private static let billing = Set(
        ["Amount", "MoneyText"].map { "Sources/GatewayCore/\($0).swift" }
            + ["UsageRecord", "ModelPrice", "PriceBook", "BudgetSpec"].map { "Sources/GatewayContract/\($0).swift" })

    /// Money and tokens are whole numbers.
    static func floats(_ files: [SourceFile]) -> [Finding] {
        let floats: Set<Substring> = [
            "Double", "Float", "Float16", "Float32", "Float64", "Float80", "CGFloat", "Decimal",
        ]
        return files.filter { Self.isBilling($0.path) }.flatMap { file in
            file.words(floats.contains).map {
                .init(
                    path: file.path, line: $0.line,
                    message: "\($0.word) where tokens or money are counted: use Int64 and checked arithmetic")
            }
        }
    }

    static func isBilling(_ path: String) -> Bool {
        Self.billing.contains(path) || path.hasPrefix("Sources/GatewayPolicy/Limits/")
            || path.hasPrefix("Sources/GatewayPolicy/Budgets/")
            || path.hasPrefix("Sources/GatewayDialects/Usage/") || path.hasPrefix("Sources/GatewayPolicy/Metering/")
    }

    /// The repository works wherever it is checked out.
    static func machinePaths(_ files: [SourceFile]) -> [Finding] {
        let folders = ["work", "root", "home", "Users", "tmp/w"].map { "/\($0)/" }
        return files.flatMap { file in
            file.lines.enumerated().compactMap { number, line in
                guard let folder = folders.first(where: { Self.beginsPath(line, $0) }) else { return nil }
                return .init(
                    path: file.path, line: number + 1,
                    message: "\(folder) is a place on one machine: use a path relative to the repository")
            }
        }
    }

    private static func beginsPath(_ line: String, _ folder: String) -> Bool {
        guard let found = line.range(of: folder) else { return false }
        guard let before = line[..<found.lowerBound].last else { return true }
        return !(before.isLetter || before.isNumber || "._-/}*".contains(before))
    }
}

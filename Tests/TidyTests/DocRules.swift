import Foundation

/// Public symbols of Sources have a doc comment.
///
/// Three things need none of their own: what a well-known protocol asks for; a property that the comment of its type
/// names in backticks, where fields are best explained together; an initializer that only fills documented properties.
enum DocCheck {
    private static let kinds: Set<Substring> = [
        "func", "var", "let", "init", "struct", "class", "enum", "protocol", "typealias", "actor", "subscript",
    ]
    /// What a well-known protocol asks for says all it has to say by its name.
    private static let exempt = [
        "var description:", "var debugDescription:", "var customMirror:", "func hash(into", "static func <",
        "static func ==",
        "static func +", "static func -", "init(stringLiteral", "init(unicodeScalarLiteral",
        "init(extendedGraphemeClusterLiteral", "init(integerLiteral", "init(arrayLiteral", "init(dictionaryLiteral",
        "init(booleanLiteral", "init(nilLiteral", "var errorDescription:", "init(rawValue:", "let rawValue:",
        "var rawValue:",
    ]

    static func undocumented(_ files: [SourceFile]) -> [Finding] {
        files.filter { $0.isSource && $0.isSwift }.flatMap { file in
            file.code.indices.compactMap { index in
                guard Self.isPublicDeclaration(file.code[index]), !Self.isExplained(index, in: file) else { return nil }
                return .init(
                    path: file.path, line: index + 1,
                    message: "no doc comment: what it is, units, ranges, failure, who calls it")
            }
        }
    }

    private static func isPublicDeclaration(_ code: String) -> Bool {
        let words = code.split(separator: " ")
        guard let place = words.firstIndex(of: "public"), words[..<place].allSatisfy({ $0.hasPrefix("@") }) else {
            return false
        }
        return words[place...].contains { Self.kinds.contains($0.prefix { $0.isLetter }) }
            && !words.contains("extension")
    }

    private static func isExplained(_ index: Int, in file: SourceFile) -> Bool {
        let isExempt = Self.exempt.contains(where: file.code[index].contains)
        if isExempt || !Self.comment(above: index, in: file).isEmpty { return true }
        guard let type = Self.typeAround(index, in: file) else { return false }
        if let name = Self.propertyName(file.code[index]) {
            return Self.comment(above: type, in: file).contains("`\(name)`")
        }
        guard let names = MemberwiseInit.names(from: index, in: file.code) else { return false }
        let explained = Self.lines(of: type, in: file).compactMap { member -> String? in
            guard let name = Self.propertyName(file.code[member]), names.contains(name),
                Self.isPublicDeclaration(file.code[member]), Self.typeAround(member, in: file) == type,
                Self.isExplained(member, in: file)
            else { return nil }
            return name
        }
        return names.isSubset(of: explained)
    }

    /// The doc comment of a declaration; attributes and other comments may stand between.
    private static func comment(above index: Int, in file: SourceFile) -> String {
        var text = ""
        var above = index - 1
        while above >= 0 {
            let line = file.lines[above].drop { $0 == " " }
            if line.hasPrefix("///") {
                text += line + "\n"
            } else if !line.hasPrefix("// "), !line.hasPrefix("@") || Self.isPublicDeclaration(file.code[above]) {
                break
            }
            above -= 1
        }
        return text
    }

    private static func propertyName(_ code: String) -> String? {
        let words = code.split { !($0.isLetter || $0.isNumber || $0 == "_") }
        guard let keyword = words.firstIndex(where: { $0 == "var" || $0 == "let" }),
            !words[..<keyword].contains(where: Self.kinds.contains), keyword + 1 < words.count
        else { return nil }
        return String(words[keyword + 1])
    }

    /// The line that begins the type or extension that a line stands in: the nearest one above that is indented less.
    private static func typeAround(_ index: Int, in file: SourceFile) -> Int? {
        let own = Self.indentation(file.code[index])
        let types: Set<Substring> = ["struct", "class", "enum", "actor", "protocol", "extension"]
        for above in stride(from: index - 1, through: 0, by: -1) {
            let code = file.code[above]
            let words = code.split(separator: " ")
            guard let first = words.first, Self.indentation(code) < own, !first.hasPrefix("#") else { continue }
            if words.contains(where: types.contains) { return above }
            // The brace of a head that takes several lines.
            if first != "{" { return nil }
        }
        return nil
    }

    private static func lines(of type: Int, in file: SourceFile) -> Range<Int> {
        let brace = String(repeating: " ", count: Self.indentation(file.code[type])) + "}"
        let rest = file.code.indices.suffix(from: type + 1)
        return rest.lowerBound..<(rest.first { file.code[$0].hasPrefix(brace) } ?? rest.upperBound)
    }

    private static func indentation(_ code: String) -> Int { code.prefix { $0 == " " }.count }
}

/// An initializer that says nothing beyond the properties: each parameter goes, unchanged, into the one that has its
/// name, and nothing else happens.
enum MemberwiseInit {
    /// The names of the properties. `nil` for any other initializer: one that fails, throws, checks or computes.
    static func names(from index: Int, in code: [String]) -> Set<String>? {
        guard let start = code[index].range(of: "public init(") else { return nil }
        let rest = code[index][start.upperBound...] + "\n" + code[(index + 1)...].joined(separator: "\n")
        guard let (parameters, afterwards) = Self.untilClosed(rest) else { return nil }
        let behind = afterwards.drop { $0.isWhitespace }
        guard behind.first == "{", let (body, _) = Self.untilClosed(behind.dropFirst()) else { return nil }
        let names = Set(parameters.compactMap(Self.internalName))
        let statements = body.flatMap { $0.split(separator: "\n") }.map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
        guard !names.isEmpty, Set(statements) == Set(names.map { "self.\($0) = \($0)" }) else { return nil }
        return names
    }

    /// Splits at commas up to the bracket that closes one which was opened before `text`.
    private static func untilClosed(_ text: Substring) -> (parts: [Substring], rest: Substring)? {
        var depth = 0
        var parts: [Substring] = []
        var start = text.startIndex
        for place in text.indices {
            switch text[place] {
            case "(", "[", "{": depth += 1
            case ")", "]", "}":
                if depth == 0 { return (parts + [text[start..<place]], text[text.index(after: place)...]) }
                depth -= 1
            case "," where depth == 0:
                parts.append(text[start..<place])
                start = text.index(after: place)
            default: break
            }
        }
        return nil
    }

    /// `at now: Time` is used as `now`.
    private static func internalName(_ parameter: Substring) -> String? {
        parameter.split(separator: ":").first?.split { $0.isWhitespace }.last.map(String.init)
    }
}

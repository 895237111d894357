import Foundation

enum SizeCheck {
    static let sourceLinesMax = 800
    static let testLinesMax = 600
    static let functionLinesMax = 70
    static let columnsMax = 120

    static func files(_ files: [SourceFile]) -> [Finding] {
        files.filter { $0.isSource || $0.isTest }.compactMap { file in
            let limit = file.isSource ? Self.sourceLinesMax : Self.testLinesMax
            guard file.lines.count > limit else { return nil }
            return .init(
                path: file.path, line: 0,
                message: "\(file.lines.count) lines: at most \(limit); split it, or move tables into data files")
        }
    }

    static func columns(_ files: [SourceFile]) -> [Finding] {
        files.filter { !$0.path.hasSuffix(".md") && !$0.path.hasSuffix(".yaml") }.flatMap { file in
            file.lines.enumerated().filter { $0.element.count > Self.columnsMax }.map {
                .init(
                    path: file.path, line: $0.offset + 1,
                    message: "\($0.element.count) columns: at most \(Self.columnsMax); break the line")
            }
        }
    }

    static func functions(_ files: [SourceFile]) -> [Finding] {
        files.filter { $0.isSwift && ($0.isSource || $0.isTest) }.flatMap { file in
            Functions.spans(in: file.code).filter { $0.count > Self.functionLinesMax }.map {
                .init(
                    path: file.path, line: $0.lowerBound,
                    message: "a function of \($0.count) lines: at most \(Self.functionLinesMax); name its parts")
            }
        }
    }
}

/// Finds functions by their keyword and matches their braces.
enum Functions {
    private static let keywords: Set<String> = ["func", "init", "deinit", "subscript"]
    private static let otherDeclarations: Set<String> = ["var", "let", "case", "struct", "enum", "class", "extension"]

    /// First to last line of every function that has a body, from 1. `code` is without comments and strings.
    static func spans(in code: [String]) -> [Range<Int>] {
        var spans: [Range<Int>] = []
        let tokens = Self.tokens(code)
        for (place, token) in tokens.enumerated() where Self.keywords.contains(token.text) {
            let before = place > 0 ? tokens[place - 1].text : ""
            guard before != "." && before != "\\" && before != "`" else { continue }
            if let last = Self.endOfBody(tokens, after: place) { spans.append(token.line..<last + 1) }
        }
        return spans
    }

    private static func endOfBody(_ tokens: [(text: String, line: Int)], after start: Int) -> Int? {
        var brackets = 0
        var braces = 0
        for token in tokens[(start + 1)...] {
            switch token.text {
            case "(", "[": brackets += 1
            case ")", "]":
                brackets -= 1
                if brackets < 0 { return nil }
            case "{" where brackets == 0 || braces > 0: braces += 1
            case "}" where brackets == 0 || braces > 0:
                braces -= 1
                if braces <= 0 { return braces == 0 ? token.line : nil }
            case let word where brackets == 0 && braces == 0:
                if Self.keywords.contains(word) || Self.otherDeclarations.contains(word) { return nil }
            default: break
            }
        }
        return nil
    }

    private static func tokens(_ code: [String]) -> [(text: String, line: Int)] {
        var tokens: [(text: String, line: Int)] = []
        for (number, line) in code.enumerated() {
            var word = ""
            for character in line.utf8 {
                let isWord =
                    (0x30...0x39).contains(character) || (0x41...0x5a).contains(character)
                    || (0x61...0x7a).contains(character) || character == 0x5f
                if isWord {
                    word.unicodeScalars.append(UnicodeScalar(character))
                    continue
                }
                if !word.isEmpty { tokens.append((word, number + 1)) }
                word = ""
                if "(){}[].\\`".utf8.contains(character) {
                    tokens.append((String(UnicodeScalar(character)), number + 1))
                }
            }
            if !word.isEmpty { tokens.append((word, number + 1)) }
        }
        return tokens
    }
}

enum NameCheck {
    private static let words: Set<String> = [
        "Utils", "Util", "Utilities", "Utility", "Misc", "Common", "Helper", "Helpers", "Stuff", "Manager",
    ]

    /// A file is named after what is in it.
    static func names(_ paths: [String]) -> [Finding] {
        paths.flatMap { path -> [Finding] in
            var findings: [Finding] = []
            if path.contains(" ") {
                findings.append(.init(path: path, line: 0, message: "a space in a name: leave it out"))
            }
            for part in path.split(separator: "/") {
                let stem = part.split(separator: ".").first.map(String.init) ?? String(part)
                let camel = Self.camelWords(stem)
                let bad = camel.first { Self.words.contains($0) || Self.words.contains($0.capitalized) }
                if let bad = bad ?? (stem == "New" || stem == "new" ? stem : nil) {
                    findings.append(
                        .init(
                            path: path, line: 0, message: "\"\(bad)\" says nothing: name the file after what is in it"))
                }
            }
            return findings
        }
    }

    private static func camelWords(_ stem: String) -> [String] {
        var words: [String] = []
        for character in stem {
            if character.isUppercase || words.isEmpty || "+-_".contains(character) { words.append("") }
            if character.isLetter { words[words.count - 1].append(character) }
        }
        return words
    }
}

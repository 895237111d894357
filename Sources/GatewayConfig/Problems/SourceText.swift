import GatewayContract
import GatewayCore

/// The lines of a file, for showing them under a problem. Credentials written into it are masked.
public struct SourceText: Sendable {
    let file: String
    private let lines: [String]
    /// Columns to mask, 1-based, per 1-based line.
    private var masked: [Int: [Range<Int>]] = [:]

    init(file: String, text: String) {
        self.file = file
        self.lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
    }

    var lineCount: Int { self.lines.count }

    /// The line as it may be shown: no control characters, no credentials.
    func line(_ number: Int) -> String? {
        guard self.lines.indices.contains(number - 1) else { return nil }
        let hidden = (self.masked[number] ?? []) + Self.credentials(in: self.lines[number - 1])
        var out = String.UnicodeScalarView()
        for (index, scalar) in self.lines[number - 1].unicodeScalars.enumerated() {
            if hidden.contains(where: { $0.contains(index + 1) }) {
                out.append("*")
            } else {
                out.append(scalar == "\t" ? " " : isUnprintable(scalar) ? "\u{fffd}" : scalar)
            }
        }
        return String(out)
    }

    func hasTab(_ number: Int) -> Bool {
        self.lines.indices.contains(number - 1) && self.lines[number - 1].contains("\t")
    }

    /// Hides `length` characters whenever that line is shown.
    mutating func mask(_ place: Origin, length: Int) {
        self.masked[place.line, default: []].append(place.column..<place.column + max(length, 1))
    }

    /// Whether `text` stands at that place.
    func hasText(_ text: String, line: Int, column: Int) -> Bool {
        guard self.lines.indices.contains(line - 1), column > 0 else { return false }
        return self.lines[line - 1].unicodeScalars.dropFirst(column - 1).starts(with: text.unicodeScalars)
    }

    /// The columns, after `column`, at which `text` stands in that line.
    func columns(of text: String, line: Int, after column: Int) -> [Int] {
        guard self.lines.indices.contains(line - 1), !text.isEmpty else { return [] }
        let scalars = Array(self.lines[line - 1].unicodeScalars)
        let wanted = Array(text.unicodeScalars)
        guard scalars.count >= wanted.count else { return [] }
        return (0...(scalars.count - wanted.count)).filter { start in
            start + 1 > column && scalars[start] == wanted[0]
                && scalars[start..<start + wanted.count].elementsEqual(wanted)
        }.map { $0 + 1 }
    }

    /// How many characters the value, key or collection that begins there has on its line; at least 1.
    func spanLength(line: Int, column: Int) -> Int {
        guard self.lines.indices.contains(line - 1), column > 0 else { return 1 }
        let scalars = Array(self.lines[line - 1].unicodeScalars)
        guard column <= scalars.count else { return 1 }
        return Self.spanLength(scalars, from: column - 1)
    }

    private static func spanLength(_ scalars: [Unicode.Scalar], from start: Int) -> Int {
        switch scalars[start] {
        case "\"", "'":
            return self.quotedLength(scalars, from: start)
        case "{", "[":
            return self.bracketLength(scalars, from: start)
        default:
            return self.plainLength(scalars, from: start, inFlow: self.flowDepth(scalars, before: start) > 0)
        }
    }

    private static func quotedLength(_ scalars: [Unicode.Scalar], from start: Int) -> Int {
        var index = start + 1
        while index < scalars.count {
            if scalars[start] == "\"", scalars[index] == "\\" {
                index += 2
            } else if scalars[index] == scalars[start] {
                if scalars[start] == "'", index + 1 < scalars.count, scalars[index + 1] == "'" {
                    index += 2
                } else {
                    return index - start + 1
                }
            } else {
                index += 1
            }
        }
        return scalars.count - start
    }

    private static func bracketLength(_ scalars: [Unicode.Scalar], from start: Int) -> Int {
        var depth = 0
        var index = start
        while index < scalars.count {
            switch scalars[index] {
            case "\"", "'":
                index += self.quotedLength(scalars, from: index) - 1
            case "{", "[":
                depth += 1
            case "}", "]":
                depth -= 1
                if depth == 0 { return index - start + 1 }
            default:
                break
            }
            index += 1
        }
        return scalars.count - start
    }

    private static func plainLength(_ scalars: [Unicode.Scalar], from start: Int, inFlow: Bool) -> Int {
        var end = start
        var isReference = false
        while end < scalars.count {
            let next = end + 1 < scalars.count ? scalars[end + 1] : " "
            if scalars[end] == "$", next == "{" { isReference = true }
            if !isReference {
                if scalars[end] == ":", next == " " { break }
                if scalars[end] == "#", end > start, scalars[end - 1] == " " { break }
                if inFlow, ",]}".unicodeScalars.contains(scalars[end]) { break }
            }
            if scalars[end] == "}" { isReference = false }
            end += 1
        }
        while end > start + 1, scalars[end - 1] == " " { end -= 1 }
        return max(1, end - start)
    }

    private static func flowDepth(_ scalars: [Unicode.Scalar], before end: Int) -> Int {
        var depth = 0
        var index = 0
        while index < end {
            switch scalars[index] {
            case "\"": index += self.quotedLength(scalars, from: index) - 1
            case "{", "[": depth += 1
            case "}", "]": depth -= 1
            default: break
            }
            index += 1
        }
        return depth
    }

    /// The columns of values of `api_key` and `secret` that are written out. It works on the text alone, so that a file
    /// that is no YAML at all shows none either.
    private static func credentials(in line: String) -> [Range<Int>] {
        let scalars = Array(line.unicodeScalars)
        var found: [Range<Int>] = []
        for name in ["api_key", "secret"].map({ Array($0.unicodeScalars) }) where scalars.count > name.count {
            for start in 0..<(scalars.count - name.count)
            where scalars[start] == name[0] && scalars[start..<start + name.count].elementsEqual(name) {
                var index = start + name.count
                while index < scalars.count, "\"': ".unicodeScalars.contains(scalars[index]) { index += 1 }
                guard index < scalars.count, scalars[(start + name.count)..<index].contains(":"),
                    !",}]#".unicodeScalars.contains(scalars[index])
                else { continue }
                let isQuoted = index > 0 && "\"'".unicodeScalars.contains(scalars[index - 1])
                let length = self.spanLength(scalars, from: isQuoted ? index - 1 : index)
                let value = String(String.UnicodeScalarView(scalars[index...].prefix(isQuoted ? length - 1 : length)))
                if value.contains("${") || value.hasPrefix("os.environ/") || value == "none" { continue }
                if isQuoted, value.hasPrefix("none"), length == 6 { continue }
                found.append(index + 1..<index + 1 + max(isQuoted ? length - 1 : length, 1))
            }
        }
        return found
    }
}

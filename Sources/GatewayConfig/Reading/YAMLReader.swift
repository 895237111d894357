import GatewayContract
import GatewayCore
import Yams

/// Composes one YAML document to nodes with places. Every fault of the text becomes a problem.
struct YAMLReader {
    static let nodesMax = 100_000
    static let depthMax = 64
    /// Repeated keys that are reported in one file before reading gives up on it.
    private static let repeatedMax = 20
    /// Takes the place of the first letter of a repeated key, so that the rest of the file can still be read.
    private static let blank: Unicode.Scalar = "\u{e000}"

    private let file: String
    private var nodesLeft = Self.nodesMax
    private var isRefused = false
    private(set) var problems = Problems()
    private(set) var source: SourceText

    private init(file: String, text: String) {
        self.file = file
        self.source = SourceText(file: file, text: text)
    }

    struct Reading {
        /// `nil` after a fault, and for a document without any content.
        var root: ConfigNode?
        var source: SourceText
        var problems: Problems
        var isEmpty: Bool
    }

    static func read(_ bytes: [UInt8], file: String) -> Reading {
        guard var text = String(validating: bytes, as: UTF8.self) else {
            var reader = YAMLReader(file: file, text: "")
            reader.problems.add(
                Problem("E1103", "`\(shown(file))` is not UTF-8 text", at: Origin(file: file, line: 0, column: 0)))
            return Reading(root: nil, source: reader.source, problems: reader.problems, isEmpty: false)
        }
        if text.unicodeScalars.first == "\u{feff}" { text.unicodeScalars.removeFirst() }
        var reader = YAMLReader(file: file, text: text)
        let node = reader.compose(text)
        var root = node.flatMap { reader.converted($0, depth: 0) }
        if reader.isRefused { root = nil }
        let isEmpty = node == nil && !reader.problems.hasErrors
        return Reading(root: root, source: reader.source, problems: reader.problems, isEmpty: isEmpty)
    }

    private func origin(_ mark: Mark?) -> Origin {
        Origin(file: self.file, line: mark?.line ?? 1, column: mark?.column ?? 1)
    }

    // MARK: Text to Yams' nodes

    private mutating func compose(_ whole: String) -> Node? {
        if AliasRules.mayBlowUp(whole) {
            let place = Origin(file: self.file, line: 1, column: 1)
            self.problems.add(
                Problem(
                    "E1203", "aliases stand beside keys that are no plain text", at: place, length: 1,
                    help: "write keys as plain text"))
            return nil
        }
        var text = whole
        for _ in 0..<Self.repeatedMax {
            do {
                // Without resolver rules: which text is a number is decided where a number is wanted.
                return try Yams.compose(yaml: text, .basic, .default, .utf8)
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                guard let rest = self.blanked(names.first ?? "", first: context.mark, in: text) else { return nil }
                text = rest
            } catch let fault as YamlError {
                self.problems.add(self.problem(fault, in: text))
                return nil
            } catch {
                self.problems.add(Problem("E1201", "this is no YAML", at: self.origin(nil)))
                return nil
            }
        }
        return nil
    }

    private func problem(_ fault: YamlError, in text: String) -> Problem {
        switch fault {
        case .composer(_, "but found another document", let mark, _):
            return Problem(
                "E1204", "a file is one document, and a second one begins here", at: self.origin(mark),
                help: "remove the `---`")
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            var place = self.origin(mark)
            let isBehindText = self.source.line(place.line)?.allSatisfy { $0 == " " } ?? true
            if let context, isBehindText {
                // Text that ran to the end of the file: where it began says more.
                return Problem(
                    "E1201", "this is no YAML: \(shown(context.text)), \(shown(problem))",
                    at: self.origin(context.mark), length: 1)
            }
            if isBehindText { place = Origin(file: self.file, line: max(1, mark.line - 1), column: 1) }
            let notes = context.map { ["\($0.text) at line \($0.mark.line), column \($0.mark.column)"] } ?? []
            return Problem(
                "E1201", "this is no YAML: \(shown(problem))", at: place, length: 1,
                help: self.advice(problem, place.line),
                notes: notes.map { shown($0, max: 200) })
        case .reader(let problem, let offset, _, _):
            return Problem(
                "E1201", "this is no YAML: \(shown(problem))", at: self.place(ofCharacter: offset ?? 0, in: text),
                length: 1)
        default:
            return Problem("E1201", "this is no YAML", at: self.origin(nil))
        }
    }

    private func advice(_ problem: String, _ line: Int) -> String? {
        if self.source.hasTab(line) || problem.contains("tab") { return "indent with spaces: YAML allows no tabs" }
        if problem.contains("mapping values are not allowed") {
            return "quote a value that holds `: `, and check the indentation"
        }
        if problem.contains("cannot start any token") { return "quote a value that begins with this character" }
        if self.source.line(line)?.contains("${") ?? false {
            return "quote a reference inside of `{ }` and `[ ]`: \"${NAME}\""
        }
        if problem.contains("alias") || problem.contains("alphabetic or numeric") {
            return "quote a value that begins with `*`, such as \"*\""
        }
        return nil
    }

    private func place(ofCharacter offset: Int, in text: String) -> Origin {
        var (line, column) = (1, 1)
        for character in text.prefix(max(0, offset)) {
            if character.isNewline {
                (line, column) = (line + 1, 1)
            } else {
                column += character.unicodeScalars.count
            }
        }
        return Origin(file: self.file, line: line, column: column)
    }

    // MARK: Repeated keys

    /// Reports the repetition of `name` and blanks it out; `nil` when it is not found in the text.
    private mutating func blanked(_ name: String, first: Mark, in text: String) -> String? {
        let firstPlace = self.origin(first)
        guard let place = self.repetition(of: name, after: firstPlace) else {
            self.problems.add(Problem("E1202", "the key `\(shown(name))` stands here twice", at: firstPlace))
            return nil
        }
        self.problems.add(
            Problem(
                "E1202", "the key `\(shown(name))` stands here twice", at: place, help: "remove one of them",
                other: firstPlace, otherLabel: "first one"))
        return Self.replacing(line: place.line, column: place.column, in: text)
    }

    /// In flow style on the same line, in block style at the same column of a later line.
    private func repetition(of name: String, after first: Origin) -> Origin? {
        for column in self.source.columns(of: name, line: first.line, after: first.column)
        where self.isKey(name, first.line, column) {
            return Origin(file: self.file, line: first.line, column: column)
        }
        for line in (first.line + 1)..<max(first.line + 1, self.source.lineCount + 1)
        where self.isKey(name, line, first.column) && !self.problems.found.contains(where: { $0.place?.line == line }) {
            return Origin(file: self.file, line: line, column: first.column)
        }
        return nil
    }

    private func isKey(_ name: String, _ line: Int, _ column: Int) -> Bool {
        ["\(name):", "\"\(name)\":", "'\(name)':"].contains { self.source.hasText($0, line: line, column: column) }
    }

    private static func replacing(line: Int, column: Int, in text: String) -> String? {
        var (atLine, atColumn) = (1, 1)
        var out = String.UnicodeScalarView()
        var isDone = false
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            let isHere = atLine == line && atColumn == column && !isDone
            let isQuote = scalar == "\"" || scalar == "'"
            if isHere, isQuote {
                out.append(scalar)
                atColumn += 1
                previous = scalar
                // The next one is the letter to blank.
                if let next = Self.replacing(line: line, column: column + 1, in: text) { return next }
                continue
            }
            out.append(isHere ? Self.blank : scalar)
            isDone = isDone || isHere
            if scalar == "\n" && previous == "\r" {
                atColumn = 1
            } else if ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalar) {
                (atLine, atColumn) = (atLine + 1, 1)
            } else {
                atColumn += 1
            }
            previous = scalar
        }
        return isDone ? String(out) : nil
    }

    // MARK: Yams' nodes to ours

    private mutating func refuse(_ problem: Problem) {
        if !self.isRefused { self.problems.add(problem) }
        self.isRefused = true
    }

    private mutating func converted(_ node: Node, depth: Int) -> ConfigNode? {
        let place = self.origin(node.mark)
        self.nodesLeft -= 1
        guard depth < Self.depthMax, self.nodesLeft > 0 else {
            let why = depth < Self.depthMax ? "holds more than \(Self.nodesMax) values" : "is nested too deeply"
            self.refuse(Problem("E1203", "the document \(why), aliases counted where they are used", at: place))
            return nil
        }
        if self.isRefused { return nil }
        self.checkTag(node, at: place)
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain
            let isNull = isPlain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            if isNull { return ConfigNode(content: .null, origin: place) }
            return ConfigNode(content: .scalar(.init(text: scalar.string, isPlain: isPlain)), origin: place)
        case .sequence(let sequence):
            let items = sequence.compactMap { self.converted($0, depth: depth + 1) }
            return ConfigNode(content: .list(items), origin: place)
        case .mapping(let mapping):
            return ConfigNode(content: .map(self.entries(mapping, depth: depth)), origin: place)
        case .alias:
            return ConfigNode(content: .null, origin: place)
        }
    }

    private mutating func entries(_ mapping: Node.Mapping, depth: Int) -> [ConfigEntry] {
        var entries: [ConfigEntry] = []
        for (key, value) in mapping {
            if self.isRefused { return entries }
            guard let name = key.scalar?.string else {
                self.problems.add(Problem("E1204", "a key must be plain text", at: self.origin(key.mark), length: 1))
                continue
            }
            if name.unicodeScalars.first == Self.blank { continue }
            if name == "<<" {
                self.problems.add(
                    Problem(
                        "E1204", "merging with `<<` is not supported", at: self.origin(key.mark),
                        help: "write the keys out, or use an alias for the whole value"))
                continue
            }
            guard let converted = self.converted(value, depth: depth + 1) else { continue }
            entries.append(ConfigEntry(name: name, nameOrigin: self.origin(key.mark), value: converted))
        }
        return entries
    }

    private mutating func checkTag(_ node: Node, at place: Origin) {
        let name =
            switch node {
            case .scalar(let scalar): scalar.tag.rawValue
            case .sequence(let sequence): sequence.tag.rawValue
            case .mapping(let mapping): mapping.tag.rawValue
            case .alias(let alias): alias.tag.rawValue
            }
        let known = ["", "!"] + ["str", "int", "bool", "map", "seq"].map { "tag:yaml.org,2002:\($0)" }
        guard !known.contains(name) else { return }
        self.problems.add(Problem("E1204", "the tag `\(shown(name))` means nothing here", at: place, help: "remove it"))
    }
}

/// Yams compares the keys of a mapping by their whole content. With aliases inside of keys that content can grow
/// exponentially, so a text that may have both is refused before it is composed.
enum AliasRules {
    static func mayBlowUp(_ text: String) -> Bool {
        var hasAlias = false
        var hasCollectionKey = false
        var previous: UInt8 = UInt8(ascii: "\n")
        var isReference = false
        let bytes = Array(text.utf8)
        for (index, byte) in bytes.enumerated() {
            let next = index + 1 < bytes.count ? bytes[index + 1] : UInt8(ascii: "\n")
            switch byte {
            case UInt8(ascii: "*"):
                if self.endsToken(previous), !self.isBlank(next) {
                    hasAlias = true
                    hasCollectionKey = hasCollectionKey || self.isKey(bytes, from: index + 1, skippingName: true)
                }
            case UInt8(ascii: "?"):
                hasCollectionKey = hasCollectionKey || (self.endsToken(previous) && self.isBlank(next))
            case UInt8(ascii: "{"):
                isReference = isReference || previous == UInt8(ascii: "$")
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if !isReference {
                    hasCollectionKey = hasCollectionKey || self.isKey(bytes, from: index + 1, skippingName: false)
                }
                if byte == UInt8(ascii: "}") { isReference = false }
            default:
                break
            }
            if hasAlias, hasCollectionKey { return true }
            previous = byte
        }
        return false
    }

    private static func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0a, 0x0d].contains(byte) }

    private static func endsToken(_ byte: UInt8) -> Bool {
        self.isBlank(byte) || [UInt8](",[{:-?".utf8).contains(byte)
    }

    private static func isKey(_ bytes: [UInt8], from start: Int, skippingName: Bool) -> Bool {
        var index = start
        if skippingName {
            while index < bytes.count, !self.isBlank(bytes[index]), bytes[index] != UInt8(ascii: ":"),
                bytes[index] != UInt8(ascii: ","), bytes[index] != UInt8(ascii: "}"), bytes[index] != UInt8(ascii: "]")
            { index += 1 }
        }
        while index < bytes.count, self.isBlank(bytes[index]) { index += 1 }
        return index < bytes.count && bytes[index] == UInt8(ascii: ":")
    }
}

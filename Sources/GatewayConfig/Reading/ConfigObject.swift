import GatewayContract
import GatewayCore

/// A mapping whose keys were checked against their table. Reads never fail loudly: a problem is collected, and the
/// value
/// is missing.
struct ConfigObject: Sendable {
    let table: ConfigTable
    /// For messages: ``provider `openai` ``.
    let subject: String
    let origin: Origin
    /// `false` after the one problem that says that it must be a mapping.
    let isMapping: Bool
    private let entries: [String: ConfigEntry]

    /// Reports unknown keys, keys of features that do not exist yet, and required keys that are missing.
    ///
    /// - Returns: an object without entries when the node is no mapping, so that its owner can still be named.
    init(
        _ node: ConfigNode, _ table: ConfigTable, subject: String, at place: Origin? = nil, ignoring: Set<String> = [],
        _ walk: inout ConfigWalk
    ) {
        self.table = table
        self.subject = subject
        self.origin = place ?? node.origin
        var entries: [String: ConfigEntry] = [:]
        var isMapping = true
        switch node.content {
        case .map(let written):
            for entry in written where !ignoring.contains(entry.name) {
                if table.key(entry.name) != nil {
                    entries[entry.name] = entry
                } else {
                    walk.report(Self.refusal(of: entry, table, subject))
                }
            }
            for key in table.keys where key.isRequired && entries[key.name] == nil && !ignoring.contains(key.name) {
                walk.report(
                    Problem(
                        "E2102", "\(subject) has no `\(key.name)`", at: self.origin,
                        help: "`\(key.name)`: \(key.meaning)"))
            }
        case .null where !table.keys.contains { $0.isRequired }:
            break
        default:
            isMapping = false
            walk.report(
                Problem(
                    "E2101", "\(subject) must be a mapping, found \(node.kind)", at: node.origin,
                    help: Self.allowed(table)))
        }
        self.entries = entries
        self.isMapping = isMapping
    }

    private static func refusal(of entry: ConfigEntry, _ table: ConfigTable, _ subject: String) -> Problem {
        let name = shown(entry.name)
        if let feature = table.notBuilt[entry.name] {
            return Problem(
                "E2104", "`\(name)` in \(subject) is not built yet (\(feature))",
                at: entry.nameOrigin,
                help: "remove the key; nothing here would act on it")
        }
        let close = entry.name.utf8.count > 100 ? nil : ClosestName.find(entry.name, among: table.names)
        return Problem(
            "E2103", "unknown key `\(name)` in \(subject)", at: entry.nameOrigin,
            label: close.map { "did you mean `\($0)`?" }, help: Self.allowed(table))
    }

    private static func allowed(_ table: ConfigTable) -> String {
        "allowed keys: \(table.names.joined(separator: ", "))"
    }

    /// What was written behind a key of the table.
    subscript(name: String) -> ConfigNode? {
        guard always(self.table.key(name) != nil, "a key that is read stands in the table") else { return nil }
        guard let entry = self.entries[name] else { return nil }
        if case .null = entry.value.content { return nil }
        return entry.value
    }

    /// Where the key itself stands.
    func keyOrigin(_ name: String) -> Origin? { self.entries[name]?.nameOrigin }

    func has(_ name: String) -> Bool { self[name] != nil }

    /// A mapping below this one.
    func object(_ name: String, _ table: ConfigTable, subject: String, _ walk: inout ConfigWalk) -> ConfigObject? {
        self[name].map { ConfigObject($0, table, subject: subject, at: self.keyOrigin(name), &walk) }
    }

    /// The entries of a mapping from names; empty after a problem.
    func named(_ name: String, _ walk: inout ConfigWalk) -> [ConfigEntry] {
        guard let node = self[name] else { return [] }
        guard case .map(let entries) = node.content else {
            walk.wrongType(node, "`\(name)` of \(self.subject)", "a mapping from names")
            walk.isIncomplete = true
            return []
        }
        return entries
    }

    /// A list; one value alone counts as a list of one where the table allows it.
    func items(_ name: String, _ walk: inout ConfigWalk) -> [ConfigNode]? {
        guard let node = self[name], let key = self.table.key(name) else { return nil }
        if case .list(let items) = node.content { return items }
        if case .either(let values) = key.value, values.contains(where: { !$0.isList }) { return [node] }
        walk.wrongType(node, "`\(name)` of \(self.subject)", "a list")
        return []
    }
}

extension ConfigValue {
    var isList: Bool {
        if case .list = self { true } else { false }
    }
}

/// Typed reads of single values. The range or choice comes from the table.
extension ConfigObject {
    private func value(_ name: String) -> ConfigValue? { self.table.key(name)?.value }

    func text(_ name: String, _ walk: inout ConfigWalk) -> ConfigWalk.Resolved? {
        self[name].flatMap { walk.text($0, "`\(name)` of \(self.subject)") }
    }

    func boolean(_ name: String, _ walk: inout ConfigWalk) -> Bool? {
        guard let node = self[name], let value = walk.text(node, "`\(name)` of \(self.subject)") else { return nil }
        if value.isPlain || value.isWholeReference {
            if value.text == "true" { return true }
            if value.text == "false" { return false }
        }
        let isOther = ["yes", "on", "True", "TRUE"].contains(value.text)
        let isNo = ["no", "off", "False", "FALSE"].contains(value.text)
        walk.report(
            Problem(
                "E2101", "`\(name)` of \(self.subject) must be true or false", at: node.origin,
                label: isOther ? "did you mean `true`?" : isNo ? "did you mean `false`?" : nil))
        return nil
    }

    func integer(_ name: String, _ walk: inout ConfigWalk) -> Int? {
        guard let node = self[name], let value = walk.text(node, "`\(name)` of \(self.subject)") else { return nil }
        let isCount: Bool
        let range: ClosedRange<Int>
        switch self.value(name) {
        case .integer(let allowed): (isCount, range) = (false, allowed)
        case .count(let allowed): (isCount, range) = (true, allowed)
        default: return nil
        }
        let isBare = value.isPlain || value.isWholeReference
        let number = isBare ? (isCount ? Units.count(value.text) : Units.integer(value.text)) : nil
        guard let number else {
            let isQuoted = !isBare && Units.integer(value.text) != nil
            let example = isCount ? "a whole number, such as 600, 900k or 2M" : "a whole number"
            walk.report(
                Problem(
                    "E2101", "`\(name)` of \(self.subject) must be \(example)", at: node.origin,
                    help: isQuoted ? "remove the quotes" : nil))
            return nil
        }
        return walk.inRange(number, range, node, "`\(name)` of \(self.subject)") { "\($0)" }
    }

    func size(_ name: String, _ walk: inout ConfigWalk) -> Int? {
        guard let node = self[name], case .size(let range) = self.value(name),
            let value = walk.text(node, "`\(name)` of \(self.subject)")
        else { return nil }
        guard let bytes = Units.size(value.text) else {
            walk.unit(node, "`\(name)` of \(self.subject)", value, "a size, such as 64KiB or 20MiB")
            return nil
        }
        return walk.inRange(bytes, range, node, "`\(name)` of \(self.subject)") { Units.text(bytes: $0) }
    }

    func duration(_ name: String, _ walk: inout ConfigWalk) -> TimeSpan? {
        guard let node = self[name], case .duration(let range) = self.value(name),
            let value = walk.text(node, "`\(name)` of \(self.subject)")
        else { return nil }
        guard let span = Units.duration(value.text) else {
            walk.unit(node, "`\(name)` of \(self.subject)", value, "a duration, such as 200ms, 30s, 5m or 2h")
            return nil
        }
        return walk.inRange(span, range, node, "`\(name)` of \(self.subject)") { Units.text($0) }
    }

    func date(_ name: String, _ walk: inout ConfigWalk) -> WallTime? {
        guard let node = self[name], let value = walk.text(node, "`\(name)` of \(self.subject)") else { return nil }
        guard let date = Units.date(value.text) else {
            walk.unit(node, "`\(name)` of \(self.subject)", value, "a date, such as 2027-01-31")
            return nil
        }
        return date
    }

    func choice(_ name: String, _ walk: inout ConfigWalk) -> String? {
        guard let node = self[name], case .choice(let choices) = self.value(name) else { return nil }
        return walk.choice(node, "`\(name)` of \(self.subject)", choices)
    }

    /// A name that is looked up, or that others look up.
    func name(_ name: String, _ walk: inout ConfigWalk) -> ConfigWalk.Resolved? {
        guard let node = self[name], let value = walk.text(node, "`\(name)` of \(self.subject)") else { return nil }
        guard walk.isName(value.text, at: node.origin, "`\(name)` of \(self.subject)") else { return nil }
        return value
    }

    /// A credential. One that is written into the file draws a warning, and is masked wherever that line is shown.
    func secret(_ name: String, allowing words: Set<String> = [], _ walk: inout ConfigWalk) -> ConfigWalk.Resolved? {
        guard let node = self[name] else { return nil }
        guard let value = walk.text(node, "`\(name)` of \(self.subject)") else { return nil }
        if !value.hasReference, !words.contains(value.text), !value.text.isEmpty {
            walk.literalSecret(node, "`\(name)` of \(self.subject)")
        }
        return value
    }

    func limits(_ name: String, _ walk: inout ConfigWalk) -> ConfigObject? {
        self.object(name, ConfigReference.limits, subject: "`\(name)` of \(self.subject)", &walk)
    }
}

extension Units {
    /// Decimal digits with an optional sign; no blanks, no underscores.
    static func integer(_ text: String) -> Int? {
        let digits = text.hasPrefix("-") ? text.dropFirst() : Substring(text)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text) ?? (text.hasPrefix("-") ? Int.min : Int.max)
    }
}

/// The problems that typed reads share.
extension ConfigWalk {
    /// The text of a scalar, whatever its form; a problem for lists, mappings and nothing.
    mutating func text(_ node: ConfigNode, _ what: String) -> Resolved? {
        guard node.isScalar else {
            self.wrongType(node, what, "text")
            return nil
        }
        return self.resolve(node)
    }

    mutating func wrongType(_ node: ConfigNode, _ what: String, _ wanted: String) {
        self.report(Problem("E2101", "\(what) must be \(wanted), found \(node.kind)", at: node.origin))
    }

    mutating func unit(_ node: ConfigNode, _ what: String, _ value: Resolved, _ wanted: String) {
        let found = value.hasReference ? "the value of the reference is none" : "`\(shown(value.text))` is none"
        self.report(Problem("E2107", "\(what) must be \(wanted); \(found)", at: node.origin))
    }

    func boundText<Bound>(_ range: ClosedRange<Bound>, _ text: (Bound) -> String) -> String {
        "\(text(range.lowerBound)) to \(text(range.upperBound))"
    }

    mutating func inRange<Bound: Comparable>(
        _ value: Bound, _ range: ClosedRange<Bound>, _ node: ConfigNode, _ what: String, _ text: (Bound) -> String
    ) -> Bound? {
        if range.contains(value) { return value }
        self.report(Problem("E2106", "\(what) must be \(self.boundText(range, text))", at: node.origin))
        return nil
    }

    mutating func choice(_ node: ConfigNode, _ what: String, _ choices: [String], notBuilt: [String: String] = [:])
        -> String?
    {
        guard let value = self.text(node, what) else { return nil }
        if choices.contains(value.text) { return value.text }
        if let feature = notBuilt[value.text] {
            self.report(
                Problem(
                    "E2104", "`\(value.text)` as \(what) is not built yet (\(feature))",
                    at: node.origin))
            return nil
        }
        let close = value.text.utf8.count > 100 ? nil : ClosestName.find(value.text, among: choices)
        let found = value.hasReference ? "its value" : "`\(shown(value.text))`"
        self.report(
            Problem(
                "E2105", "\(what) cannot be \(found)", at: node.origin, label: close.map { "did you mean `\($0)`?" },
                help: choices.count == 1
                    ? "the one value is \(choices[0])" : "one of: \(choices.joined(separator: ", "))"))
        return nil
    }

    /// 1 to 128 bytes without white space and control characters, so that it can stand in a label and in a log.
    mutating func isName(_ text: String, at place: Origin, _ what: String) -> Bool {
        let isFine =
            (1...128).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { !isUnprintable($0) && !$0.properties.isWhitespace }
        if !isFine {
            self.report(
                Problem("E2111", "\(what) is no name", at: place, help: "1 to 128 bytes without white space"))
        }
        return isFine
    }

    /// Hides a value wherever its line is shown.
    @discardableResult
    mutating func mask(_ node: ConfigNode) -> Int {
        let length = self.sources[node.origin.file]?.spanLength(line: node.origin.line, column: node.origin.column) ?? 1
        self.sources[node.origin.file]?.mask(node.origin, length: length)
        return length
    }

    mutating func literalSecret(_ node: ConfigNode, _ what: String) {
        let length = self.mask(node)
        self.report(
            Problem(
                "W1406", "\(what) is a credential written into the file", at: node.origin, length: length,
                help: "write ${NAME} and export NAME, or ${file:/path}"))
    }
}

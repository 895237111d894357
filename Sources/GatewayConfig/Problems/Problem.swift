import GatewayContract
import GatewayCore

/// One thing that is wrong, or doubtful, in the configuration: what, where, and what to write instead.
///
/// No text in it holds a credential.
public struct Problem: Sendable, Hashable {
    /// A warning keeps no configuration from being used.
    public enum Severity: String, Sendable, CaseIterable {
        case error, warning
    }

    /// `E2103`, `W6001`: stable, and explained by `ProblemCatalog.explanation(of:)`.
    public var code: String
    /// Follows from the first letter of the code, unless the compiler says otherwise.
    public var severity: Severity
    /// One line; names stand in backquotes, and text from outside is bounded and printable.
    public var message: String
    /// `nil` when the problem belongs to no place in a file.
    public var place: Origin?
    /// Unicode scalars from `place` on; 0: the renderer works it out from the source line.
    public var length: Int
    /// Stands behind the carets: ``did you mean `priority`?``
    public var label: String?
    /// What to do about it.
    public var help: String?
    /// Reasons, such as an RFC.
    public var notes: [String]
    /// A second place that takes part, such as the other definition of a name.
    public var other: Origin?
    /// What the second place is.
    public var otherLabel: String

    /// A code that begins with `W` makes a warning.
    public init(
        _ code: String, _ message: String, at place: Origin?, length: Int = 0, label: String? = nil,
        help: String? = nil, notes: [String] = [], other: Origin? = nil, otherLabel: String = "other definition"
    ) {
        self.code = code
        self.severity = code.hasPrefix("W") ? .warning : .error
        self.message = message
        self.place = place
        self.length = length
        self.label = label
        self.help = help
        self.notes = notes
        self.other = other
        self.otherLabel = otherLabel
    }

    /// A problem that the snapshot compiler found.
    ///
    /// - Parameters:
    ///   - suggestion: a name that was probably meant.
    ///   - suggestionOrigin: where that name is defined, when the caller knows it.
    public init(
        code: String, message: String, origin: Origin, other: Origin?, suggestion: String?,
        suggestionOrigin: Origin? = nil, help: String?, isWarning: Bool
    ) {
        let place = suggestionOrigin.flatMap { $0.line > 0 ? " (\($0))" : nil } ?? ""
        self.init(
            code, message, at: origin.line > 0 ? origin : nil,
            label: suggestion.map { "did you mean `\(shown($0))`\(place)?" }, help: help,
            other: other.flatMap { $0.line > 0 ? $0 : nil })
        self.severity = isWarning ? .warning : .error
    }
}

/// What was found so far, in the order of finding. It keeps a bounded number and counts the rest.
struct Problems: Sendable {
    /// More than a person reads; the reports show far fewer.
    static let keptMax = 1000

    private(set) var found: [Problem] = []

    init() {}

    mutating func add(_ problem: Problem) {
        if self.found.count < Self.keptMax { self.found.append(problem) }
    }

    var hasErrors: Bool { self.found.contains { $0.severity == .error } }

    /// By file and line; each problem once.
    var sorted: [Problem] { Self.sorted(self.found) }

    /// By file (the first one first, as found), line and column; exact repetitions are dropped.
    static func sorted(_ problems: [Problem]) -> [Problem] {
        var met: Set<Problem> = []
        let unique = problems.filter { met.insert($0).inserted }
        return unique.enumerated().sorted { left, right in
            let (a, b) = (left.element.place, right.element.place)
            let first = (a?.file ?? "", a?.line ?? 0, a?.column ?? 0, left.offset)
            return first < (b?.file ?? "", b?.line ?? 0, b?.column ?? 0, right.offset)
        }.map(\.element)
    }
}

/// Text from outside, made fit for a message: bounded, and without control characters.
func shown(_ text: some StringProtocol, max: Int = 80) -> String {
    var out = String.UnicodeScalarView()
    for (index, scalar) in text.unicodeScalars.enumerated() {
        if index == max {
            out.append("…")
            break
        }
        out.append(isUnprintable(scalar) ? "\u{fffd}" : scalar)
    }
    return String(out)
}

/// Control characters, and the marks that turn the direction of text: neither belongs in a terminal.
func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: true
    default: false
    }
}

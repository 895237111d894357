import GatewayContract
import GatewayCore

/// Problems as text for people or for machines.
public struct ProblemReport: Sendable {
    /// `text` for people, `sarif` (2.1.0) for code scanning, `github` for annotations of a workflow.
    public enum Format: String, Sendable, CaseIterable {
        case text, json, sarif, github
    }

    /// Problems shown; the rest is counted.
    public static let shownMax = 50

    /// Those that are shown, by file and line.
    public let problems: [Problem]
    private let sources: [String: SourceText]
    private let total: Int
    private let errors: Int

    /// - Parameters:
    ///   - problems: in any order.
    ///   - sources: the files they point into, by name; a place in another file is shown without its line.
    public init(_ problems: [Problem], sources: [String: SourceText] = [:]) {
        let sorted = Problems.sorted(problems)
        self.total = sorted.count
        self.errors = sorted.count { $0.severity == .error }
        self.problems = Array(sorted.prefix(Self.shownMax))
        self.sources = sources
    }

    /// - Parameter colour: ANSI colours; `text` only.
    public func rendered(_ format: Format, colour: Bool = false) -> String {
        switch format {
        case .text: self.text(colour: colour)
        case .json: self.json()
        case .sarif: self.sarif()
        case .github: self.github()
        }
    }

    /// rustc's form, a blank line between problems, a newline at the end; empty without problems.
    public func text(colour: Bool = false) -> String {
        if self.problems.isEmpty { return "" }
        var blocks = self.problems.map { self.block($0, paint: Paint(isOn: colour)) }
        if self.total > self.problems.count { blocks.append("… and \(self.total - self.problems.count) more") }
        return blocks.joined(separator: "\n\n") + "\n"
    }

    /// `2 errors, 1 warning`.
    public var summary: String {
        [(self.errors, "error"), (self.total - self.errors, "warning")].filter { $0.0 > 0 }
            .map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }.joined(separator: ", ")
    }

    private func block(_ problem: Problem, paint: Paint) -> String {
        let digits = problem.place.map { "\($0.line)".count } ?? 0
        let gutter = String(repeating: " ", count: max(2, digits))
        let tone = problem.severity == .error ? Paint.red : Paint.yellow
        var lines = [
            paint(tone, "\(problem.severity.rawValue)[\(problem.code)]") + paint(Paint.bold, ": \(problem.message)")
        ]
        if let place = problem.place {
            lines.append("\(gutter)\(paint(Paint.blue, "-->")) \(Self.location(place))")
            lines += self.snippet(problem, place, gutter: gutter, tone: tone, paint: paint)
        }
        if let other = problem.other {
            lines.append("\(gutter)\(paint(Paint.blue, "-->")) \(Self.location(other)) (\(problem.otherLabel))")
        }
        if self.snippetLine(problem.place) == nil, let label = problem.label {
            lines.append("\(gutter) \(paint(Paint.blue, "=")) help: \(label)")
        }
        if let help = problem.help { lines.append("\(gutter) \(paint(Paint.blue, "=")) help: \(help)") }
        lines += problem.notes.map { "\(gutter) \(paint(Paint.blue, "=")) note: \($0)" }
        return lines.joined(separator: "\n")
    }

    private func snippetLine(_ place: Origin?) -> String? {
        place.flatMap { self.sources[$0.file]?.line($0.line) }
    }

    private func snippet(_ problem: Problem, _ place: Origin, gutter: String, tone: String, paint: Paint) -> [String] {
        guard let line = self.snippetLine(place) else { return [] }
        let scalars = Array(line.unicodeScalars)
        let first = place.column > 100 ? place.column - 60 : 0
        let window = scalars.dropFirst(first).prefix(160)
        let lead = first > 0 ? "…" : ""
        let number = String(repeating: " ", count: gutter.count - "\(place.line)".count) + "\(place.line)"
        let bar = paint(Paint.blue, "|")
        let length = min(self.length(of: problem, at: place), max(1, first + window.count - place.column + 1))
        let before = String(repeating: " ", count: max(0, place.column - 1 - first + lead.count))
        let carets = String(repeating: "^", count: length) + (problem.label.map { " \($0)" } ?? "")
        let shown = lead + String(String.UnicodeScalarView(window)) + (window.endIndex < scalars.count ? "…" : "")
        return [
            "\(gutter) \(bar)",
            paint(Paint.blue, number) + " \(bar) \(shown)",
            "\(gutter) \(bar) \(before)\(paint(tone, carets))",
        ]
    }

    func length(of problem: Problem, at place: Origin) -> Int {
        if problem.length > 0 { return problem.length }
        return self.sources[place.file]?.spanLength(line: place.line, column: place.column) ?? 1
    }

    /// A file without lines (a missing one) is named alone.
    static func location(_ place: Origin) -> String { place.line > 0 ? place.description : shown(place.file, max: 400) }
}

/// ANSI colours, or none.
private struct Paint {
    static let red = "1;31"
    static let yellow = "1;33"
    static let blue = "1;34"
    static let bold = "1"

    let isOn: Bool

    func callAsFunction(_ code: String, _ text: String) -> String {
        self.isOn ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }
}

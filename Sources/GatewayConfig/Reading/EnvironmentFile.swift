/// The text of a file of environment variables: lines of `NAME=value`. Nothing is expanded. No command reads one yet.
public enum EnvironmentFile {
    /// A line that is no `NAME=value`.
    public struct Fault: Error, Equatable, Sendable {
        /// 1-based.
        public var line: Int
    }

    /// Blank lines and lines that begin with `#` are skipped, `export ` is allowed, and one pair of quotes around a
    /// value is taken away.
    public static func parse(_ text: String) -> Result<[String: String], Fault> {
        var values: [String: String] = [:]
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            var rest = line.drop { $0 == " " || $0 == "\t" }
            if rest.isEmpty || rest.hasPrefix("#") { continue }
            if rest.hasPrefix("export ") { rest = rest.dropFirst(7) }
            guard let equals = rest.firstIndex(of: "=") else { return .failure(Fault(line: index + 1)) }
            let name = String(rest[..<equals])
            guard Interpolation.liteLLMName("os.environ/\(name)") == name else {
                return .failure(Fault(line: index + 1))
            }
            var value = rest[rest.index(after: equals)...]
            while let last = value.last, last == " " || last == "\t" { value = value.dropLast() }
            if value.count >= 2, let quote = value.first, quote == "\"" || quote == "'", value.last == quote {
                value = value.dropFirst().dropLast()
            }
            values[name] = String(value)
        }
        return .success(values)
    }
}

import GatewayContract
import GatewayCore

/// The forms for continuous integration.
extension ProblemReport {
    /// One object per problem: `{"problems":[{"code":…,"severity":…,"message":…,"file":…,"line":…,"column":…}]}`.
    func json() -> String {
        let items = self.problems.map { problem -> String in
            var fields = [
                ("code", JSONText.quote(problem.code)), ("severity", JSONText.quote(problem.severity.rawValue)),
                ("message", JSONText.quote(problem.message)),
            ]
            if let place = problem.place {
                fields += self.placeFields(place, length: self.length(of: problem, at: place))
            }
            if let label = problem.label { fields.append(("label", JSONText.quote(label))) }
            if let help = problem.help { fields.append(("help", JSONText.quote(help))) }
            if !problem.notes.isEmpty {
                fields.append(("notes", "[\(problem.notes.map(JSONText.quote).joined(separator: ","))]"))
            }
            if let other = problem.other {
                fields.append(("other", JSONText.object(self.placeFields(other, length: nil))))
            }
            return "  " + JSONText.object(fields)
        }
        return "{\"problems\":[" + (items.isEmpty ? "" : "\n" + items.joined(separator: ",\n") + "\n") + "]}\n"
    }

    private func placeFields(_ place: Origin, length: Int?) -> [(String, String)] {
        var fields = [
            ("file", JSONText.quote(place.file)), ("line", "\(place.line)"), ("column", "\(place.column)"),
        ]
        if let length { fields.append(("length", "\(length)")) }
        return fields
    }

    /// SARIF 2.1.0 (OASIS), one run.
    func sarif() -> String {
        let codes = Set(self.problems.map(\.code)).sorted()
        let rules = codes.map { code in
            JSONText.object([
                ("id", JSONText.quote(code)),
                (
                    "shortDescription",
                    JSONText.object([("text", JSONText.quote(ProblemCatalog.title(of: code) ?? code))])
                ),
            ])
        }
        let results = self.problems.map { problem -> String in
            var fields = [
                ("ruleId", JSONText.quote(problem.code)), ("level", JSONText.quote(problem.severity.rawValue)),
                ("message", JSONText.object([("text", JSONText.quote(Self.oneLine(problem)))])),
            ]
            if let place = problem.place {
                fields.append(
                    ("locations", "[\(self.sarifLocation(place, length: self.length(of: problem, at: place)))]"))
            }
            if let other = problem.other {
                fields.append(("relatedLocations", "[\(self.sarifLocation(other, length: 1))]"))
            }
            return JSONText.object(fields)
        }
        let driver = JSONText.object([("name", "\"penstock\""), ("rules", "[\(rules.joined(separator: ","))]")])
        let run = JSONText.object([
            ("tool", JSONText.object([("driver", driver)])), ("columnKind", "\"unicodeCodePoints\""),
            ("results", "[\(results.joined(separator: ","))]"),
        ])
        return JSONText.object([
            ("$schema", "\"https://json.schemastore.org/sarif-2.1.0.json\""), ("version", "\"2.1.0\""),
            ("runs", "[\(run)]"),
        ]) + "\n"
    }

    private func sarifLocation(_ place: Origin, length: Int) -> String {
        let file = JSONText.object([("uri", JSONText.quote(place.file))])
        var physical = [("artifactLocation", file)]
        if place.line > 0 {
            let region = JSONText.object([
                ("startLine", "\(place.line)"), ("startColumn", "\(place.column)"),
                ("endColumn", "\(place.column + length)"),
            ])
            physical.append(("region", region))
        }
        return JSONText.object([("physicalLocation", JSONText.object(physical))])
    }

    /// Workflow commands that GitHub Actions turns into annotations, one per line.
    func github() -> String {
        self.problems.map { problem -> String in
            var properties: [String] = []
            if let place = problem.place {
                properties.append("file=\(Self.escapedProperty(place.file))")
                if place.line > 0 { properties += ["line=\(place.line)", "col=\(place.column)"] }
            }
            properties.append("title=\(Self.escapedProperty(problem.code))")
            let message = Self.escaped(Self.oneLine(problem))
            return "::\(problem.severity.rawValue) \(properties.joined(separator: ","))::\(message)\n"
        }.joined()
    }

    private static func oneLine(_ problem: Problem) -> String {
        ([problem.message, problem.label, problem.help].compactMap { $0 } + problem.notes).joined(separator: "; ")
    }

    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "%": "%25"
            case "\r": "%0D"
            case "\n": "%0A"
            default: String(scalar)
            }
        }.joined()
    }

    private static func escapedProperty(_ text: String) -> String {
        self.escaped(text).unicodeScalars.map { $0 == ":" ? "%3A" : $0 == "," ? "%2C" : String($0) }.joined()
    }
}

/// Writing of small JSON texts, for reports and the schema.
enum JSONText {
    static func quote(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            default:
                if scalar.value < 0x20 {
                    let hex = String(scalar.value, radix: 16)
                    out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }

    static func object(_ fields: [(String, String)]) -> String {
        "{" + fields.map { "\(self.quote($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }
}

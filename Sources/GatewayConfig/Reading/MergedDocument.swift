import GatewayContract
import GatewayCore

/// `gateway.yaml` and the files it includes, as one mapping. Sections of names and lists grow; everything else may be
/// written in one file only.
struct MergedDocument {
    private(set) var entries: [ConfigEntry]

    init(_ entries: [ConfigEntry]) {
        self.entries = entries
    }

    mutating func add(_ added: [ConfigEntry], _ walk: inout ConfigWalk) {
        for entry in added {
            if entry.name == "version" { continue }
            if entry.name == "include" || entry.name == "routes_dir" {
                walk.report(
                    Problem(
                        "E2113", "`\(entry.name)` cannot stand in an included file", at: entry.nameOrigin,
                        help: "write it into the main file"))
                continue
            }
            guard let index = self.entries.firstIndex(where: { $0.name == entry.name }) else {
                self.entries.append(entry)
                continue
            }
            let first = self.entries[index]
            switch (first.value.content, entry.value.content) {
            case (.list(let left), .list(let right)):
                self.entries[index].value.content = .list(left + right)
            case (.map(let left), .map(let right)) where ["providers", "deployments", "models"].contains(entry.name):
                self.entries[index].value.content = .map(Self.joined(left, right, section: entry.name, &walk))
            case (.null, _):
                self.entries[index] = entry
            case (_, .null):
                break
            default:
                walk.report(Self.twice("`\(shown(entry.name))`", entry, first))
            }
        }
    }

    private static func joined(
        _ left: [ConfigEntry], _ right: [ConfigEntry], section: String, _ walk: inout ConfigWalk
    ) -> [ConfigEntry] {
        var joined = left
        let names = Dictionary(left.map { ($0.name, $0) }) { first, _ in first }
        for entry in right {
            if let first = names[entry.name] {
                walk.report(self.twice("\(section.dropLast()) `\(shown(entry.name))`", entry, first))
            } else {
                joined.append(entry)
            }
        }
        return joined
    }

    private static func twice(_ what: String, _ entry: ConfigEntry, _ first: ConfigEntry) -> Problem {
        Problem(
            "E1106", "\(what) is defined twice", at: entry.nameOrigin, help: "one key may be defined in one file only",
            other: first.nameOrigin)
    }
}

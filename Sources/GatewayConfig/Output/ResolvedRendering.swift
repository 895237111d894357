import GatewayContract
import GatewayCore

/// A desired state as YAML: every default written out, every reference resolved, every credential as `•••`.
public enum ResolvedRendering {
    /// `gateway.yaml`, then each route as a document of its own.
    public static func yaml(_ state: DesiredState) -> String {
        var out = "# revision \(state.revision.isEmpty ? "none" : state.revision)\nversion: 1\n"
        var routes = ""
        for section in StateDescription(state).sections where !section.items.isEmpty {
            if section.key == "routes" {
                for item in section.items {
                    routes +=
                        "---\n# \(shown(self.file(of: state, route: item.name)))\nroute: "
                        + "\(YAMLText.scalar(item.name))\n"
                    routes += self.fields(item.fields, indent: "")
                }
            } else if section.items[0].name.isEmpty {
                out += "\(section.key):\n" + self.fields(section.items[0].fields, indent: "  ")
            } else {
                out +=
                    "\(section.key):\n" + section.items.map { self.item($0, isInList: section.key == "keys") }.joined()
            }
        }
        return out + routes
    }

    private static func file(of state: DesiredState, route: String) -> String {
        let origin = state.routes.first { $0.name.text == route }?.origin
        return origin.map { $0.line > 0 ? $0.file : "built-in" } ?? route
    }

    private static func item(_ item: StateDescription.Item, isInList: Bool) -> String {
        let name = YAMLText.scalar(item.name)
        if isInList { return "  - name: \(name)\n" + self.fields(item.fields, indent: "    ") }
        return "  \(name):\(item.isBuiltIn ? "  # built in" : "")\n" + self.fields(item.fields, indent: "    ")
    }

    /// Fields that share the first part of their path stand together.
    private static func fields(_ fields: [StateDescription.Field], indent: String) -> String {
        var out = ""
        var index = 0
        while index < fields.count {
            let field = fields[index]
            guard field.path.count > 1 else {
                out += "\(indent)\(YAMLText.scalar(field.path[0])): \(field.value.shown)\n"
                index += 1
                continue
            }
            let group = fields[index...].prefix { $0.path.count > 1 && $0.path[0] == field.path[0] }
            let inner = group.map { StateDescription.Field(Array($0.path.dropFirst()), $0.value) }
            out += "\(indent)\(YAMLText.scalar(field.path[0])):\n" + self.fields(inner, indent: indent + "  ")
            index += group.count
        }
        return out
    }
}

/// What would change from one desired state to another.
public struct StateDifference: Sendable, Equatable {
    /// `+ model `fast``, `- key `ci``, `~ provider `openai`` and, indented, the fields that differ.
    public private(set) var lines: [String] = []
    /// Keys that changed and take effect only at the next start: `server.limits.max_body`.
    public private(set) var restartKeys: [String] = []

    /// Whether both mean the same.
    public var isEmpty: Bool { self.lines.isEmpty }
    /// With a newline at the end; empty when nothing changes.
    public var text: String { self.lines.map { $0 + "\n" }.joined() }

    /// Where things were written does not matter, only what they say.
    public init(from old: DesiredState, to new: DesiredState) {
        for (before, after) in zip(StateDescription(old).sections, StateDescription(new).sections) {
            self.compare(before, after)
        }
    }

    private mutating func compare(_ before: StateDescription.Section, _ after: StateDescription.Section) {
        let old = Dictionary(before.items.map { ($0.name, $0) }) { first, _ in first }
        let names = Set(after.items.map(\.name))
        for item in before.items where !names.contains(item.name) {
            self.lines.append("- \(before.kind) `\(shown(item.name))`")
        }
        for item in after.items {
            guard let earlier = old[item.name] else {
                self.lines.append("+ \(after.kind) `\(shown(item.name))`")
                self.lines += item.fields.map { "    + \($0.key): \($0.value.shown)" }
                continue
            }
            let changes = Self.changes(earlier.fields, item.fields)
            if item.name.isEmpty { self.noteRestart(after.key, earlier.fields, item.fields) }
            if changes.isEmpty { continue }
            self.lines.append(item.name.isEmpty ? "~ \(after.kind)" : "~ \(after.kind) `\(shown(item.name))`")
            self.lines += changes
        }
    }

    private mutating func noteRestart(
        _ section: String, _ before: [StateDescription.Field], _ after: [StateDescription.Field]
    ) {
        let old = Dictionary(before.map { ($0.path, $0.value) }) { first, _ in first }
        let new = Dictionary(after.map { ($0.path, $0.value) }) { first, _ in first }
        let paths = Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }
        self.restartKeys += paths.map { [section] + $0 }
            .filter { ConfigReference.root.key(at: $0)?.reload == .restart }.map { $0.joined(separator: ".") }.sorted()
    }

    private static func changes(_ before: [StateDescription.Field], _ after: [StateDescription.Field]) -> [String] {
        let old = Dictionary(before.map { ($0.path, $0.value) }) { first, _ in first }
        let kept = Set(after.map(\.path))
        var lines = before.filter { !kept.contains($0.path) }.map { "    - \($0.key): \($0.value.shown)" }
        for field in after {
            guard let value = old[field.path] else {
                lines.append("    + \(field.key): \(field.value.shown)")
                continue
            }
            if value == field.value { continue }
            let isSecret = if case .secret = field.value { true } else { false }
            lines.append("    ~ \(field.key): " + (isSecret ? "changed" : "\(value.shown) → \(field.value.shown)"))
        }
        return lines
    }
}

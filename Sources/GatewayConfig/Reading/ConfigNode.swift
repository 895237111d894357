import GatewayContract
import GatewayCore

/// A value of a YAML file with its place: what Yams composed, as plain values, aliases expanded.
struct ConfigNode: Sendable {
    enum Content: Sendable {
        case scalar(Scalar)
        case list([ConfigNode])
        case map([ConfigEntry])
        /// Nothing was written, or `~` or `null`.
        case null
    }

    struct Scalar: Sendable {
        /// Before interpolation.
        var text: String
        /// Written without quotes: it may be a number or a boolean.
        var isPlain: Bool
    }

    var content: Content
    var origin: Origin

    /// For "expected …, found …".
    var kind: String {
        switch self.content {
        case .scalar(let scalar):
            if scalar.isPlain, Int(scalar.text) != nil { "a number" } else { "text" }
        case .list: "a list"
        case .map: "a mapping"
        case .null: "nothing"
        }
    }

    var isScalar: Bool {
        if case .scalar = self.content { true } else { false }
    }

    var isList: Bool {
        if case .list = self.content { true } else { false }
    }

    /// What stands behind a name in a mapping; `nil` when that is nothing, and for what is no mapping.
    func entry(_ name: String) -> ConfigNode? {
        guard case .map(let entries) = self.content, let node = entries.first(where: { $0.name == name })?.value else {
            return nil
        }
        if case .null = node.content { return nil }
        return node
    }

    /// The text of a scalar before interpolation.
    var rawText: String? {
        if case .scalar(let scalar) = self.content { scalar.text } else { nil }
    }
}

/// A key of a mapping and its value.
struct ConfigEntry: Sendable {
    var name: String
    var nameOrigin: Origin
    var value: ConfigNode
}

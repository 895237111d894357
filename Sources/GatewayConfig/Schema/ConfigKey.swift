import GatewayCore

/// What may stand behind a key. The walker, the JSON Schema and the reference page all read it, so they cannot drift.
indirect enum ConfigValue: Sendable {
    case text
    /// Text that is never shown again.
    case secret
    /// Letters, digits and `._-` and, where `allows` says so, more.
    case name
    case modelName
    case boolean
    case integer(ClosedRange<Int>)
    /// An integer with an optional `k`, `M` or `G`.
    case count(ClosedRange<Int>)
    case duration(ClosedRange<TimeSpan>)
    case size(ClosedRange<Int>)
    case date
    case choice([String])
    case address
    case addressBlock
    case url
    case headerName
    case file
    case object(ConfigTable)
    /// A mapping from names that the operator chooses.
    case map(ConfigTable)
    case headers
    case list(ConfigValue)
    case either([ConfigValue])
}

/// Whether an edit takes effect while running.
enum ConfigReload: String, Sendable {
    case hot, restart
}

struct ConfigKey: Sendable {
    var name: String
    var value: ConfigValue
    var isRequired: Bool
    /// As it would be written; `nil`: nothing, or as `meaning` says.
    var defaultText: String?
    var reload: ConfigReload
    var meaning: String

    init(
        _ name: String, _ value: ConfigValue, required: Bool = false, default defaultText: String? = nil,
        _ reload: ConfigReload = .hot, _ meaning: String
    ) {
        self.name = name
        self.value = value
        self.isRequired = required
        self.defaultText = defaultText
        self.reload = reload
        self.meaning = meaning
    }
}

/// The keys of one mapping.
struct ConfigTable: Sendable {
    /// Names it in the JSON Schema.
    var id: String
    /// Where it stands: `providers.<name>`.
    var place: String
    var keys: [ConfigKey]
    /// Keys of the full schema whose feature does not exist yet, and the feature's name. They are refused (DESIGN
    /// 13.21).
    var notBuilt: [String: String] = [:]

    func key(_ name: String) -> ConfigKey? { self.keys.first { $0.name == name } }
    var names: [String] { self.keys.map(\.name) }

    /// The key at the end of a path of mappings.
    func key(at path: [String]) -> ConfigKey? {
        guard let first = path.first, let key = self.key(first) else { return nil }
        if path.count == 1 { return key }
        let values: [ConfigValue] = if case .either(let values) = key.value { values } else { [key.value] }
        for case .object(let table) in values { return table.key(at: Array(path.dropFirst())) }
        return nil
    }
}

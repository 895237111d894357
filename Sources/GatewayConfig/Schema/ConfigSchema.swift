import GatewayCore

/// The JSON Schemas (draft 2020-12) of the two kinds of files, for editors. Made from the same tables as the walker.
public enum ConfigSchema {
    /// For `gateway.yaml`: what `penstock schema` prints.
    public static var gateway: String { self.document(ConfigReference.root, title: "Penstock gateway.yaml") }
    /// For `routes/*.yaml`.
    public static var route: String { self.document(ConfigReference.route, title: "Penstock route file") }

    /// Any value may be written as a reference, so scalars also allow a text with `${`.
    private static let reference = JSONText.object([
        ("type", "\"string\""), ("pattern", JSONText.quote("\\$\\{|^os\\.environ/")),
    ])

    private static func document(_ root: ConfigTable, title: String) -> String {
        var tables: [String: ConfigTable] = [:]
        self.collect(root, &tables)
        let definitions = tables.values.sorted { $0.id < $1.id }.map { ($0.id, self.table($0, isRoot: false)) }
        let head = "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":\(JSONText.quote(title)),"
        return head + self.table(root, isRoot: true).dropFirst().dropLast()
            + ",\"$defs\":\(JSONText.object(definitions))}\n"
    }

    private static func collect(_ table: ConfigTable, _ tables: inout [String: ConfigTable]) {
        for key in table.keys { self.collect(key.value, &tables) }
    }

    private static func collect(_ value: ConfigValue, _ tables: inout [String: ConfigTable]) {
        switch value {
        case .object(let table), .map(let table):
            guard tables[table.id] == nil else { return }
            tables[table.id] = table
            self.collect(table, &tables)
        case .list(let item): self.collect(item, &tables)
        case .either(let values): for value in values { self.collect(value, &tables) }
        default: break
        }
    }

    private static func table(_ table: ConfigTable, isRoot: Bool) -> String {
        let properties = table.keys.map { key -> (String, String) in
            let meaning = key.meaning + (key.defaultText.map { " Default: \($0)." } ?? "")
            return (key.name, "{\"description\":\(JSONText.quote(meaning)),\(self.type(key.value).dropFirst())")
        }
        var fields = [
            ("type", "\"object\""), ("properties", JSONText.object(properties)), ("additionalProperties", "false"),
        ]
        let required = table.keys.filter(\.isRequired).map { JSONText.quote($0.name) }
        if !required.isEmpty { fields.append(("required", "[\(required.joined(separator: ","))]")) }
        return JSONText.object(fields)
    }

    /// An object text; never empty.
    private static func type(_ value: ConfigValue) -> String {
        switch value {
        case .text, .secret, .name, .modelName, .address, .addressBlock, .url, .headerName, .file, .date, .duration:
            return "{\"type\":[\"string\",\"number\"]}"
        case .boolean:
            return "{\"anyOf\":[{\"type\":\"boolean\"},\(self.reference)]}"
        case .integer(let range):
            let number = "{\"type\":\"integer\",\"minimum\":\(range.lowerBound),\"maximum\":\(range.upperBound)}"
            return "{\"anyOf\":[\(number),\(self.reference)]}"
        case .count(let range):
            let number = "{\"type\":\"integer\",\"minimum\":\(range.lowerBound),\"maximum\":\(range.upperBound)}"
            return "{\"anyOf\":[\(number),{\"type\":\"string\",\"pattern\":\"^[0-9]+[kMG]?$\"},\(self.reference)]}"
        case .size:
            let text = "{\"type\":\"string\",\"pattern\":\"^[0-9]+(B|[KMG]iB|kB|MB|GB)?$\"}"
            return "{\"anyOf\":[{\"type\":\"integer\"},\(text),\(self.reference)]}"
        case .choice(let choices):
            let items = choices.map { Int($0).map { "\($0),\"\($0)\"" } ?? JSONText.quote($0) }
            return "{\"anyOf\":[{\"enum\":[\(items.joined(separator: ","))]},\(self.reference)]}"
        case .object(let table):
            let isOptional = !table.keys.contains { $0.isRequired }
            let link = "{\"$ref\":\(JSONText.quote("#/$defs/\(table.id)"))}"
            return isOptional ? "{\"anyOf\":[\(link),{\"type\":\"null\"}]}" : "{\"anyOf\":[\(link)]}"
        case .map(let table):
            return "{\"type\":[\"object\",\"null\"],\"additionalProperties\":\(self.type(.object(table)))}"
        case .headers:
            return "{\"type\":[\"object\",\"null\"],\"additionalProperties\":{\"type\":[\"string\",\"number\"]}}"
        case .list(let item):
            return "{\"type\":\"array\",\"items\":\(self.type(item))}"
        case .either(let values):
            return "{\"anyOf\":[\(values.map(self.type).joined(separator: ","))]}"
        }
    }
}

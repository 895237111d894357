import GatewayContract
import GatewayCore
import GatewayWire

/// The list of models in the three families' shapes. Pure; off the hot path.
public enum ModelListing {
    /// `GET …/models`: names in the order given, all on one page.
    /// - Parameter models: `created` in unix seconds.
    public static func list(family: DialectFamily, models: [(name: String, created: Int64)]) -> [UInt8] {
        let entries = models.map { Self.entry(family, $0.name, $0.created) }
        let list: JSONValue
        switch family {
        case .openai: list = ["object": "list", "data": .array(entries)]
        case .anthropic:
            list = [
                "data": .array(entries), "has_more": false,
                "first_id": models.first.map { .string($0.name) } ?? .null,
                "last_id": models.last.map { .string($0.name) } ?? .null,
            ]
        case .gemini: list = ["models": .array(entries)]
        }
        return list.serialized()
    }

    /// `GET …/models/{id}`.
    public static func one(family: DialectFamily, name: String, created: Int64) -> [UInt8] {
        Self.entry(family, name, created).serialized()
    }

    private static func entry(_ family: DialectFamily, _ name: String, _ created: Int64) -> JSONValue {
        switch family {
        case .openai:
            ["id": .string(name), "object": "model", "created": .number(String(created)), "owned_by": "penstock"]
        case .anthropic:
            [
                "type": "model", "id": .string(name), "display_name": .string(name),
                "created_at": .string(CivilDate(unixSeconds: created).rfc3339), "lifecycle": "active",
            ]
        case .gemini:
            [
                "name": .string("models/\(name)"), "version": "", "displayName": .string(name),
                "supportedGenerationMethods": [
                    "generateContent", "countTokens", "embedContent", "batchEmbedContents",
                ],
            ]
        }
    }
}

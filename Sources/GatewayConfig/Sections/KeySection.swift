import GatewayContract
import GatewayCore

/// `keys`.
struct KeySection {
    static func keys(_ items: [ConfigNode], _ walk: inout ConfigWalk) -> [KeySpec] {
        var keys: [KeySpec] = []
        var names: [KeyName: KeySpec] = [:]
        var secrets: [Secret: KeySpec] = [:]
        for item in items {
            guard let key = self.key(item, &walk) else { continue }
            let sameName = names.updateValue(key, forKey: key.name)
            let sameSecret = secrets.updateValue(key, forKey: key.secret)
            self.checkUnique(key, sameName: sameName, sameSecret: sameSecret, &walk)
            keys.append(key)
        }
        return keys
    }

    private static func key(_ item: ConfigNode, _ walk: inout ConfigWalk) -> KeySpec? {
        var subject = "a key"
        if case .map(let entries) = item.content, let name = entries.first(where: { $0.name == "name" })?.value.rawText
        {
            subject = "key `\(shown(name))`"
        }
        let object = ConfigObject(item, ConfigReference.key, subject: subject, &walk)
        let name = object.name("name", &walk)
        let secret = self.secret(object, &walk)
        let patterns = object.items("models", &walk).map { $0.compactMap { self.pattern($0, subject, &walk) } }
        let addresses = walk.blocks(object, "allow_ips")
        let expires = object.date("expires", &walk)
        let limits = LimitSpec(object.limits("limits", &walk), &walk)
        for list in ["models", "allow_ips"] {
            guard let node = object[list], case .list(let entries) = node.content, entries.isEmpty else { continue }
            walk.report(
                Problem(
                    "E2102", "`\(list)` of \(subject) is empty: the key could be used for nothing", at: node.origin,
                    help: "remove it to allow everything"))
        }
        // Nothing refers to a key: one without a secret is left out, and the rest can still be checked.
        guard let name, let secret else { return nil }
        return KeySpec(
            name: KeyName(name.text), secret: secret, models: patterns, allowedAddresses: addresses,
            expires: expires, limits: limits, origin: name.origin)
    }

    private static func secret(_ object: ConfigObject, _ walk: inout ConfigWalk) -> Secret? {
        guard let value = object.secret("secret", &walk) else {
            if object.keyOrigin("secret") != nil, !object.has("secret") {
                walk.report(Problem("E2102", "`secret` of \(object.subject) is empty", at: object.keyOrigin("secret")))
            }
            return nil
        }
        guard (16...256).contains(value.text.utf8.count), value.text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            walk.report(
                Problem(
                    "E2110", "`secret` of \(object.subject) must be 16 to 256 visible ASCII characters",
                    at: value.origin, help: "for example the output of `openssl rand -hex 24`"))
            return nil
        }
        return Secret(value.text)
    }

    private static func pattern(_ node: ConfigNode, _ subject: String, _ walk: inout ConfigWalk) -> String? {
        guard let value = walk.text(node, "an entry of `models` of \(subject)") else { return nil }
        guard (1...256).contains(value.text.utf8.count), !value.text.dropLast().contains("*") else {
            walk.report(
                Problem(
                    "E2111", "an entry of `models` of \(subject) is no name and no pattern", at: node.origin,
                    help: "a model's name, or a prefix and one `*` at the end"))
            return nil
        }
        return value.text
    }

    private static func checkUnique(_ key: KeySpec, sameName: KeySpec?, sameSecret: KeySpec?, _ walk: inout ConfigWalk)
    {
        if let first = sameName {
            walk.report(
                Problem(
                    "E2117", "two keys are named `\(shown(key.name.text))`", at: key.origin, other: first.origin,
                    otherLabel: "first one"))
        } else if let first = sameSecret {
            walk.report(
                Problem(
                    "E2117", "keys `\(shown(first.name.text))` and `\(shown(key.name.text))` have the same secret",
                    at: key.origin,
                    help: "a request could not tell which one it used", other: first.origin, otherLabel: "first one"))
        }
    }
}

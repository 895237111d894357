import GatewayContract
import GatewayCore

/// `keys`.
struct KeySection {
    /// Whether a hash can be recognised. One that was written and could not be read has its own problem.
    private let hasPepper: Bool
    private var owners: [KeyOwner: KeyOwner] = [:]

    static func keys(_ root: ConfigObject, _ walk: inout ConfigWalk) -> [KeySpec] {
        var section = Self(hasPepper: root["server"]?.entry("key_pepper") != nil)
        var keys: [KeySpec] = []
        var names: [KeyName: KeySpec] = [:]
        var credentials: [KeyCredential: KeySpec] = [:]
        for item in root.items("keys", &walk) ?? [] {
            guard let key = section.key(item, &walk) else { continue }
            let sameName = names.updateValue(key, forKey: key.name)
            var sameSecret = credentials.updateValue(key, forKey: key.credential)
            if let previous = key.previous {
                sameSecret = credentials.updateValue(key, forKey: previous.credential) ?? sameSecret
            }
            self.checkUnique(key, sameName: sameName, sameSecret: sameSecret, &walk)
            keys.append(key)
        }
        return keys
    }

    private init(hasPepper: Bool) {
        self.hasPepper = hasPepper
    }

    private mutating func key(_ item: ConfigNode, _ walk: inout ConfigWalk) -> KeySpec? {
        var subject = "a key"
        if let name = item.entry("name")?.rawText { subject = "key `\(shown(name))`" }
        let object = ConfigObject(item, ConfigReference.key, subject: subject, &walk)
        let name = object.name("name", &walk)
        let credential = self.credential(object, &walk)
        let previous = self.previous(object, &walk)
        let patterns = object.items("models", &walk).map { $0.compactMap { Self.pattern($0, subject, &walk) } }
        let addresses = walk.blocks(object, "allow_ips")
        let expires = object.date("expires", &walk)
        let revoked = Self.revoked(object, &walk)
        let owner = self.owner(object, &walk)
        let scopes = Self.scopes(object, &walk)
        let limits = LimitSpec(object.limits("limits", &walk), &walk)
        for list in ["models", "allow_ips", "scopes"] {
            guard let node = object[list], case .list(let entries) = node.content, entries.isEmpty else { continue }
            let help = list == "scopes" ? "remove it for the scope `inference`" : "remove it to allow everything"
            walk.report(
                Problem(
                    "E2102", "`\(list)` of \(subject) is empty: the key could be used for nothing", at: node.origin,
                    help: help))
        }
        // Nothing refers to a key: one without a secret is left out, and the rest can still be checked.
        guard let name, let credential else { return nil }
        return KeySpec(
            name: KeyName(name.text), credential: credential, previous: previous, owner: owner, scopes: scopes,
            models: patterns, allowedAddresses: addresses, expires: expires, revoked: revoked, limits: limits,
            origin: name.origin)
    }

    // MARK: Credentials

    private func previous(_ key: ConfigObject, _ walk: inout ConfigWalk) -> PreviousCredential? {
        guard
            let object = key.object(
                "previous", ConfigReference.previousKey, subject: "`previous` of \(key.subject)", &walk),
            object.isMapping
        else { return nil }
        let credential = self.credential(object, &walk)
        guard let until = object.date("until", &walk), let credential else { return nil }
        return PreviousCredential(credential, until: until)
    }

    private func credential(_ object: ConfigObject, _ walk: inout ConfigWalk) -> KeyCredential? {
        if let secret = object.keyOrigin("secret"), let hash = object.keyOrigin("hash") {
            walk.report(
                Problem(
                    "E2113", "`secret` and `hash` of \(object.subject) say the same thing", at: hash,
                    help: "keep one of them", other: secret))
        }
        if object.has("hash") { return self.hash(object, &walk).map { .hash($0) } }
        if object.isMapping, object.keyOrigin("secret") == nil {
            walk.report(
                Problem(
                    "E2102", "\(object.subject) has no `secret` and no `hash`", at: object.origin,
                    help: "`penstock keys new` makes a key and prints what to write here"))
        }
        return Self.secret(object, &walk).map { .secret($0) }
    }

    private func hash(_ object: ConfigObject, _ walk: inout ConfigWalk) -> KeyHash? {
        guard let value = object.text("hash", &walk) else { return nil }
        guard let hash = KeyHash(value.text) else {
            // It may be the key itself.
            if let node = object["hash"] { walk.mask(node) }
            walk.report(
                Problem(
                    "E2119", "`hash` of \(object.subject) is no hash of a key", at: value.origin,
                    help:
                        "`hmac-sha256:`, the key's id, `:` and 64 hexadecimal digits, as `penstock keys new` prints it")
            )
            return nil
        }
        guard self.hasPepper else {
            walk.report(
                Problem(
                    "E2119", "`hash` of \(object.subject) needs `server.key_pepper`", at: value.origin,
                    help: "without it keys are hashed under random bytes, new in each process: no hash could match"))
            return nil
        }
        return hash
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

    // MARK: Rights

    /// `true`, `false`, or from when on.
    private static func revoked(_ object: ConfigObject, _ walk: inout ConfigWalk) -> WallTime? {
        guard let node = object["revoked"], let value = walk.text(node, "`revoked` of \(object.subject)") else {
            return nil
        }
        if value.isPlain || value.isWholeReference {
            if value.text == "true" { return WallTime(unixSeconds: 0) }
            if value.text == "false" { return nil }
        }
        if let date = Units.date(value.text) { return date }
        walk.unit(node, "`revoked` of \(object.subject)", value, "true, false or a date, such as 2027-01-31T12:00:00Z")
        return nil
    }

    private static func scopes(_ object: ConfigObject, _ walk: inout ConfigWalk) -> KeyScopes {
        guard let items = object.items("scopes", &walk) else { return .inference }
        var scopes: KeyScopes = []
        for item in items {
            let names = KeyScopes.names.map(\.name)
            let name = walk.choice(item, "an entry of `scopes` of \(object.subject)", names)
            if let known = KeyScopes.names.first(where: { $0.name == name }) { scopes.insert(known.scope) }
        }
        return scopes
    }

    private mutating func owner(_ object: ConfigObject, _ walk: inout ConfigWalk) -> KeyOwner? {
        let org = object.name("org", &walk).map { OrgName($0.text) }
        let team = object.name("team", &walk).map { TeamName($0.text) }
        let user = object.name("user", &walk).map { UserName($0.text) }
        let account = object.name("service_account", &walk).map { ServiceAccountName($0.text) }
        if let first = object.keyOrigin("user"), let second = object.keyOrigin("service_account") {
            walk.report(
                Problem(
                    "E2113", "`user` and `service_account` of \(object.subject) exclude each other", at: second,
                    help: "a key belongs to one of them", other: first))
        }
        if org == nil, team == nil, user == nil, account == nil { return nil }
        let owner = KeyOwner(
            org: org, team: team, holder: user.map { .user($0) } ?? account.map { .serviceAccount($0) })
        if let known = self.owners[owner] { return known }
        self.owners[owner] = owner
        return owner
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
        } else if let first = sameSecret, first.name == key.name {
            walk.report(
                Problem(
                    "E2117", "`previous` of key `\(shown(key.name.text))` is the key itself", at: key.origin,
                    help: "`penstock keys new` makes another one"))
        } else if let first = sameSecret {
            walk.report(
                Problem(
                    "E2117", "keys `\(shown(first.name.text))` and `\(shown(key.name.text))` have the same secret",
                    at: key.origin,
                    help: "a request could not tell which one it used", other: first.origin, otherLabel: "first one"))
        }
    }
}

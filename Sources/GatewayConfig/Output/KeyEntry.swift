import GatewayContract
import GatewayCore

/// An entry of `keys` as text to paste: for `penstock keys new`.
public struct KeyEntry: Sendable {
    /// What stands in the file.
    public enum Credential: Sendable {
        case hash(KeyHash)
        /// The secret is in the environment.
        case variable(String)
    }

    /// As in `name`; checked by `problems`, as the rest is.
    public var name: String
    /// In `hash` or in `secret`.
    public var credential: Credential
    /// As in the entry, like all that follow: `nil` and empty lists are left out.
    public var org: String?
    /// `team`.
    public var team: String?
    /// `user`.
    public var user: String?
    /// `service_account`.
    public var serviceAccount: String?
    /// `scopes`.
    public var scopes: [String] = []
    /// `models`.
    public var models: [String] = []
    /// `allow_ips`.
    public var allowedAddresses: [String] = []
    /// `expires`.
    public var expires: String?

    /// With nothing else in it; nothing is checked here.
    public init(name: String, credential: Credential) {
        self.name = name
        self.credential = credential
    }

    /// Ends in a newline; indented as an item of a list.
    public var yaml: String {
        var lines: [(String, String)] = [("name", YAMLText.scalar(self.name))]
        switch self.credential {
        case .hash(let hash): lines.append(("hash", YAMLText.scalar(hash.description)))
        case .variable(let name): lines.append(("secret", "\"${\(name)}\""))
        }
        let texts = [
            ("org", self.org), ("team", self.team), ("user", self.user), ("service_account", self.serviceAccount),
        ]
        lines += texts.compactMap { name, text in text.map { (name, YAMLText.scalar($0)) } }
        let lists = [("scopes", self.scopes), ("models", self.models), ("allow_ips", self.allowedAddresses)]
        lines += lists.filter { !$0.1.isEmpty }.map { ($0.0, YAMLText.list($0.1)) }
        if let expires = self.expires { lines.append(("expires", YAMLText.scalar(expires))) }
        return lines.enumerated().map { index, line in
            (index == 0 ? "  - " : "    ") + "\(line.0): \(line.1)\n"
        }.joined()
    }

    /// The name of the environment variable that a key of that name is looked for in: `PENSTOCK_KEY_CI`.
    public static func variable(for name: String) -> String {
        "PENSTOCK_KEY_"
            + String(
                decoding: name.utf8.map { byte in
                    guard Units.isLetterOrDigit(byte) else { return UInt8(ascii: "_") }
                    return (0x61...0x7a).contains(byte) ? byte - 0x20 : byte
                }, as: UTF8.self)
    }

    /// The problems that the entry would have in a configuration, as text; `nil` without any. References to models and
    /// the uniqueness of the name are not looked at.
    /// - Parameters:
    ///   - secret: the key, for what `credential` refers to.
    ///   - digest: as for a loader.
    public func problems(secret: Secret, digest: @escaping ContentDigest) -> String? {
        let file = "(new key)"
        var environment = ["PENSTOCK_ANY_PEPPER": String(repeating: "x", count: 32)]
        if case .variable(let name) = self.credential { environment[name] = secret.revealed }
        let yaml = "version: 1\nserver: { key_pepper: \"${PENSTOCK_ANY_PEPPER}\" }\nkeys:\n" + self.yaml
        let loader = ConfigLoader(environment: environment, digest: digest, fileSystem: MemoryFiles([file: yaml]))
        let result = loader.load(path: file)
        return result.hasErrors ? result.report() : nil
    }
}

extension ConfigLoader {
    /// The pepper in a file, read as `${file:…}` in `server.key_pepper` is.
    /// - Parameters:
    ///   - file: as seen from the working folder.
    ///   - problems: what is wrong with it, as text.
    public static func pepper(
        file: String, digest: @escaping ContentDigest, problems: inout String
    ) -> Secret? {
        let name = "(pepper)"
        let yaml = "version: 1\nserver: { key_pepper: \"${PENSTOCK_PEPPER}\" }\n"
        var environment: [String: String] = [:]
        do {
            let bytes = try LocalFiles().read(file, bytesMax: ConfigWalk.secretBytesMax)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                problems = "error: `\(shown(file))` is not UTF-8 text\n"
                return nil
            }
            environment["PENSTOCK_PEPPER"] = ConfigWalk.withoutNewline(text)
        } catch {
            problems = "error: cannot read `\(shown(file))`: \(error.text)\n"
            return nil
        }
        let loader = ConfigLoader(environment: environment, digest: digest, fileSystem: MemoryFiles([name: yaml]))
        let result = loader.load(path: name)
        problems = result.report()
        return result.desired?.server.keyPepper
    }
}

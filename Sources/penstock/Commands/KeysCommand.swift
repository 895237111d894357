import ArgumentParser
import FoundationEssentials
import GatewayConfig
import GatewayContract
import GatewayCore
import GatewayPolicy

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make API keys, and look at one.",
        subcommands: [KeysNewCommand.self, KeysCheckCommand.self])
}

/// How a command prints: for people or for machines.
enum OutputForm: String, ExpressibleByArgument {
    case text, json
}

struct KeysNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Make an inference key; prints it once, and the entry for `keys:`.",
        discussion: """
            With a pepper, the configured `server.key_pepper` or that of --pepper-file, the entry holds a hash, and \
            the key itself is in no file. Without one it refers to an environment variable.
            """)

    @OptionGroup var options: ConfigOption

    @Option(help: "The key's name in logs and messages.")
    var name: String

    @Option(help: "The org that the key belongs to.")
    var org: String?

    @Option(help: "The team that the key belongs to.")
    var team: String?

    @Option(help: "The person that the key belongs to.")
    var user: String?

    @Option(help: "The program that the key belongs to.")
    var serviceAccount: String?

    @Option(help: "A scope; may be repeated (default: inference).")
    var scope: [String] = []

    @Option(help: "A model that it may use, or a prefix and `*`; may be repeated (default: every model).")
    var model: [String] = []

    @Option(help: "An address block that it may be used from; may be repeated (default: everywhere).")
    var allowIp: [String] = []

    @Option(help: "The date from which on it is refused, such as 2027-01-31.")
    var expires: String?

    @Option(help: "A file with the pepper, instead of the configured one.")
    var pepperFile: String?

    @Option(name: .shortAndLong, help: "text or json.")
    var output: OutputForm = .text

    func run() throws {
        guard let secret = KeyText.random(), let id = KeyText(secret.revealed)?.id else {
            Terminal.write("penstock: the system gives no random bytes\n", to: .errors)
            throw ExitCode(1)
        }
        let entry = try self.entry(secret, id)
        if let problems = entry.problems(secret: secret, digest: Digest.sha256) {
            Terminal.write(problems, to: .errors)
            throw ExitCode(1)
        }
        Terminal.write(self.output == .json ? try Self.json(entry, secret, id) : Self.text(entry, secret, id))
    }

    private func entry(_ secret: Secret, _ id: KeyID) throws -> KeyEntry {
        var entry = KeyEntry(name: self.name, credential: .variable(KeyEntry.variable(for: self.name)))
        if let pepper = try self.pepper() {
            let digest = KeyHasher(pepper: Array(pepper.revealed.utf8)).digest(of: secret.revealed)
            entry.credential = .hash(KeyHash(id: id, digest: digest.stored))
        }
        (entry.org, entry.team, entry.user, entry.serviceAccount) = (
            self.org, self.team, self.user, self.serviceAccount
        )
        (entry.scopes, entry.models, entry.allowedAddresses) = (self.scope, self.model, self.allowIp)
        entry.expires = self.expires
        return entry
    }

    private func pepper() throws -> Secret? {
        if let file = self.pepperFile {
            var problems = ""
            if let pepper = ConfigLoader.pepper(file: file, digest: Digest.sha256, problems: &problems) {
                return pepper
            }
            Terminal.write(problems, to: .errors)
            throw ExitCode(1)
        }
        guard self.options.source.exists else { return nil }
        let result = self.options.source.load()
        if let pepper = (result.desired ?? result.checkable)?.server.keyPepper { return pepper }
        guard result.hasErrors else { return nil }
        Terminal.write(
            result.report() + "penstock: with these errors nobody can tell whether there is a pepper\n", to: .errors)
        throw ExitCode(1)
    }

    private static func text(_ entry: KeyEntry, _ secret: Secret, _ id: KeyID) -> String {
        var text = "\(secret.revealed)\n\nThis is key \(id). It is shown this once: hand it to whoever will use it.\n"
        switch entry.credential {
        case .hash: text += "For `keys:` in the configuration; the key cannot be had back from it:\n\n"
        case .variable(let name):
            text += "For `keys:` in the configuration; the key is expected in the variable \(name):\n\n"
        }
        return text + entry.yaml
    }

    private struct Made: Encodable {
        var id: String
        var key: String
        var name: String
        var hash: String?
        var variable: String?
        var yaml: String
    }

    private static func json(_ entry: KeyEntry, _ secret: Secret, _ id: KeyID) throws -> String {
        var made = Made(id: id.description, key: secret.revealed, name: entry.name, yaml: entry.yaml)
        switch entry.credential {
        case .hash(let hash): made.hash = hash.description
        case .variable(let name): made.variable = name
        }
        return try Terminal.json(made)
    }
}

struct KeysCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read a key from the standard input: is it as it was made, and does the configuration know it?",
        discussion: "Exit code 0 when the key would be accepted now, 1 when not. The key itself is never printed.")

    @OptionGroup var options: ConfigOption

    @Option(name: .shortAndLong, help: "text or json.")
    var output: OutputForm = .text

    func run() throws {
        guard let presented = Terminal.readSecret(prompt: "Key: "), !presented.isEmpty else {
            throw ValidationError("no key on the standard input")
        }
        let (compilation, _) = try self.options.compile()
        let report = KeyReport(presented, in: compilation.keys, at: .now())
        Terminal.write(self.output == .json ? try Terminal.json(report) : report.text)
        if report.state != "active" { throw ExitCode(1) }
    }
}

/// What can be said of a key without showing it.
struct KeyReport: Encodable {
    /// `inference`, `admin`, or `other` for a secret that is not of Penstock's form.
    var kind: String
    var id: String?
    /// Only of Penstock's form.
    var checksum: String?
    /// `active`, `mistyped`, `wrong_kind`, `unknown`, `revoked`, `expired` or `replaced`.
    var state: String
    var name: String?
    var org: String?
    var team: String?
    /// What a rotation replaced.
    var isPrevious: Bool?

    private enum CodingKeys: String, CodingKey {
        case kind, id, checksum, state, name, org, team
        case isPrevious = "previous"
    }

    init(_ presented: Secret, in keys: KeyTable, at now: WallTime) {
        let text = KeyText(presented.revealed)
        self.kind = text?.purpose.rawValue ?? "other"
        self.id = text?.id?.description
        self.checksum = text.map { $0.id == nil ? "wrong" : "right" }
        var revealed = presented.revealed
        let hasher = keys.makeHasher()
        switch revealed.withUTF8({ keys.match(UnsafeRawBufferPointer($0), hasher) }) {
        case .mistyped: self.state = "mistyped"
        case .ofOtherKind: self.state = "wrong_kind"
        case .unknown: self.state = "unknown"
        case .found(let match):
            self.state =
                switch match.refusal(at: now) {
                case nil: "active"
                case .keyRevoked: "revoked"
                case .keyExpired: "expired"
                default: "replaced"
                }
            self.name = match.grant.name.text
            self.org = match.grant.owner?.org?.text
            self.team = match.grant.owner?.team?.text
            self.isPrevious = match.isPrevious
        }
    }

    var text: String {
        let rows = [
            ("kind", self.kind), ("id", self.id), ("checksum", self.checksum), ("state", self.state),
            ("name", self.name), ("org", self.org), ("team", self.team),
            ("slot", self.isPrevious.map { $0 ? "previous" : "current" }),
        ]
        return rows.compactMap { name, value in
            value.map { name + String(repeating: " ", count: 10 - name.count) + $0 + "\n" }
        }.joined()
    }
}

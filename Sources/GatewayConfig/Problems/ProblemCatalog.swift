/// Every code with a title and a long text, for `penstock check --explain CODE` and for SARIF.
public enum ProblemCatalog {
    /// In order.
    public static var codes: [String] { self.rows.map(\.code) }

    /// A few words; `nil` for a code that does not exist.
    public static func title(of code: String) -> String? { self.rows.first { $0.code == code }?.title }

    /// Some paragraphs, wrapped by nobody; `nil` for a code that does not exist.
    public static func explanation(of code: String) -> String? {
        self.rows.first { $0.code == code.uppercased() }.map { "\($0.code): \($0.title)\n\n\($0.text)\n" }
    }

    struct Row: Sendable {
        var code: String
        var title: String
        var text: String

        init(_ code: String, _ title: String, _ text: String) {
            self.code = code
            self.title = title
            self.text = text
        }
    }

    static let rows: [Row] = Self.files + Self.schema + Self.references + Self.routes + Self.keys + Self.listeners

    private static let files: [Row] = [
        Row(
            "E1101", "a file or folder cannot be read",
            "A file that the configuration needs is missing, or its permissions keep the daemon from reading it. "
                + "Paths are seen from the folder of gateway.yaml."
        ),
        Row(
            "E1102", "a file is too large, or there are too many",
            "A configuration file may have 1 MiB, a file of ${file:…} 64 KiB, and a configuration 2,000 files. Split "
                + "large files with `include`."
        ),
        Row("E1103", "a file is not UTF-8 text", "YAML files are read as UTF-8, with or without a byte order mark."),
        Row(
            "E1104", "a pattern of `include` matches no file",
            "An entry that silently includes nothing hides a typing error. Write a `?` at the end of an entry that "
                + "may match nothing:\n\n  include: [\"providers/*.yaml?\"]"
        ),
        Row(
            "W1105", "the folder of `routes_dir` is not there",
            "It counts as empty. Only the built-in routes are served."),
        Row(
            "E1106", "something is defined twice",
            "Each provider, deployment, model and route, and each section that is no list, may be defined in one "
                + "file only. Lists, such as `keys`, are joined."
        ),
        Row(
            "E1107", "the configuration cannot be hashed",
            "Its revision is a SHA-256 of the system's libcrypto, which has none: look at how OpenSSL is installed."),
        Row(
            "E1201", "the text is no YAML",
            "The place is where the YAML reader gave up; the cause is often a line or two above it: a missing quote, "
                + "a tab, or indentation that does not fit."
        ),
        Row("E1202", "a key stands twice in a mapping", "One of the two values would be lost silently."),
        Row(
            "E1203", "the document is too large or too deep",
            "A file may have 100,000 values and 64 levels, with aliases counted wherever they are used. Aliases "
                + "together with keys that are no plain text are refused."
        ),
        Row(
            "E1204", "a form of YAML that is not used here",
            "A file is one mapping whose keys are plain text. Tags (`!name`) and merging (`<<`) are not supported."),
        Row(
            "E1401", "a reference is malformed",
            "The forms are ${VAR}, ${VAR:-default}, ${VAR:?message} and ${file:/path}. $${ is a literal ${. "
                + "References do not nest."
        ),
        Row(
            "E1402", "an environment variable is not set",
            "${VAR} is required. Write ${VAR:-default} for a default; ${VAR:-} for an empty one."
        ),
        Row(
            "E1403", "a required environment variable is not set",
            "${VAR:?message} asks for a variable that is set and not empty, and shows its message otherwise."),
        Row(
            "E1404", "a file that is referred to cannot be used",
            "The file of ${file:…}, of `ca_file` or of a listener's `tls` is missing, may not be read, is no regular "
                + "file, or is no text. Relative paths are seen from the folder of the file that names them."
        ),
        Row(
            "W1405", "LiteLLM's form of a reference",
            "`os.environ/NAME` is understood. Write ${NAME}: it is the form of everything else here."),
        Row(
            "W1406", "a credential is written into the file",
            "Files end up in version control and backups. Write ${NAME} and export NAME, or ${file:/path}. The value "
                + "is masked wherever the line is shown."
        ),
        Row(
            "W1407", "a credential is empty",
            "The provider is called without a credential. Write `api_key: none` if that is meant."),
    ]

    private static let schema: [Row] = [
        Row(
            "E2101", "a value has the wrong type",
            "For example a list where a mapping belongs, or a quoted number. A reference that is the whole value "
                + "takes the type that is wanted: `loops: \"${LOOPS}\"` may be a number."
        ),
        Row(
            "E2102", "something that is needed is missing",
            "The key is required here, or its value is empty. docs/reference/config.md has every key."),
        Row(
            "E2103", "an unknown key",
            "Unknown keys are never ignored: most of them are typing errors that would otherwise show only in "
                + "production. docs/reference/config.md has every key."
        ),
        Row(
            "E2104", "a key of a feature that is not built yet",
            "The name is right and belongs to the full schema, but this version does not have the feature. It is "
                + "refused rather than accepted and ignored. Remove it, or use a version that has it."
        ),
        Row("E2105", "a value is none of those that are allowed", "The message lists the values."),
        Row("E2106", "a value is out of range", "The message has the bounds."),
        Row(
            "E2107", "a quantity cannot be read",
            "Durations: 200ms, 30s, 5m, 2h, 1h30m. Sizes: 512, 64KiB, 20MiB, 1GiB. Counts: 600, 900k, 2M. Dates: "
                + "2027-01-31, in UTC."
        ),
        Row(
            "E2108", "an address cannot be read",
            "To listen on: an IP address or localhost, and a port, such as 127.0.0.1:8080 or [::1]:8080. Blocks: "
                + "10.2.0.0/16. Hosts: a name without a port."
        ),
        Row(
            "E2109", "an address of a service cannot be read",
            "http:// or https://, a host, an optional port and an optional path. No user, no query, no fragment."),
        Row(
            "E2110", "text that a header field or a credential may not hold",
            "Names of header fields are tokens (RFC 9110 section 5.6.2), values are visible ASCII without line "
                + "breaks. Fields that belong to the connection cannot be set."
        ),
        Row(
            "E2111", "a name cannot be used",
            "Names have 1 to 128 bytes (models: 256) without white space. A `*` may only end the name of a model "
                + "with `passthrough`."
        ),
        Row(
            "E2112", "an unknown version of the configuration",
            "`version` says which schema the file is written for. This program reads version 1."),
        Row(
            "E2113", "two settings do not go together",
            "They exclude each other, say the same thing twice, or one of them means nothing beside the other. "
                + "Nothing is accepted and ignored."
        ),
        Row(
            "E2114", "a path cannot be used",
            "Paths are compared byte for byte: visible ASCII, without `?`, `#`, `%`, `//` and dot segments."),
        Row(
            "E2115", "a path does not say which operation it is",
            "Some schemas have several operations, which the end of the path chooses: `openai.images` (generations, "
                + "edits, variations), `openai.audio` (speech, transcriptions, translations), `gemini.generate` "
                + "({model}:generateContent and so on). One version has one path."
        ),
        Row("E2116", "a file holds no certificate", "`ca_file` is a PEM file with one or more certificates."),
        Row(
            "E2117", "something is given twice",
            "Two keys with one name or one secret, an address that is listened on twice or a deployment twice in a "
                + "pool."
        ),
        Row("W2118", "a setting has no effect", "`ca_file` matters only for https://."),
        Row(
            "E2119", "a hash of a key that cannot be used",
            "It is `hmac-sha256:`, the key's public id, `:` and 64 hexadecimal digits, as `penstock keys new` prints "
                + "it. It is made under `server.key_pepper`: without that, the pepper is random and another one in "
                + "each process, so that no hash of a file could ever match."
        ),
    ]

    private static let references: [Row] = [
        Row(
            "E3001", "a deployment that is not defined",
            "A model refers to it. `use` takes the name of a deployment, of a model, or `provider/model`."),
        Row("E3002", "a provider that is not defined", "A deployment, or a `provider/model`, refers to it."),
        Row("E3003", "a provider that is not defined", "A model with `passthrough` refers to it."),
        Row("E3004", "a model that is not defined", "A version of a route allows it."),
        Row(
            "E3005", "a model that is not defined",
            "A key allows it. A list that matches nothing would lock the key out."),
        Row("E3006", "a model without deployments", "Every tier needs at least one deployment."),
        Row("E3007", "a provider without an address", "Its type has no address of its own."),
        Row("E3008", "a weight out of range", "0 to 1000."),
        Row("E3009", "a name that this model cannot have", "With `passthrough` it ends in `*`, otherwise it has none."),
        Row("E3010", "a number of attempts out of range", "0 to 10."),
        Row(
            "W3011", "a deployment stands twice in a model",
            "The second place is never reached: what failed is not tried there again."),
        Row("E3012", "a name is defined twice", "Names of providers, deployments and models are unique."),
        Row("E3020", "models use each other in a circle", "A model may use another one, but not itself by a detour."),
        Row(
            "E3021", "a model with fallbacks stands in a pool",
            "A pool's members are chosen by weight; a member that is a chain of its own has no weight. Name its "
                + "deployments, or make it a fallback."
        ),
    ]

    private static let routes: [Row] = [
        Row("E4001", "a route is defined twice", "Names of routes are unique over all files."),
        Row("E4002", "a route without a version", "The path and the schema stand in its versions."),
        Row("E4003", "a version is defined twice", "Names of versions are unique within a route."),
        Row("E4004", "the default version is not defined", "`select.default` names a version of the same route."),
        Row("E4005", "a path that does not fit", "The path cannot be used, or does not fit the operation."),
        Row("E4006", "the successor is not defined", "`successor` names a version of the same route."),
        Row(
            "E4007", "a sunset before the deprecation",
            "RFC 8594 and RFC 9745: `Sunset` must not be earlier than `Deprecation`. Move one of the dates."),
        Row("E4008", "two versions begin on one day", "The one that is chosen by date would be a matter of luck."),
        Row("E4009", "successors in a circle", "Clients that follow them would never arrive."),
        Row(
            "E4010", "a redirect that leads nowhere",
            "`after_sunset: redirect` needs a `successor` with another path and the same operation."),
        Row("E4011", "`docs` is no URL", "It stands in the `Link` field of answers."),
        Row("E4012", "a version's name cannot be used", "It stands in a header field: visible ASCII."),
        Row("E4013", "a host that cannot be", "A name or an address, without scheme and port."),
        Row(
            "E4014", "nothing tells two versions apart",
            "Give them different paths, or `select` by `header`, `query` or `date_header`."),
        Row(
            "E5012", "two routes match the same requests",
            "Which one answers must not be a matter of luck. Give one of them a narrower `match.host` or a "
                + "`priority`."),
        Row("W5013", "a route that never answers", "Another one matches everything it matches, and wins."),
    ]

    private static let keys: [Row] = [
        Row("E6001", "a key is defined twice", "Names of keys are unique: limits and logs go by them."),
        Row("E6002", "two keys have one secret", "A request could not tell which one it used."),
        Row("E6003", "a limit out of range", "1 to 1,000,000,000."),
        Row("E6004", "no room for more limits", "The process has a fixed number of cells for limits."),
        Row("E6005", "a secret cannot be hashed", "The cryptographic library refused it; look at its length."),
        Row(
            "E6006", "a secret that no request could use",
            "It begins as the keys do that Penstock makes, but its checksum does not fit, or it is an admin key. Such "
                + "keys are refused before they are looked up."
        ),
        Row(
            "E6007", "two keys have one id",
            "The id finds the key. Each one that `penstock keys new` makes has its own."),
    ]

    private static let listeners: [Row] = [
        Row(
            "E7001", "a certificate cannot be used",
            "`cert` of a listener is a PEM file that begins with the certificate of the server itself; those of its "
                + "issuers follow, without the root. `client_ca` is a PEM file with certificates of authorities."
        ),
        Row(
            "E7002", "a private key cannot be used",
            "`key` of a listener is a PEM file with the private key that belongs to the first certificate of `cert`, "
                + "without a passphrase. Compare `openssl x509 -in CERT -noout -pubkey` with `openssl pkey -in KEY "
                + "-pubout`."
        ),
        Row(
            "E7003", "a certificate is not valid today",
            "Every client would refuse it. Renew it, and look at the clock of this machine. A running daemon serves on "
                + "with the certificate that it has."
        ),
        Row(
            "E7004", "no certificate is for a name",
            "`names` of a listener lists what clients ask for. A certificate is for the DNS names among its "
                + "alternative names (RFC 9525); the common name does not count, and `*` stands for exactly one "
                + "label, the first."
        ),
        Row(
            "W7005", "a certificate ends soon",
            "Less than 14 days are left. `penstock_certificate_expiry_seconds` in the metrics says how long."),
        Row(
            "W7006", "a certificate is never chosen",
            "All its names stand in certificates before it, or it has none that a client could ask for."),
        Row(
            "W7007", "keys cross a network in the clear",
            "The listener can be reached from other machines and has no TLS: whoever listens in reads keys, requests "
                + "and answers. Give it `tls`, or listen on 127.0.0.1 behind a TLS proxy."
        ),
    ]
}

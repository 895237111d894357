import GatewayContract
import GatewayCore

/// Every key of `gateway.yaml` that this version knows. Route files: `ConfigReference+Routes.swift`.
enum ConfigReference {
    static let root = ConfigTable(
        id: "gateway", place: "gateway.yaml",
        keys: [
            ConfigKey(
                "version", .integer(1...1), required: true, .restart, "Version of this schema: write `version: 1`."),
            ConfigKey(
                "listen", .either([.address, .list(.address)]), default: "127.0.0.1:8080", .hot,
                "Short form of `server.listen`."),
            ConfigKey(
                "include", .either([.text, .list(.text)]), .hot,
                "Further files, merged in this order. `*` and `?` match names; a `?` at the end makes an entry "
                    + "optional. "
                    + "Each key may be defined in one file only."),
            ConfigKey("server", .object(Self.server), .hot, "Listeners and bounds of the process."),
            ConfigKey(
                "providers", .map(Self.provider), .hot,
                "Accounts at model vendors. `echo` is there without being declared."),
            ConfigKey("deployments", .map(Self.deployment), .hot, "One model at one provider each."),
            ConfigKey("models", .map(Self.model), .hot, "The names that clients send."),
            ConfigKey("keys", .list(.object(Self.key)), .hot, "Inference keys."),
            ConfigKey("telemetry", .object(Self.telemetry), .hot, "What the gateway reports about itself."),
            ConfigKey(
                "routes_dir", .file, default: "./routes", .hot,
                "Folder of route files, seen from this file. One that is not there counts as empty."),
        ],
        notBuilt: [
            "store": "the store", "identity": "sign-on and identities", "orgs": "orgs and teams",
            "budgets": "budgets", "cache": "the response cache", "guardrails": "guards", "prices": "price books",
            "alerts": "alerts", "notify": "notifications", "mail": "mail", "billing": "billing", "backup": "backups",
        ])

    static let server = ConfigTable(
        id: "server", place: "server",
        keys: [
            ConfigKey(
                "listen", .either([.address, .list(.either([.address, .object(Self.listener)]))]),
                default: "127.0.0.1:8080", .hot,
                "Addresses to serve on: an IP address or `localhost`, and a "
                    + "port."),
            ConfigKey(
                "admin", .either([.address, .object(Self.admin)]), default: "127.0.0.1:9901", .restart,
                "Address of `/health/*` and `/metrics`."),
            ConfigKey("loops", .integer(1...256), .restart, "Event loops. Without it: one per core."),
            ConfigKey("drain", .object(Self.drain), .hot, "How long a stopping daemon waits."),
            ConfigKey("limits", .object(Self.serverLimits), .hot, "Bounds on what clients may send."),
            ConfigKey(
                "trusted_proxies", .list(.addressBlock), default: "[]", .hot,
                "Peers whose `X-Forwarded-For` is believed when a key has `allow_ips`."),
            ConfigKey(
                "key_pepper", .secret, .hot,
                "What keys are hashed under: 32 to 256 visible ASCII characters, the same on every node. Needed for "
                    + "`hash` of keys; another pepper makes every hash void. Without it: random, new in each process."),
        ],
        notBuilt: ["cors": "CORS"])

    static let admin = ConfigTable(
        id: "admin", place: "server.admin",
        keys: [ConfigKey("address", .address, default: "127.0.0.1:9901", .restart, "IP address and port.")],
        notBuilt: [
            "ui": "the admin UI", "expose": "admin endpoints on the public listener",
            "tls": "TLS on the admin listener",
        ])

    private static let drainTimes = TimeSpan.zero...TimeSpan.minutes(24 * 60)
    static let drain = ConfigTable(
        id: "drain", place: "server.drain",
        keys: [
            ConfigKey("grace", .duration(Self.drainTimes), default: "30s", .hot, "For exchanges that are not streams."),
            ConfigKey("stream_grace", .duration(Self.drainTimes), default: "10m", .hot, "For streams."),
        ])

    private static let clientTimes = TimeSpan.milliseconds(10)...TimeSpan.minutes(24 * 60)
    static let serverLimits = ConfigTable(
        id: "server_limits", place: "server.limits",
        keys: [
            ConfigKey(
                "max_body", .size(1024...(1 << 30)), default: "20MiB", .hot,
                "Largest request body; beyond it "
                    + "413."),
            ConfigKey(
                "max_header", .size(1024...(1 << 20)), default: "64KiB", .hot,
                "Bytes of a request's head; beyond it 431."),
            ConfigKey(
                "max_header_fields", .integer(8...1000), default: "100", .hot,
                "Header fields of a request; beyond it 431."),
            ConfigKey(
                "idle_timeout", .duration(Self.clientTimes), default: "5m", .hot,
                "A connection without a request is closed after it."),
            ConfigKey(
                "head_timeout", .duration(Self.clientTimes), default: "15s", .hot,
                "From a request's first byte to the end of its head; beyond it 408."),
            ConfigKey(
                "body_timeout", .duration(Self.clientTimes), default: "30s", .hot,
                "In which a body must end or grow by 1 KiB; beyond it 408."),
            ConfigKey("max_connections", .count(1...1_000_000), default: "10000", .hot, "Open client connections."),
            ConfigKey(
                "max_in_flight", .size((1 << 20)...(1 << 40)), default: "1GiB", .hot,
                "Request bytes in memory over all connections; beyond it 503."),
        ])

    static let providerTypes = ["openai", "anthropic", "gemini", "azure", "openai-compatible", "echo"]
    static let providerTypesNotBuilt = ["vertex", "bedrock", "ollama"]
    static let provider = ConfigTable(
        id: "provider", place: "providers.<name>",
        keys: [
            ConfigKey(
                "type", .choice(Self.providerTypes), .hot,
                "What kind of account. Default: the provider's name, when it is one of these."),
            ConfigKey(
                "base_url", .url, .hot,
                "What the vendor's official SDK takes as its base URL. Required for `openai-compatible`; `azure` has "
                    + "`endpoint`."
            ),
            ConfigKey("endpoint", .url, .hot, "`azure` only, required there: `https://….openai.azure.com`."),
            ConfigKey(
                "api_key", .secret, .hot,
                "The account's credential; `none`: call without one. Required, except for `echo`."),
            ConfigKey("headers", .headers, .hot, "Sent with every request, after the gateway's own."),
            ConfigKey("api_version", .text, .hot, "`azure` only. Without it the `/openai/v1` paths are used."),
            ConfigKey("timeouts", .object(Self.timeouts), .hot, "How long each phase of an attempt may take."),
            ConfigKey(
                "ca_file", .file, .hot, "PEM file with the certificate authorities to trust instead of the system's."),
            ConfigKey(
                "max_connections", .integer(1...65535), default: "1024", .hot, "Connections to it, over all loops."),
            ConfigKey("faults", .object(Self.faults), .hot, "`echo` only: faults to inject."),
        ],
        notBuilt: [
            "keys": "pools of provider keys", "health": "active health checks",
            "load_metrics": "load metrics of model servers",
            "dedicated_to": "dedicated provider accounts", "region": "regional providers", "project": "Google projects",
        ])

    private static let phaseTimes = TimeSpan.milliseconds(1)...TimeSpan.minutes(24 * 60)
    static let timeouts = ConfigTable(
        id: "timeouts", place: "providers.<name>.timeouts",
        keys: [
            ConfigKey(
                "connect", .duration(Self.phaseTimes), default: "2s", .hot, "To an open connection, TLS included."),
            ConfigKey(
                "head", .duration(Self.phaseTimes), .hot,
                "From the request's last byte to the answer's head. Default: `first_content` for streams, `total` "
                    + "otherwise."
            ),
            ConfigKey(
                "first_content", .duration(Self.phaseTimes), default: "2m", .hot,
                "To a stream's first event with content; comments do not count."),
            ConfigKey(
                "inter_content", .duration(Self.phaseTimes), default: "2m", .hot, "Between two events with content."),
            ConfigKey(
                "total", .duration(Self.phaseTimes), default: "10m", .hot, "From dispatch on, over all attempts."),
        ])

    static let faults = ConfigTable(
        id: "faults", place: "providers.<name>.faults",
        keys: [
            ConfigKey("delay", .duration(Self.drainTimes), default: "0", .hot, "Before the head of the answer."),
            ConfigKey("event_delay", .duration(Self.drainTimes), default: "0", .hot, "Between two events of a stream."),
            ConfigKey("status", .integer(400...599), .hot, "Answer with this status and the dialect's error body."),
            ConfigKey("retry_after", .integer(0...86400), .hot, "Seconds; sent with `status`."),
            ConfigKey(
                "reset_after", .integer(0...1_000_000), .hot,
                "Break the connection off after so many events; 0: before the head."),
            ConfigKey("no_usage", .boolean, default: "false", .hot, "Report no usage."),
        ])

    static let deployment = ConfigTable(
        id: "deployment", place: "deployments.<name>",
        keys: [
            ConfigKey("provider", .name, required: true, .hot, "A provider's name."),
            ConfigKey(
                "model", .text, required: true, .hot,
                "The name that the provider knows the model by. For Azure: the Azure deployment."),
            ConfigKey(
                "weight", .integer(0...1000), default: "1", .hot,
                "Share in a pool; 0 takes traffic only when nothing else is left."),
        ],
        notBuilt: [
            "limits": "limits of deployments", "max_output_tokens": "output caps of deployments", "price": "prices",
            "tags": "tags", "priority": "priorities of deployments", "context_window": "context windows",
        ])

    static let model = ConfigTable(
        id: "model", place: "models.<name>",
        keys: [
            ConfigKey(
                "use", .either([.text, .list(.text)]), .hot,
                "A deployment, a model, or `provider/model` for an unnamed deployment. A list is a pool, or a chain "
                    + "with `policy: fallback`."
            ),
            ConfigKey("pool", .list(.text), .hot, "Long form of a list in `use`."),
            ConfigKey(
                "policy", .either([.choice(["fallback"]), .object(Self.policy)]), .hot,
                "`fallback`: the entries of `use` in order; or the long form."),
            ConfigKey(
                "passthrough", .name, .hot,
                "For names that end in `*`: the provider that gets the rest of the name as it is."),
            ConfigKey("limits", .object(Self.limits), .hot, "What all callers of this model may use together."),
        ],
        notBuilt: [
            "virtual": "rules (`choose`)", "choose": "rules (`choose`)", "experiment": "experiments", "was": "renames",
            "cache": "the response cache", "guardrails": "guards", "price": "prices",
        ])

    static let policy = ConfigTable(
        id: "policy", place: "models.<name>.policy",
        keys: [
            ConfigKey(
                "fallback", .list(.either([.text, .list(.text)])), .hot,
                "Tiers after the pool, in order; an entry that is a list is a pool."),
            ConfigKey(
                "retry", .object(Self.retry), .hot,
                "Further attempts within a tier. Without it: none."),
        ],
        notBuilt: ["balance": "other balancing than by weight", "hedge": "hedging", "sticky": "sticky choices"])

    static let retryConditions = ["connect", "429", "5xx", "timeout"]
    static let retry = ConfigTable(
        id: "retry", place: "models.<name>.policy.retry",
        keys: [
            ConfigKey("attempts", .integer(0...10), required: true, .hot, "Attempts after the first one."),
            ConfigKey(
                "on", .list(.choice(Self.retryConditions)), default: "[connect, 429, 5xx, timeout]", .hot,
                "What is tried again."),
        ])

    static let limits = ConfigTable(
        id: "limits", place: "limits",
        keys: [
            ConfigKey(
                "rpm", .count(1...1_000_000_000), .hot, "Requests per minute; one minute's worth may come at once."),
            ConfigKey("tpm", .count(1...1_000_000_000), .hot, "Tokens per minute."),
            ConfigKey("concurrency", .count(1...1_000_000), .hot, "Exchanges at the same time."),
        ])

    static let key = ConfigTable(
        id: "key", place: "keys[]",
        keys: [
            ConfigKey("name", .name, required: true, .hot, "Stands in logs and messages; keeps the limits' state."),
            Self.keySecret, Self.keyHash,
            ConfigKey(
                "previous", .object(Self.previousKey), .hot,
                "The credential that a rotation replaced, which works on for a while."),
            ConfigKey(
                "revoked", .either([.boolean, .date]), default: "false", .hot,
                "`true`: it is refused. A date: from then on."),
            ConfigKey(
                "org", .name, .hot,
                "Whose it is, for records, log and metrics; nothing else depends on it, nor on the next three."),
            ConfigKey("team", .name, .hot, "The team within the org."),
            ConfigKey("user", .name, .hot, "The person who uses it."),
            ConfigKey("service_account", .name, .hot, "The program that uses it; not beside `user`."),
            ConfigKey(
                "scopes", .list(.choice(KeyScopes.names.map(\.name))), default: "[inference]", .hot,
                "What it may be used for. `inference`: every path of this gateway."),
            ConfigKey("models", .list(.text), .hot, "Names, or a prefix and `*`. Without it: every model."),
            ConfigKey(
                "allow_ips", .list(.addressBlock), .hot, "Addresses it may be used from. Without it: every address."),
            ConfigKey("expires", .date, .hot, "From this date on it is refused."),
            ConfigKey("limits", .object(Self.limits), .hot, "What this key may use."),
        ],
        notBuilt: [
            "budget": "budgets", "tags": "tags", "pinned_version": "versions pinned to keys",
        ])

    private static let keySecret = ConfigKey(
        "secret", .secret, .hot,
        "What clients send: a key of `penstock keys new`, or 16 to 256 visible ASCII characters of your own. This or "
            + "`hash`.")
    private static let keyHash = ConfigKey(
        "hash", .text, .hot,
        "Instead of the secret, the hash that `penstock keys new` prints: `hmac-sha256:<id>:<64 hexadecimal digits>`. "
            + "Needs `server.key_pepper`.")
    static let previousKey = ConfigTable(
        id: "previous_key", place: "keys[].previous",
        keys: [
            Self.keySecret, Self.keyHash,
            ConfigKey(
                "until", .date, required: true, .hot, "From this date on it is refused; until then both work."),
        ])

    static let telemetry = ConfigTable(
        id: "telemetry", place: "telemetry",
        keys: [ConfigKey("access_log", .object(Self.accessLog), .hot, "One line per exchange.")],
        notBuilt: ["otlp": "OTLP export", "metrics": "settings of metrics", "log": "settings of the daemon's log"])

    static let accessLog = ConfigTable(
        id: "access_log", place: "telemetry.access_log",
        keys: [
            ConfigKey("format", .choice(["json"]), default: "json", .hot, "Form of a line."),
            ConfigKey(
                "output", .either([.choice(["stdout", "stderr", "off"]), .file]), default: "stdout", .hot,
                "Where the lines go: one of these words, or a path with a `/`."),
        ],
        notBuilt: ["sample": "sampling of the access log"])
}

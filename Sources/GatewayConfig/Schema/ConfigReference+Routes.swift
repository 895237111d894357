import GatewayCore

/// Every key of a route file.
extension ConfigReference {
    static let route = ConfigTable(
        id: "route", place: "routes/*.yaml",
        keys: [
            ConfigKey("route", .name, required: true, .hot, "The route's name."),
            ConfigKey("description", .text, .hot, "For people."),
            ConfigKey("match", .object(Self.match), .hot, "Which requests it takes, besides the paths."),
            ConfigKey(
                "priority", .integer(-1000...1000), default: "0", .hot,
                "Between routes that match equally well the higher one wins."),
            ConfigKey(
                "auth", .either([.choice(["none"]), .object(Self.auth)]), default: "{ require: [key] }", .hot,
                "Who may call it."),
            ConfigKey(
                "select", .object(Self.select), .hot,
                "How a request says which version it wants: path, header, query, date, default, in this order."),
            ConfigKey("versions", .map(Self.version), required: true, .hot, "The route's API versions."),
        ],
        notBuilt: [
            "limits": "limits of routes", "cache": "the response cache", "guardrails": "guards", "scopes": "scopes",
            "cors": "CORS", "rewrite": "rewriting",
        ])

    static let match = ConfigTable(
        id: "match", place: "match",
        keys: [
            ConfigKey(
                "host", .either([.text, .list(.text)]), .hot, "Names in `Host`, without a port. Without it: every host."
            ),
            ConfigKey(
                "methods", .list(.choice(["GET", "POST"])), .hot,
                "Only what the schemas of the versions take; it may be left out."),
        ],
        notBuilt: ["headers": "matching on headers", "path": "matching on paths (a version has the path)"])

    static let auth = ConfigTable(
        id: "auth", place: "auth",
        keys: [ConfigKey("require", .list(.choice(["key"])), required: true, .hot, "Accepted credentials.")],
        notBuilt: ["scopes": "scopes", "all": "several credentials at once"])

    static let select = ConfigTable(
        id: "select", place: "select",
        keys: [
            ConfigKey(
                "path", .boolean, default: "true", .hot,
                "The path of a version alone chooses it. `false`: every path leads to the version that the rest "
                    + "chooses."
            ),
            ConfigKey("header", .headerName, .hot, "Header field with a version's name."),
            ConfigKey("query", .text, .hot, "Query parameter with a version's name."),
            ConfigKey(
                "date_header", .headerName, .hot,
                "Header field with a date: the newest version whose `from_date` is not later."),
            ConfigKey("default", .name, .hot, "The version when nothing else says so."),
        ],
        notBuilt: ["pin_keys": "versions pinned to keys"])

    static let schemas = [
        "openai.chat", "openai.completions", "openai.responses", "openai.embeddings", "openai.moderations",
        "openai.images", "openai.audio", "rerank", "anthropic.messages", "gemini.generate", "models",
    ]
    static let version = ConfigTable(
        id: "version", place: "versions.<name>",
        keys: [
            ConfigKey(
                "path", .text, required: true, .hot,
                "Inbound path. It ends in `/generations`, `/edits` or `/variations` for `openai.images`; in `/speech`, "
                    + "`/transcriptions` or `/translations` for `openai.audio`; in `/count_tokens` for counting with "
                    + "`anthropic.messages`; in `{model}:generateContent`, `{model}:streamGenerateContent`, "
                    + "`{model}:countTokens`, `{model}:embedContent` or `{model}:batchEmbedContents` for "
                    + "`gemini.generate`; in `/{model}` for one entry of `models`."
            ),
            ConfigKey("schema", .choice(Self.schemas), required: true, .hot, "The wire format."),
            ConfigKey("from_date", .date, .hot, "From when on it is chosen by date."),
            ConfigKey(
                "models", .list(.text), .hot, "Models that may be asked for. Without it: every model of the key."),
            ConfigKey("timeouts", .object(Self.versionTimeouts), .hot, "Instead of the provider's."),
            ConfigKey(
                "disconnect", .choice(["abort"]), default: "abort", .hot,
                "When the client leaves: `abort` closes the provider's call at once."),
            ConfigKey("deprecated", .date, .hot, "Announced in `Deprecation` (RFC 9745)."),
            ConfigKey("sunset", .date, .hot, "Announced in `Sunset` (RFC 8594)."),
            ConfigKey("successor", .name, .hot, "The version to move to; announced in `Link`."),
            ConfigKey("docs", .text, .hot, "Address of a page about the change; announced in `Link`."),
            ConfigKey(
                "after_sunset", .choice(["gone", "redirect", "keep"]), default: "gone", .hot,
                "`gone`: 410; `redirect`: 308 to the successor; `keep`: serve on."),
        ],
        notBuilt: [
            "limits": "limits of routes", "cache": "the response cache", "guardrails": "guards",
            "adapt": "adapting versions", "brownout": "brownouts", "scopes": "scopes",
        ])

    static let versionTimeouts = ConfigTable(
        id: "version_timeouts", place: "versions.<name>.timeouts",
        keys: [
            ConfigKey(
                "total", .duration(TimeSpan.milliseconds(1)...TimeSpan.minutes(24 * 60)), .hot,
                "From dispatch on, over all attempts.")
        ],
        notBuilt: [
            "connect": "other timeouts of routes than `total`", "head": "other timeouts of routes than `total`",
            "first_content": "other timeouts of routes than `total`",
            "inter_content": "other timeouts of routes than `total`",
        ])

    /// All tables in the order of the reference page.
    static let gatewayTables = [
        Self.root, Self.server, Self.listener, Self.listenerTLS, Self.certificate, Self.admin, Self.drain,
        Self.serverLimits, Self.provider, Self.timeouts, Self.faults, Self.deployment, Self.model, Self.policy,
        Self.retry, Self.limits, Self.key, Self.previousKey, Self.telemetry, Self.accessLog,
    ]
    static let routeTables = [Self.route, Self.match, Self.auth, Self.select, Self.version, Self.versionTimeouts]
}

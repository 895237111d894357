import GatewayContract
import GatewayCore

/// A desired state as lines of keys and values: what `show --resolved` prints and `diff` compares.
struct StateDescription {
    enum Value: Equatable {
        case text(String)
        case list([String])
        case tiers([[String]])
        case secret(Secret)
        case listeners([ListenerSpec])

        var shown: String {
            switch self {
            case .text(let text): YAMLText.scalar(text)
            case .list(let items): YAMLText.list(items)
            case .tiers(let tiers):
                "[" + tiers.map { $0.count == 1 ? YAMLText.scalar($0[0]) : YAMLText.list($0) }.joined(separator: ", ")
                    + "]"
            case .secret: "\"•••\""
            case .listeners(let listeners): YAMLText.listeners(listeners)
            }
        }

        /// What was read, wherever it was written.
        static func == (left: Value, right: Value) -> Bool {
            switch (left, right) {
            case (.text(let left), .text(let right)): left == right
            case (.list(let left), .list(let right)): left == right
            case (.tiers(let left), .tiers(let right)): left == right
            case (.secret(let left), .secret(let right)): left == right
            case (.listeners, .listeners): left.shown == right.shown
            default: false
            }
        }
    }

    struct Field: Equatable {
        /// `timeouts`, `connect`
        var path: [String]
        var value: Value

        init(_ path: [String], _ value: Value) {
            self.path = path
            self.value = value
        }

        /// - Parameter key: without dots of its own in a name.
        init(key: String, value: Value) {
            self.init(key.split(separator: ".").map(String.init), value)
        }

        var key: String { self.path.joined(separator: ".") }
    }

    struct Item: Equatable {
        /// Empty for a section that is one thing.
        var name: String
        var fields: [Field]
        var isBuiltIn = false
    }

    struct Section: Equatable {
        /// Singular: `provider`.
        var kind: String
        /// As in the file: `providers`.
        var key: String
        var items: [Item]
    }

    let sections: [Section]

    init(_ state: DesiredState) {
        self.sections = [
            Section(kind: "server", key: "server", items: [Item(name: "", fields: Self.server(state.server))]),
            Section(kind: "provider", key: "providers", items: state.providers.map(Self.provider)),
            Section(kind: "deployment", key: "deployments", items: state.deployments.map(Self.deployment)),
            Section(kind: "model", key: "models", items: state.models.map(Self.model)),
            Section(kind: "key", key: "keys", items: state.keys.map(Self.key)),
            Section(
                kind: "telemetry", key: "telemetry",
                items: [
                    Item(
                        name: "", fields: [Field(key: "access_log.output", value: .text(Self.output(state.accessLog)))])
                ]),
            Section(kind: "route", key: "routes", items: state.routes.map(Self.route)),
        ]
    }

    private static func field(_ key: String, _ text: String?) -> Field? {
        text.map { Field(key: key, value: .text($0)) }
    }

    private static func server(_ server: ServerSettings) -> [Field] {
        let limits = server.limits
        return [
            Field(key: "listen", value: .listeners(server.listen)),
            self.field("admin.address", server.admin.description),
            self.field("loops", server.loops.map { "\($0)" }),
            self.field("drain.grace", Units.text(server.drain.grace)),
            self.field("drain.stream_grace", Units.text(server.drain.streamGrace)),
            self.field("limits.max_body", Units.text(bytes: limits.bodyBytesMax)),
            self.field("limits.max_header", Units.text(bytes: limits.headBytesMax)),
            self.field("limits.max_header_fields", "\(limits.headFieldsMax)"),
            self.field("limits.idle_timeout", Units.text(limits.idleTimeout)),
            self.field("limits.head_timeout", Units.text(limits.headTimeout)),
            self.field("limits.body_timeout", Units.text(limits.bodyTimeout)),
            self.field("limits.max_connections", "\(limits.connectionsMax)"),
            self.field("limits.max_in_flight", Units.text(bytes: limits.inFlightBytesMax)),
            Field(key: "trusted_proxies", value: .list(server.trustedProxies.map(\.description))),
            server.keyPepper.map { Field(key: "key_pepper", value: .secret($0)) },
        ].compactMap { $0 }
    }

    private static func output(_ log: AccessLogSettings) -> String {
        switch log.output {
        case .stdout: "stdout"
        case .stderr: "stderr"
        case .off: "off"
        case .file(let path): path.contains("/") ? path : "./\(path)"
        }
    }

    private static func provider(_ provider: ProviderSpec) -> Item {
        var fields = [Field(key: "type", value: .text(provider.type.rawValue))]
        if provider.type != .echo {
            let url = provider.baseURL.map { "\($0.tls ? "https" : "http")://\($0.authority)\($0.path)" }
            fields += [self.field(provider.type == .azure ? "endpoint" : "base_url", url)].compactMap { $0 }
            fields.append(Field(key: "api_key", value: provider.apiKey.map { .secret($0) } ?? .text("none")))
            fields += provider.headers.map { Field(["headers", $0.name], .secret($0.value)) }
            let times = provider.timeouts
            fields += [
                self.field("api_version", provider.apiVersion), self.field("ca_file", provider.caFile),
                self.field("timeouts.connect", Units.text(times.connect)),
                self.field("timeouts.head", times.head.map(Units.text)),
                self.field("timeouts.first_content", Units.text(times.firstContent)),
                self.field("timeouts.inter_content", Units.text(times.interContent)),
                self.field("timeouts.total", Units.text(times.total)),
                self.field("max_connections", "\(provider.connectionsMax)"),
            ].compactMap { $0 }
        } else {
            fields += self.faults(provider.faults)
        }
        return Item(name: provider.name.text, fields: fields, isBuiltIn: provider.origin == .builtIn)
    }

    private static func faults(_ faults: EchoFaults) -> [Field] {
        [
            self.field("faults.delay", faults.delay == .zero ? nil : Units.text(faults.delay)),
            self.field("faults.event_delay", faults.eventDelay == .zero ? nil : Units.text(faults.eventDelay)),
            self.field("faults.status", faults.status.map { "\($0)" }),
            self.field("faults.retry_after", faults.retryAfter.map { "\($0)" }),
            self.field("faults.reset_after", faults.resetAfter.map { "\($0)" }),
            self.field("faults.no_usage", faults.omitUsage ? "true" : nil),
        ].compactMap { $0 }
    }

    private static func deployment(_ deployment: DeploymentSpec) -> Item {
        Item(
            name: deployment.name.text,
            fields: [
                Field(key: "provider", value: .text(deployment.provider.text)),
                Field(key: "model", value: .text(deployment.upstreamModel.text)),
                Field(key: "weight", value: .text("\(deployment.weight)")),
            ])
    }

    private static func model(_ model: ModelSpec) -> Item {
        var fields: [Field] = []
        switch model.target {
        case .passthrough(let provider):
            fields.append(Field(key: "passthrough", value: .text(provider.name.text)))
        case .deployments(let tiers):
            fields.append(Field(key: "pool", value: .list(tiers.first?.map(\.name.text) ?? [])))
            if tiers.count > 1 {
                fields.append(
                    Field(key: "policy.fallback", value: .tiers(tiers.dropFirst().map { $0.map(\.name.text) })))
            }
        }
        if model.retry.attempts > 0 {
            let names: [(RetryPolicy.Conditions, String)] = [
                (.connect, "connect"), (.tooManyRequests, "429"), (.serverError, "5xx"), (.timeout, "timeout"),
            ]
            fields.append(Field(key: "policy.retry.attempts", value: .text("\(model.retry.attempts)")))
            fields.append(
                Field(key: "policy.retry.on", value: .list(names.filter { model.retry.on.contains($0.0) }.map(\.1))))
        }
        return Item(name: model.name.text, fields: fields + self.limits(model.limits))
    }

    private static func limits(_ limits: LimitSpec) -> [Field] {
        [
            self.field("limits.rpm", limits.requestsPerMinute.map { "\($0)" }),
            self.field("limits.tpm", limits.tokensPerMinute.map { "\($0)" }),
            self.field("limits.concurrency", limits.concurrency.map { "\($0)" }),
        ].compactMap { $0 }
    }

    private static func key(_ key: KeySpec) -> Item {
        var fields = [self.credential(key.credential)]
        if let previous = key.previous {
            let inner = [
                self.credential(previous.credential),
                Field(key: "until", value: .text(Units.text(date: previous.until))),
            ]
            fields += inner.map { Field(["previous"] + $0.path, $0.value) }
        }
        fields += [
            self.field("revoked", key.revoked.map { $0.unixSeconds == 0 ? "true" : Units.text(date: $0) }),
            self.field("org", key.owner?.org?.text), self.field("team", key.owner?.team?.text),
        ].compactMap { $0 }
        switch key.owner?.holder {
        case .user(let name): fields.append(Field(key: "user", value: .text(name.text)))
        case .serviceAccount(let name): fields.append(Field(key: "service_account", value: .text(name.text)))
        case nil: break
        }
        if let models = key.models { fields.append(Field(key: "models", value: .list(models))) }
        if let blocks = key.allowedAddresses {
            fields.append(Field(key: "allow_ips", value: .list(blocks.map(\.description))))
        }
        fields += [self.field("expires", key.expires.map(Units.text(date:)))].compactMap { $0 }
        let scopes = KeyScopes.names.filter { key.scopes.contains($0.scope) }.map(\.name)
        fields.append(Field(key: "scopes", value: .list(scopes)))
        return Item(name: key.name.text, fields: fields + self.limits(key.limits))
    }

    private static func credential(_ credential: KeyCredential) -> Field {
        switch credential {
        case .secret(let secret): Field(key: "secret", value: .secret(secret))
        case .hash(let hash): Field(key: "hash", value: .text(hash.description))
        }
    }

    private static func route(_ route: RouteSpec) -> Item {
        let select = route.selection
        var fields = [
            self.field("description", route.description),
            route.hosts.isEmpty ? nil : Field(key: "match.host", value: .list(route.hosts)),
            self.field("priority", "\(route.priority)"),
            route.requiresKey ? Field(key: "auth.require", value: .list(["key"])) : self.field("auth", "none"),
            self.field("select.path", "\(select.path)"), self.field("select.header", select.header),
            self.field("select.query", select.query), self.field("select.date_header", select.dateHeader),
            self.field("select.default", select.defaultVersion?.text),
        ].compactMap { $0 }
        for version in route.versions {
            fields += self.version(version).map { Field(["versions", version.name.text] + $0.path, $0.value) }
        }
        return Item(name: route.name.text, fields: fields)
    }

    private static func version(_ version: RouteVersionSpec) -> [Field] {
        [
            self.field("path", version.path), self.field("schema", version.endpoint.dialect),
            self.field("from_date", version.fromDate.map(Units.text(date:))),
            version.models.map { Field(key: "models", value: .list($0.map(\.name.text))) },
            self.field("timeouts.total", version.totalTimeout.map(Units.text)),
            self.field("disconnect", version.disconnect.rawValue),
            self.field("deprecated", version.deprecated.map(Units.text(date:))),
            self.field("sunset", version.sunset.map(Units.text(date:))),
            self.field("successor", version.successor?.name.text), self.field("docs", version.docs),
            self.field("after_sunset", version.afterSunset.rawValue),
        ].compactMap { $0 }
    }
}

/// Writing of YAML scalars.
enum YAMLText {
    /// Plain where that reads back as the same text, double-quoted otherwise.
    static func scalar(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let isPlain =
            !bytes.isEmpty && bytes.allSatisfy { Units.isLetterOrDigit($0) || Array("._-/:+@".utf8).contains($0) }
            && !Array("-:@".utf8).contains(bytes[0]) && bytes.last != UInt8(ascii: ":")
            && !["null", "Null", "NULL"].contains(text)
        return isPlain ? text : JSONText.quote(text).withLiteralReferences
    }

    static func list(_ items: [String]) -> String { "[\(items.map(self.scalar).joined(separator: ", "))]" }

    /// Addresses, or the long form where there is more to say.
    static func listeners(_ listeners: [ListenerSpec]) -> String {
        let items = listeners.map { listener in
            guard let tls = listener.tls else { return self.scalar(listener.description) }
            return "{ address: \(self.scalar(listener.description)), tls: { \(self.fields(tls)) } }"
        }
        return "[\(items.joined(separator: ", "))]"
    }

    private static func fields(_ tls: ListenerTLS) -> String {
        let pairs = tls.certificates.map {
            "cert: \(self.scalar($0.chain.path)), key: \(self.scalar($0.key.path))"
        }
        var fields = Array(pairs.prefix(1))
        if pairs.count > 1 {
            fields.append("certificates: [\(pairs.dropFirst().map { "{ \($0) }" }.joined(separator: ", "))]")
        }
        if !tls.names.isEmpty { fields.append("names: \(self.list(tls.names.map(\.name)))") }
        if let clients = tls.clients {
            fields.append("client_ca: \(self.scalar(clients.authorities.path))")
            fields.append("client_auth: \(clients.isRequired ? "required" : "optional")")
        }
        fields.append("reload: \(tls.isWatched)")
        return fields.joined(separator: ", ")
    }
}

extension String {
    /// `${` as `$${`, so that it is read back as it is.
    fileprivate var withLiteralReferences: String {
        guard self.contains("${") else { return self }
        var out = String.UnicodeScalarView()
        let scalars = Array(self.unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            if scalar == "$", index + 1 < scalars.count, scalars[index + 1] == "{" { out.append("$") }
            out.append(scalar)
        }
        return String(out)
    }
}

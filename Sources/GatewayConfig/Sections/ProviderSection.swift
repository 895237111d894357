import GatewayContract
import GatewayCore

/// `providers`.
struct ProviderSection {
    /// The declared providers in the order of the files, and the built-in `echo` unless something else has its name.
    static func providers(_ root: ConfigObject, _ walk: inout ConfigWalk) -> [ProviderSpec] {
        var providers: [ProviderSpec] = []
        for entry in root.named("providers", &walk) {
            guard walk.isName(entry.name, at: entry.nameOrigin, "the provider's name"), self.isPlain(entry, &walk)
            else {
                walk.isIncomplete = true
                continue
            }
            providers.append(self.provider(entry, &walk))
        }
        if !providers.contains(where: { $0.name == "echo" }) {
            providers.append(ProviderSpec(name: "echo", type: .echo))
        }
        return providers
    }

    private static func isPlain(_ entry: ConfigEntry, _ walk: inout ConfigWalk) -> Bool {
        guard entry.name.contains("/") || entry.name.contains("*") else { return true }
        walk.report(
            Problem(
                "E2111", "the provider's name `\(shown(entry.name))` holds `/` or `*`", at: entry.nameOrigin,
                help: "`provider/model` would be ambiguous"))
        return false
    }

    private static func provider(_ entry: ConfigEntry, _ walk: inout ConfigWalk) -> ProviderSpec {
        let subject = "provider `\(shown(entry.name))`"
        let object = ConfigObject(entry.value, ConfigReference.provider, subject: subject, at: entry.nameOrigin, &walk)
        guard object.isMapping else {
            return ProviderSpec(name: ProviderName(entry.name), type: .echo, origin: entry.nameOrigin)
        }
        let type = self.type(object, name: entry.name, &walk)
        var spec = ProviderSpec(name: ProviderName(entry.name), type: type ?? .echo, origin: entry.nameOrigin)
        if let type {
            self.checkFit(object, type, &walk)
            spec.baseURL = self.baseURL(object, type, &walk)
            spec.apiKey = self.apiKey(object, type, &walk)
        }
        spec.headers = self.headers(object, &walk)
        spec.apiVersion = self.apiVersion(object, &walk)
        if let timeouts = object.object(
            "timeouts", ConfigReference.timeouts, subject: "`timeouts` of \(subject)", &walk)
        {
            self.read(timeouts, &spec.timeouts, &walk)
        }
        spec.caFile = self.caFile(object, spec.baseURL, &walk)
        spec.connectionsMax = object.integer("max_connections", &walk) ?? spec.connectionsMax
        if let faults = object.object("faults", ConfigReference.faults, subject: "`faults` of \(subject)", &walk) {
            self.read(faults, &spec.faults, &walk)
        }
        return spec
    }

    private static func type(_ object: ConfigObject, name: String, _ walk: inout ConfigWalk) -> ProviderType? {
        let notBuilt = Dictionary(
            uniqueKeysWithValues: ConfigReference.providerTypesNotBuilt.map { ($0, "provider type `\($0)`") })
        if let node = object["type"] {
            let text = walk.choice(
                node, "`type` of \(object.subject)", ConfigReference.providerTypes, notBuilt: notBuilt)
            return text.flatMap(ProviderType.init(rawValue:))
        }
        if let type = ProviderType(rawValue: name) { return type }
        if let feature = notBuilt[name] {
            walk.report(
                Problem(
                    "E2104", "\(object.subject) is not built yet (\(feature))", at: object.origin))
            return nil
        }
        let close = ClosestName.find(name, among: ConfigReference.providerTypes)
        walk.report(
            Problem(
                "E2102", "\(object.subject) has no `type`", at: object.origin,
                label: close.map { "did you mean `\($0)`?" },
                help:
                    "only a provider that is named like its type can leave it out; types: "
                    + "\(ConfigReference.providerTypes.joined(separator: ", "))"
            ))
        return nil
    }

    /// Keys that mean nothing for this type are refused, not ignored.
    private static func checkFit(_ object: ConfigObject, _ type: ProviderType, _ walk: inout ConfigWalk) {
        var foreign: [String] = []
        if type == .echo { foreign += ["base_url", "api_key", "headers", "timeouts", "ca_file", "max_connections"] }
        if type != .echo { foreign += ["faults"] }
        foreign += type == .azure ? ["base_url"] : ["endpoint", "api_version"]
        for name in foreign {
            guard let place = object.keyOrigin(name) else { continue }
            let help =
                switch (type, name) {
                case (.azure, "base_url"): "write `endpoint`"
                case (_, "endpoint"): "write `base_url`, or `type: azure`"
                case (_, "faults"): "only an `echo` provider injects faults"
                default: "remove it"
                }
            walk.report(
                Problem(
                    "E2113", "`\(name)` means nothing for \(object.subject) of type `\(type.rawValue)`", at: place,
                    help: help))
        }
    }

    private static func baseURL(_ object: ConfigObject, _ type: ProviderType, _ walk: inout ConfigWalk) -> BaseURL? {
        if type == .echo { return nil }
        let name = type == .azure ? "endpoint" : "base_url"
        guard let node = object[name] else {
            guard object.keyOrigin(name) == nil, let text = type.defaultBaseURL else {
                let example = type == .azure ? "https://eu.openai.azure.com" : "http://vllm.internal:8000/v1"
                walk.report(
                    Problem(
                        "E2102", "\(object.subject) has no `\(name)`", at: object.origin,
                        help: "such as `\(name): \(example)`"))
                return nil
            }
            return try? Units.baseURL(text).get()
        }
        guard let value = walk.text(node, "`\(name)` of \(object.subject)") else { return nil }
        switch Units.baseURL(value.text) {
        case .success(let url):
            return url
        case .failure(let fault):
            if fault == .userInfo || fault == .query { walk.mask(node) }
            walk.report(self.problem(fault, "`\(name)` of \(object.subject)", node.origin))
            return nil
        }
    }

    private static func problem(_ fault: Units.URLFault, _ what: String, _ place: Origin) -> Problem {
        switch fault {
        case .scheme: Problem("E2109", "\(what) must begin with http:// or https://", at: place)
        case .userInfo:
            Problem(
                "E2109", "\(what) holds a user or a password", at: place,
                help: "credentials belong into `api_key` or `headers`")
        case .query: Problem("E2109", "\(what) must not have a query or a fragment", at: place)
        case .host: Problem("E2109", "\(what) has no valid host", at: place)
        case .port: Problem("E2109", "\(what) has no valid port: 1 to 65535", at: place)
        case .path:
            Problem(
                "E2109", "\(what) has a path that is not allowed", at: place,
                help: "visible ASCII, no `//`, no `..`, no `%`")
        }
    }

    private static func apiKey(_ object: ConfigObject, _ type: ProviderType, _ walk: inout ConfigWalk) -> Secret? {
        if type == .echo { return nil }
        guard object.keyOrigin("api_key") != nil else {
            walk.report(
                Problem(
                    "E2102", "\(object.subject) has no `api_key`", at: object.origin,
                    help: "write `api_key: \"${NAME}\"`, or `api_key: none` to call it without a credential"))
            return nil
        }
        guard let node = object["api_key"] else {
            walk.report(
                Problem(
                    "E2102", "`api_key` of \(object.subject) is empty", at: object.keyOrigin("api_key"),
                    help: "write `api_key: none` to call it without a credential"))
            return nil
        }
        guard let value = object.secret("api_key", allowing: ["none"], &walk) else { return nil }
        if value.text == "none", !value.hasReference { return nil }
        if value.text.isEmpty {
            walk.report(
                Problem(
                    "W1407", "`api_key` of \(object.subject) is empty: it is called without a credential",
                    at: node.origin,
                    help: "write `api_key: none` if that is meant"))
            return nil
        }
        guard Units.isFieldValue(value.text), !value.text.contains(" "), !value.text.contains("\t") else {
            walk.report(
                Problem(
                    "E2110", "`api_key` of \(object.subject) holds characters that no header field may hold",
                    at: node.origin, help: "visible ASCII only: look for a newline or a blank"))
            return nil
        }
        return Secret(value.text)
    }

    private static func apiVersion(_ object: ConfigObject, _ walk: inout ConfigWalk) -> String? {
        guard let node = object["api_version"], let value = walk.text(node, "`api_version` of \(object.subject)") else {
            return nil
        }
        if value.text.isEmpty { return nil }
        guard value.text.utf8.count <= 64,
            value.text.utf8.allSatisfy({ Units.isLetterOrDigit($0) || [0x2d, 0x2e, 0x5f].contains($0) })
        else {
            walk.report(
                Problem(
                    "E2105", "`api_version` of \(object.subject) cannot be `\(shown(value.text))`", at: node.origin,
                    help: "such as 2025-04-01-preview"))
            return nil
        }
        return value.text
    }

    private static func read(_ object: ConfigObject, _ timeouts: inout UpstreamTimeouts, _ walk: inout ConfigWalk) {
        timeouts.connect = object.duration("connect", &walk) ?? timeouts.connect
        timeouts.head = object.duration("head", &walk)
        timeouts.firstContent = object.duration("first_content", &walk) ?? timeouts.firstContent
        timeouts.interContent = object.duration("inter_content", &walk) ?? timeouts.interContent
        timeouts.total = object.duration("total", &walk) ?? timeouts.total
    }

    private static func read(_ object: ConfigObject, _ faults: inout EchoFaults, _ walk: inout ConfigWalk) {
        faults.delay = object.duration("delay", &walk) ?? faults.delay
        faults.eventDelay = object.duration("event_delay", &walk) ?? faults.eventDelay
        faults.status = object.integer("status", &walk)
        faults.retryAfter = object.integer("retry_after", &walk)
        faults.resetAfter = object.integer("reset_after", &walk)
        faults.omitUsage = object.boolean("no_usage", &walk) ?? faults.omitUsage
        if faults.retryAfter != nil, object.keyOrigin("status") == nil {
            walk.report(
                Problem(
                    "E2102", "`retry_after` of \(object.subject) needs `status`", at: object.keyOrigin("retry_after")))
        }
    }

    private static func caFile(_ object: ConfigObject, _ url: BaseURL?, _ walk: inout ConfigWalk) -> String? {
        guard let node = object["ca_file"], let value = walk.text(node, "`ca_file` of \(object.subject)") else {
            return nil
        }
        let path = PathText.resolved(value.text, in: PathText.folder(of: node.origin.file))
        switch walk.read(path) {
        case .failure(let fault):
            walk.report(Problem("E1404", "cannot read `\(shown(path))`: \(fault.text)", at: node.origin))
        case .success(let bytes):
            let marker = Array("-----BEGIN CERTIFICATE-----".utf8)
            let hasCertificate = bytes.indices.contains { bytes[$0...].starts(with: marker) }
            if !hasCertificate {
                walk.report(Problem("E2116", "`\(shown(path))` holds no certificate in PEM form", at: node.origin))
            }
        }
        if let url, !url.tls {
            walk.report(
                Problem(
                    "W2118", "`ca_file` of \(object.subject) has no effect: its address begins with http://",
                    at: node.origin))
        }
        return path
    }
}

/// Header fields.
extension ProviderSection {
    /// The connection's own, and those that the gateway sets itself.
    private static let reserved: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect",
        "proxy-connection", "proxy-authorization", "proxy-authenticate", "accept-encoding", "content-type",
    ]

    private static func headers(_ object: ConfigObject, _ walk: inout ConfigWalk) -> [HeaderSpec] {
        var headers: [HeaderSpec] = []
        for entry in object.named("headers", &walk) {
            let what = "header `\(shown(entry.name))` of \(object.subject)"
            guard Units.isToken(entry.name) else {
                walk.report(
                    Problem("E2110", "`\(shown(entry.name))` is no name of a header field", at: entry.nameOrigin))
                continue
            }
            if self.reserved.contains(entry.name.lowercased()) {
                walk.report(
                    Problem("E2110", "\(what) is set by the gateway itself", at: entry.nameOrigin, help: "remove it"))
                continue
            }
            if headers.contains(where: { $0.name.lowercased() == entry.name.lowercased() }) {
                walk.report(Problem("E2117", "\(what) is given twice", at: entry.nameOrigin))
                continue
            }
            guard let value = walk.text(entry.value, what) else { continue }
            if !value.hasReference,
                ["authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie"].contains(entry.name.lowercased())
            {
                walk.literalSecret(entry.value, what)
            }
            guard Units.isFieldValue(value.text), !value.text.isEmpty else {
                walk.report(
                    Problem(
                        "E2110", "the value of \(what) is not allowed", at: entry.value.origin,
                        help: "visible ASCII, blanks only inside, no line breaks"))
                continue
            }
            headers.append(HeaderSpec(name: entry.name, value: Secret(value.text)))
        }
        return headers
    }
}

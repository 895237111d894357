import GatewayContract
import GatewayCore

/// One route file.
struct RouteSection {
    static func route(_ root: ConfigNode, file: String, _ walk: inout ConfigWalk) -> RouteSpec? {
        var subject = "the route"
        if case .map(let entries) = root.content, let name = entries.first(where: { $0.name == "route" })?.value.rawText
        {
            subject = "route `\(shown(name))`"
        }
        let start = Origin(file: file, line: 1, column: 1)
        let object = ConfigObject(root, ConfigReference.route, subject: subject, at: start, &walk)
        guard let name = object.name("route", &walk) else {
            walk.isIncomplete = true
            return nil
        }
        var spec = RouteSpec(name: RouteName(name.text), versions: [], origin: name.origin)
        spec.description = object.text("description", &walk)?.text
        spec.priority = object.integer("priority", &walk) ?? 0
        spec.requiresKey = self.requiresKey(object, &walk)
        for entry in object.named("versions", &walk) {
            if let version = self.version(entry, &walk) {
                spec.versions.append(version)
            } else {
                walk.isIncomplete = true
            }
        }
        if spec.versions.isEmpty, object.has("versions"), !walk.isIncomplete {
            walk.report(Problem("E2102", "\(subject) has no version", at: object.keyOrigin("versions")))
        }
        spec.hosts = self.match(object, endpoints: spec.versions.map(\.endpoint), &walk)
        spec.selection = self.selection(object, &walk)
        return spec
    }

    private static func match(_ route: ConfigObject, endpoints: [Endpoint], _ walk: inout ConfigWalk) -> [String] {
        guard let match = route.object("match", ConfigReference.match, subject: "`match` of \(route.subject)", &walk)
        else { return [] }
        var hosts: [String] = []
        for item in match.items("host", &walk) ?? [] {
            guard let value = walk.text(item, "`host` of \(route.subject)") else { continue }
            if let host = Units.host(value.text) {
                hosts.append(host.contains(":") ? "[\(host)]" : host)
            } else {
                let hasPort = value.text.contains(":") && !value.text.hasPrefix("[")
                walk.report(
                    Problem(
                        "E2108", "`host` of \(route.subject): `\(shown(value.text))` is no name of a host",
                        at: item.origin, help: hasPort ? "without a port" : "a whole name: patterns are not supported"))
            }
        }
        let needed = Set(endpoints.map { $0.shape == .none ? "GET" : "POST" })
        for item in match.items("methods", &walk) ?? [] {
            guard let method = walk.choice(item, "`methods` of \(route.subject)", ["GET", "POST"]) else { continue }
            guard !needed.contains(method), !needed.isEmpty else { continue }
            walk.report(
                Problem(
                    "E2105", "`methods` of \(route.subject) cannot be `\(method)`", at: item.origin,
                    help: "its schemas take \(needed.sorted().joined(separator: ", "))"))
        }
        return hosts
    }

    private static func requiresKey(_ route: ConfigObject, _ walk: inout ConfigWalk) -> Bool {
        guard let node = route["auth"] else { return true }
        if node.isScalar {
            return walk.choice(node, "`auth` of \(route.subject)", ["none"]) == nil
        }
        let auth = ConfigObject(
            node, ConfigReference.auth, subject: "`auth` of \(route.subject)", at: route.keyOrigin("auth"), &walk)
        let items = auth.items("require", &walk) ?? []
        for item in items {
            _ = walk.choice(item, "`require` of \(route.subject)", ["key"], notBuilt: ["jwt": "JWT checks"])
        }
        if items.isEmpty, let empty = auth["require"] {
            walk.report(
                Problem(
                    "E2102", "`require` of \(route.subject) is empty", at: empty.origin,
                    help: "write `auth: none` to let everyone in"))
        }
        return true
    }

    private static func selection(_ route: ConfigObject, _ walk: inout ConfigWalk) -> VersionSelection {
        var selection = VersionSelection()
        guard
            let select = route.object("select", ConfigReference.select, subject: "`select` of \(route.subject)", &walk)
        else {
            return selection
        }
        selection.path = select.boolean("path", &walk) ?? true
        selection.header = self.headerName(select, "header", &walk)
        selection.dateHeader = self.headerName(select, "date_header", &walk)
        selection.defaultVersion = select.name("default", &walk).map { VersionName($0.text) }
        if let query = select.text("query", &walk) {
            if Units.isToken(query.text) {
                selection.query = query.text
            } else {
                walk.report(
                    Problem(
                        "E2110", "`query` of \(select.subject) is no name of a parameter", at: query.origin,
                        help: "letters, digits, `-`, `_` and `.`"))
            }
        }
        return selection
    }

    private static func headerName(_ select: ConfigObject, _ name: String, _ walk: inout ConfigWalk) -> String? {
        guard let value = select.text(name, &walk) else { return nil }
        guard Units.isToken(value.text) else {
            walk.report(
                Problem("E2110", "`\(name)` of \(select.subject) is no name of a header field", at: value.origin))
            return nil
        }
        return value.text.lowercased()
    }

    private static func version(_ entry: ConfigEntry, _ walk: inout ConfigWalk) -> RouteVersionSpec? {
        guard walk.isName(entry.name, at: entry.nameOrigin, "the version's name") else { return nil }
        let subject = "version `\(shown(entry.name))`"
        let object = ConfigObject(entry.value, ConfigReference.version, subject: subject, at: entry.nameOrigin, &walk)
        let schema = object.choice("schema", &walk)
        let path = RoutePath.read(object, &walk)
        let endpoint: Endpoint? =
            if let schema, let path { RoutePath.endpoint(schema, path, object, &walk) } else { nil }
        var spec = RouteVersionSpec(
            name: VersionName(entry.name), path: path?.text ?? "", pathOrigin: path?.origin ?? entry.nameOrigin,
            endpoint: endpoint ?? .chatCompletions, origin: entry.nameOrigin)
        spec.fromDate = object.date("from_date", &walk)
        spec.deprecated = object.date("deprecated", &walk)
        spec.sunset = object.date("sunset", &walk)
        if let sunset = spec.sunset, let deprecated = spec.deprecated, sunset < deprecated {
            walk.report(
                Problem(
                    "E4007",
                    "\(subject) has sunset \(Units.text(date: sunset)), earlier than its deprecation "
                        + "\(Units.text(date: deprecated))",
                    at: object["sunset"]?.origin, notes: ["RFC 8594/9745: Sunset must not be earlier than Deprecation"])
            )
        }
        spec.successor = object.name("successor", &walk).map { .init(VersionName($0.text), origin: $0.origin) }
        spec.docs = self.docs(object, &walk)
        spec.afterSunset = object.choice("after_sunset", &walk).flatMap(AfterSunset.init(rawValue:)) ?? .gone
        if let node = object["disconnect"] {
            _ = walk.choice(
                node, "`disconnect` of \(subject)", ["abort"], notBuilt: ["drain": "draining after a disconnect"])
        }
        spec.models = object.items("models", &walk).map { items in
            items.compactMap { item in
                walk.text(item, "an entry of `models` of \(subject)").map {
                    .init(ModelName($0.text), origin: item.origin)
                }
            }
        }
        if let timeouts = object.object(
            "timeouts", ConfigReference.versionTimeouts, subject: "`timeouts` of \(subject)", &walk)
        {
            spec.totalTimeout = timeouts.duration("total", &walk)
        }
        return endpoint == nil ? nil : spec
    }

    private static func docs(_ object: ConfigObject, _ walk: inout ConfigWalk) -> String? {
        guard let value = object.text("docs", &walk) else { return nil }
        let scheme = value.text.lowercased()
        let isFine =
            (scheme.hasPrefix("https://") || scheme.hasPrefix("http://") || scheme.hasPrefix("/"))
            && value.text.utf8.count <= 2048
            && value.text.utf8.allSatisfy { (0x21...0x7e).contains($0) && !Array("<>\"\\^`{|}".utf8).contains($0) }
        if isFine { return value.text }
        walk.report(
            Problem(
                "E2109", "`docs` of \(object.subject) is no address of a page", at: value.origin,
                help: "it stands in a `Link` field: http:// or https://, visible ASCII"))
        return nil
    }
}

import GatewayContract
import GatewayCore

/// `listen`, `server` and `telemetry`.
struct ServerSection {
    static func settings(_ root: ConfigObject, _ walk: inout ConfigWalk) -> ServerSettings {
        var settings = ServerSettings()
        let server = root.object("server", ConfigReference.server, subject: "`server`", &walk)
        if let short = root.keyOrigin("listen"), let long = server?.keyOrigin("listen") {
            walk.report(
                Problem(
                    "E2113", "`listen` and `server.listen` say the same thing", at: long, help: "keep one of them",
                    other: short, otherLabel: "short form"))
        }
        let listeners =
            ListenerSection.listeners(root, &walk) + (server.map { ListenerSection.listeners($0, &walk) } ?? [])
        if !listeners.isEmpty { settings.listen = listeners }
        ListenerSection.checkRepeated(listeners, &walk)
        guard let server else { return settings }
        settings.admin = self.admin(server, &walk) ?? settings.admin
        settings.loops = server.integer("loops", &walk)
        self.read(
            server.object("drain", ConfigReference.drain, subject: "`server.drain`", &walk), &settings.drain, &walk)
        self.read(
            server.object("limits", ConfigReference.serverLimits, subject: "`server.limits`", &walk), &settings.limits,
            &walk)
        settings.trustedProxies = walk.blocks(server, "trusted_proxies") ?? []
        settings.keyPepper = self.keyPepper(server, &walk)
        return settings
    }

    private static func keyPepper(_ server: ConfigObject, _ walk: inout ConfigWalk) -> Secret? {
        guard let value = server.secret("key_pepper", &walk) else { return nil }
        guard (32...256).contains(value.text.utf8.count), value.text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            walk.report(
                Problem(
                    "E2110", "`key_pepper` of `server` must be 32 to 256 visible ASCII characters", at: value.origin,
                    help: "for example the output of `openssl rand -hex 32`"))
            return nil
        }
        return Secret(value.text)
    }

    private static func admin(_ server: ConfigObject, _ walk: inout ConfigWalk) -> ListenAddress? {
        guard let node = server["admin"] else { return nil }
        if node.isScalar { return walk.address(node, "`server.admin`") }
        let admin = ConfigObject(
            node, ConfigReference.admin, subject: "`server.admin`", at: server.keyOrigin("admin"), &walk)
        return admin["address"].flatMap { walk.address($0, "`server.admin.address`") }
    }

    private static func read(_ object: ConfigObject?, _ drain: inout DrainSettings, _ walk: inout ConfigWalk) {
        guard let object else { return }
        drain.grace = object.duration("grace", &walk) ?? drain.grace
        drain.streamGrace = object.duration("stream_grace", &walk) ?? drain.streamGrace
    }

    private static func read(_ object: ConfigObject?, _ limits: inout ServerLimits, _ walk: inout ConfigWalk) {
        guard let object else { return }
        limits.bodyBytesMax = object.size("max_body", &walk) ?? limits.bodyBytesMax
        limits.headBytesMax = object.size("max_header", &walk) ?? limits.headBytesMax
        limits.headFieldsMax = object.integer("max_header_fields", &walk) ?? limits.headFieldsMax
        limits.idleTimeout = object.duration("idle_timeout", &walk) ?? limits.idleTimeout
        limits.headTimeout = object.duration("head_timeout", &walk) ?? limits.headTimeout
        limits.bodyTimeout = object.duration("body_timeout", &walk) ?? limits.bodyTimeout
        limits.connectionsMax = object.integer("max_connections", &walk) ?? limits.connectionsMax
        limits.inFlightBytesMax = object.size("max_in_flight", &walk) ?? limits.inFlightBytesMax
        if limits.inFlightBytesMax < limits.bodyBytesMax {
            walk.report(
                Problem(
                    "E2113",
                    "`max_in_flight` of `server.limits` is smaller than `max_body`: the largest request could never "
                        + "be taken",
                    at: object["max_in_flight"]?.origin ?? object["max_body"]?.origin))
        }
    }

    static func accessLog(_ root: ConfigObject, _ walk: inout ConfigWalk) -> AccessLogSettings {
        var settings = AccessLogSettings()
        guard let telemetry = root.object("telemetry", ConfigReference.telemetry, subject: "`telemetry`", &walk),
            let log = telemetry.object(
                "access_log", ConfigReference.accessLog, subject: "`telemetry.access_log`", &walk)
        else { return settings }
        _ = log.choice("format", &walk)
        guard let node = log["output"], let output = walk.text(node, "`output` of `telemetry.access_log`") else {
            return settings
        }
        switch output.text {
        case "stdout": settings.output = .stdout
        case "stderr": settings.output = .stderr
        case "off": settings.output = .off
        case let path where path.contains("/") && !path.hasSuffix("/") && !path.utf8.contains(0):
            settings.output = .file(PathText.resolved(path, in: PathText.folder(of: node.origin.file)))
        default:
            let words = ["stdout", "stderr", "off"]
            walk.report(
                Problem(
                    "E2105", "`output` of `telemetry.access_log` cannot be `\(shown(output.text))`", at: node.origin,
                    label: ClosestName.find(String(output.text.prefix(40)), among: words).map {
                        "did you mean `\($0)`?"
                    },
                    help: "stdout, stderr, off, or the path of a file with a `/` in it"))
        }
        return settings
    }
}

/// Addresses, shared by the sections.
extension ConfigWalk {
    mutating func address(_ node: ConfigNode, _ what: String) -> ListenAddress? {
        guard let value = self.text(node, what) else { return nil }
        if let address = Units.listenAddress(value.text) { return address }
        let isPort = Units.port(
            Substring(value.text.hasPrefix(":") ? String(value.text.dropFirst()) : value.text), lowest: 0)
        let help =
            isPort.map { "write 127.0.0.1:\($0), or 0.0.0.0:\($0) to be reachable from other machines" }
            ?? "an IP address or localhost, a colon and a port, such as 127.0.0.1:8080 or [::1]:8080"
        let found = value.hasReference ? "its value is no address" : "`\(shown(value.text))` is no address to listen on"
        self.report(Problem("E2108", "\(what): \(found)", at: node.origin, help: help))
        return nil
    }

    /// A list of address blocks; `nil` when the key was not written.
    mutating func blocks(_ object: ConfigObject, _ name: String) -> [IPBlock]? {
        object.items(name, &self)?.compactMap { item -> IPBlock? in
            guard let value = self.text(item, "an entry of `\(name)`") else { return nil }
            if let block = IPBlock(value.text) { return block }
            self.report(
                Problem(
                    "E2108", "`\(name)` of \(object.subject): `\(shown(value.text))` is no address block",
                    at: item.origin,
                    help: "such as 10.2.0.0/16, 2001:db8::/32 or 192.0.2.7"))
            return nil
        }
    }
}

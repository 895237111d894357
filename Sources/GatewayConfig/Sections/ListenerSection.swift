import GatewayContract
import GatewayCore

/// `listen` and `server.listen`.
struct ListenerSection {
    static func listeners(_ object: ConfigObject, _ walk: inout ConfigWalk) -> [ListenerSpec] {
        guard let items = object.items("listen", &walk) else { return [] }
        if items.isEmpty, let node = object["listen"], node.isList {
            walk.report(Problem("E2102", "`listen` names no address", at: node.origin))
        }
        return items.compactMap { item -> ListenerSpec? in
            if item.isScalar || object.table.id == "gateway" {
                return walk.address(item, "`listen`").map { ListenerSpec($0, origin: item.origin) }
            }
            let entry = ConfigObject(item, ConfigReference.listener, subject: "an entry of `server.listen`", &walk)
            let address = entry["address"].flatMap { node in
                walk.address(node, "`listen`").map { ListenerSpec($0, origin: node.origin) }
            }
            let tls = self.tls(entry, &walk)
            guard var listener = address else { return nil }
            listener.tls = tls
            return listener
        }
    }

    static func checkRepeated(_ listeners: [ListenerSpec], _ walk: inout ConfigWalk) {
        for (index, listener) in listeners.enumerated() where listener.address.port != 0 {
            guard let first = listeners[..<index].first(where: { $0.address == listener.address }) else { continue }
            walk.report(
                Problem(
                    "E2117", "`\(listener.address)` is listened on twice", at: listener.origin, other: first.origin,
                    otherLabel: "first one"))
        }
    }

    // MARK: TLS

    private static func tls(_ entry: ConfigObject, _ walk: inout ConfigWalk) -> ListenerTLS? {
        guard entry.keyOrigin("tls") != nil else { return nil }
        guard let tls = entry.object("tls", ConfigReference.listenerTLS, subject: "`tls` of a listener", &walk) else {
            // Whoever writes `tls:` and nothing behind it does not want the port to speak in the clear.
            walk.report(self.noCertificate(at: entry.keyOrigin("tls")))
            return ListenerTLS()
        }
        let isWatched = tls.boolean("reload", &walk) ?? true
        var made = ListenerTLS(isWatched: isWatched)
        if let first = self.certificate(tls, isWatched, &walk) { made.certificates.append(first) }
        for item in tls.items("certificates", &walk) ?? [] {
            let object = ConfigObject(
                item, ConfigReference.certificate, subject: "an entry of `certificates`", &walk)
            if let next = self.certificate(object, isWatched, &walk) { made.certificates.append(next) }
        }
        if tls.isMapping, !["cert", "key", "certificates"].contains(where: tls.has) {
            walk.report(self.noCertificate(at: tls.origin))
        }
        made.names = self.names(tls, &walk)
        made.clients = self.clients(tls, isWatched, &walk)
        return made
    }

    private static func noCertificate(at place: Origin?) -> Problem {
        Problem(
            "E2102", "`tls` of a listener has no certificate", at: place,
            help: "write `cert` and `key`, the paths of two PEM files")
    }

    private static func certificate(
        _ object: ConfigObject, _ isWatched: Bool, _ walk: inout ConfigWalk
    ) -> CertificateSpec? {
        for (name, other) in [("cert", "key"), ("key", "cert")] where object.has(name) && !object.has(other) {
            // A key that the table requires has been asked for already.
            guard object.table.key(other)?.isRequired != true else { continue }
            walk.report(
                Problem(
                    "E2102", "\(object.subject) has `\(name)` and no `\(other)`", at: object.keyOrigin(name),
                    help: "a certificate and its private key are two PEM files, or the same one named twice"))
        }
        let chain = walk.file(object, "cert", isWatched: isWatched)
        let key = walk.file(object, "key", isWatched: isWatched)
        guard let chain, let key else { return nil }
        return CertificateSpec(
            chain: chain,
            key: SecretFileSpec(
                path: key.path, content: Secret(String(decoding: key.bytes, as: UTF8.self)), origin: key.origin))
    }

    private static func names(_ tls: ConfigObject, _ walk: inout ConfigWalk) -> [ServerNameSpec] {
        (tls.items("names", &walk) ?? []).compactMap { item in
            guard let value = walk.text(item, "an entry of `names`") else { return nil }
            var name = value.text.lowercased()
            if name.hasSuffix(".") { name.removeLast() }
            let isName =
                !name.isEmpty && name.utf8.count <= 253
                && name.utf8.allSatisfy { Units.isLetterOrDigit($0) || Array("-._".utf8).contains($0) }
            guard isName, IPAddress(name) == nil else {
                walk.report(
                    Problem(
                        "E2108", "`names` of \(tls.subject): `\(shown(value.text))` is no host name", at: item.origin,
                        help: "a DNS name without a port and without `*`; clients that connect to an address ask for "
                            + "no name"))
                return nil
            }
            return ServerNameSpec(name, origin: item.origin)
        }
    }

    private static func clients(
        _ tls: ConfigObject, _ isWatched: Bool, _ walk: inout ConfigWalk
    ) -> ClientCertificateSpec? {
        let choice = tls.choice("client_auth", &walk)
        if let place = tls.keyOrigin("client_auth"), tls.keyOrigin("client_ca") == nil {
            walk.report(
                Problem(
                    "E2113", "`client_auth` of \(tls.subject) means nothing without `client_ca`", at: place,
                    help: "name the authorities of the clients' certificates in `client_ca`"))
        }
        // Nothing behind the key must not mean that everybody may come.
        if let place = tls.keyOrigin("client_ca"), !tls.has("client_ca") {
            walk.report(
                Problem("E2102", "`client_ca` of \(tls.subject) names no file", at: place, help: "or remove the key"))
        }
        return walk.file(tls, "client_ca", isWatched: isWatched)
            .map { ClientCertificateSpec(authorities: $0, isRequired: choice != "optional") }
    }
}

/// Files that a key names, shared by the sections.
extension ConfigWalk {
    /// The file behind a key, seen from the folder of the configuration file; `nil` when the key was not written, and
    /// after a problem.
    mutating func file(_ object: ConfigObject, _ name: String, isWatched: Bool) -> FileSpec? {
        guard let node = object[name], let value = self.text(node, "`\(name)` of \(object.subject)") else { return nil }
        let path = PathText.resolved(value.text, in: PathText.folder(of: node.origin.file))
        switch self.read(path, isWatched: isWatched) {
        case .success(let bytes):
            return FileSpec(path: path, bytes: bytes, origin: node.origin)
        case .failure(let fault):
            let help =
                switch fault {
                case .missing: "the path is seen from the folder of the file that names it"
                case .notPermitted: "let the user that the daemon runs as read it"
                default: "`\(name)`: \(object.table.key(name)?.meaning ?? "a PEM file.")"
                }
            self.report(
                Problem(
                    "E1404", "`\(name)` of \(object.subject): cannot read `\(shown(path))`: \(fault.text)",
                    at: node.origin, help: help))
            return nil
        }
    }
}

import GatewayConfig
import GatewayContract
import GatewayCore
import GatewayHTTP

/// The TLS of every listener, made from a desired state as it will be served; or what keeps it from being made.
struct ListenerCompilation {
    /// By address; none for a listener in the clear.
    private(set) var tls: [ListenAddress: ServerTLS] = [:]
    private(set) var problems: [Problem] = []

    /// Below it a certificate draws a warning.
    private static let daysWanted: Int64 = 14
    private static let secondsPerDay: Int64 = 86_400

    static func compile(_ state: DesiredState, at now: WallTime) -> ListenerCompilation {
        var made = ListenerCompilation()
        for listener in state.server.listen {
            if let tls = listener.tls {
                made.add(listener, tls, now)
            } else if !listener.address.isLoopback, !state.keys.isEmpty {
                made.problems.append(Self.clearText(listener))
            }
        }
        return made
    }

    private static func clearText(_ listener: ListenerSpec) -> Problem {
        Problem(
            "W7007", "keys cross the network in the clear on \(listener.address)",
            at: listener.origin.line > 0 ? listener.origin : nil,
            help: "give the listener `tls`, or put a TLS proxy in front of it and listen on a loopback address")
    }

    private mutating func add(_ listener: ListenerSpec, _ tls: ListenerTLS, _ now: WallTime) {
        let before = self.problems.count
        let certificates = tls.certificates.compactMap { self.certificate($0, now) }
        if let authorities = tls.clients?.authorities, !ServerTLS.holdsCertificates(authorities.bytes) {
            self.problems.append(
                Problem(
                    "E7001", "`\(authorities.path)` holds no certificate of an authority that can be read",
                    at: authorities.origin, help: "name a PEM file with the authorities of the clients' certificates"))
        }
        guard certificates.count == tls.certificates.count, !certificates.isEmpty else { return }
        self.checkNames(tls, certificates)
        guard !self.problems[before...].contains(where: { $0.severity == .error }) else { return }
        let settings = ServerTLSSettings(
            pairs: tls.certificates.map { .init(chain: $0.chain.bytes, key: $0.key.content) },
            clientAuthorities: tls.clients?.authorities.bytes,
            requiresClientCertificate: tls.clients?.isRequired ?? true)
        switch ServerTLS.make(settings, certificates: certificates) {
        case .success(let made): self.tls[listener.address] = made
        case .failure(let fault):
            self.problems.append(
                Problem("E7001", "TLS on \(listener.address) cannot be set up: \(fault)", at: listener.origin))
        }
    }

    private mutating func certificate(_ spec: CertificateSpec, _ now: WallTime) -> ServerCertificate? {
        switch ServerCertificate.read(chain: spec.chain.bytes, key: spec.key.content) {
        case .success(let certificate):
            self.checkDates(spec.chain, certificate, now)
            return certificate
        case .failure(let fault):
            self.problems.append(Self.problem(fault, spec))
            return nil
        }
    }

    private static func problem(_ fault: CertificateFault, _ spec: CertificateSpec) -> Problem {
        let (chain, key) = (spec.chain, spec.key)
        switch fault {
        case .noCertificate:
            return Problem(
                "E7001", "`\(chain.path)` holds no certificate that can be read", at: chain.origin,
                help: "name a PEM file that begins with the server's certificate; its issuers follow")
        case .noKey:
            return Problem(
                "E7002", "`\(key.path)` holds no private key that can be read", at: key.origin,
                help: "name a PEM file with the private key of `\(chain.path)`")
        case .encryptedKey:
            return Problem(
                "E7002", "the private key in `\(key.path)` asks for a passphrase", at: key.origin,
                help: "write it without one, into a file that only the daemon's user may read: openssl pkey -in KEY "
                    + "-out FILE")
        case .foreignKey:
            return Problem(
                "E7002", "the private key in `\(key.path)` does not belong to the certificate", at: key.origin,
                help: "name the key that the first certificate of `cert` was made for", other: chain.origin,
                otherLabel: "certificate")
        case .unusable(let reason):
            return Problem("E7001", "`\(chain.path)` cannot be used: \(reason)", at: chain.origin)
        }
    }

    private mutating func checkDates(_ file: FileSpec, _ certificate: ServerCertificate, _ now: WallTime) {
        let left = certificate.notAfter.unixSeconds - now.unixSeconds
        let end = Self.text(certificate.notAfter)
        if certificate.notBefore > now {
            self.problems.append(
                Problem(
                    "E7003", "the certificate in `\(file.path)` begins on \(Self.text(certificate.notBefore))",
                    at: file.origin, help: "every client would refuse it; is the clock of this machine right?"))
        } else if left <= 0 {
            self.problems.append(
                Problem(
                    "E7003", "the certificate in `\(file.path)` has expired on \(end)", at: file.origin,
                    help: "every client would refuse it: renew it"))
        } else if left < Self.daysWanted * Self.secondsPerDay {
            let days = left / Self.secondsPerDay
            self.problems.append(
                Problem(
                    "W7005",
                    "the certificate in `\(file.path)` ends in \(days) \(days == 1 ? "day" : "days"), on \(end)",
                    at: file.origin, help: "renew it; a changed file is taken without a restart"))
        }
    }

    private static func text(_ time: WallTime) -> String { CivilDate(unixSeconds: time.unixSeconds).rfc3339 }

    private mutating func checkNames(_ tls: ListenerTLS, _ certificates: [ServerCertificate]) {
        let store = CertificateStore(certificates.map(\.names))
        for wanted in tls.names where store.place(for: wanted.name) == nil {
            let known = certificates.flatMap(\.names)
            let list = known.prefix(8).joined(separator: ", ") + (known.count > 8 ? ", …" : "")
            self.problems.append(
                Problem(
                    "E7004", "no certificate is for `\(wanted.name)`", at: wanted.origin,
                    help: known.isEmpty
                        ? "the certificates have no DNS names among their alternative names"
                        : "they are for \(list)"))
        }
        for place in store.unreachable {
            self.problems.append(
                Problem(
                    "W7006", "the certificate in `\(tls.certificates[place].chain.path)` is never chosen",
                    at: tls.certificates[place].chain.origin,
                    help: "its names stand in certificates before it, or it has no DNS name"))
        }
    }
}

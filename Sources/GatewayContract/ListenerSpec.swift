import GatewayCore

/// One entry of `server.listen`: where clients are served, and how. Hot. `origin` is the place of the address.
public struct ListenerSpec: Sendable, Equatable, CustomStringConvertible {
    /// Unique among the entries, unless its port is 0.
    public var address: ListenAddress
    /// `nil`: HTTP in the clear.
    public var tls: ListenerTLS?
    public var origin: Origin

    public init(_ address: ListenAddress, tls: ListenerTLS? = nil, origin: Origin = .builtIn) {
        self.address = address
        self.tls = tls
        self.origin = origin
    }

    public var description: String { self.address.description }
}

/// `tls` of a listener. It holds what the files held when the configuration was read, so that what is served is what
/// was checked and what the revision names.
public struct ListenerTLS: Sendable, Equatable {
    /// In the order of the file. The first is for clients that ask for a name that none has, or for none. Empty only in
    /// a state with errors.
    public var certificates: [CertificateSpec]
    /// `names`: what clients will ask for; each must stand in a certificate.
    public var names: [ServerNameSpec]
    /// `nil`: clients are not asked for a certificate.
    public var clients: ClientCertificateSpec?
    /// `reload`: whether a change of the files alone counts.
    public var isWatched: Bool

    public init(
        certificates: [CertificateSpec] = [], names: [ServerNameSpec] = [], clients: ClientCertificateSpec? = nil,
        isWatched: Bool = true
    ) {
        self.certificates = certificates
        self.names = names
        self.clients = clients
        self.isWatched = isWatched
    }
}

/// A certificate with its chain, and its key.
public struct CertificateSpec: Sendable, Equatable {
    /// `cert`: the certificate first, then those of its issuers. PEM.
    public var chain: FileSpec
    /// `key`. PEM.
    public var key: SecretFileSpec

    public init(chain: FileSpec, key: SecretFileSpec) {
        self.chain = chain
        self.key = key
    }
}

/// A file that the configuration names, with the `bytes` that it held when it was read.
public struct FileSpec: Sendable, Equatable {
    /// Seen from the working folder.
    public var path: String
    public var bytes: [UInt8]
    /// Where the configuration names it.
    public var origin: Origin

    public init(path: String, bytes: [UInt8], origin: Origin = .builtIn) {
        self.path = path
        self.bytes = bytes
        self.origin = origin
    }
}

/// The same for a file whose `content`, as UTF-8, is a secret.
public struct SecretFileSpec: Sendable, Equatable {
    /// Seen from the working folder.
    public var path: String
    public var content: Secret
    /// Where the configuration names it.
    public var origin: Origin

    public init(path: String, content: Secret, origin: Origin = .builtIn) {
        self.path = path
        self.content = content
        self.origin = origin
    }
}

/// A name that clients ask for by SNI; `origin` is where it is listed.
public struct ServerNameSpec: Sendable, Equatable {
    /// Lower case, without a final dot; never a wildcard.
    public var name: String
    public var origin: Origin

    public init(_ name: String, origin: Origin = .builtIn) {
        self.name = name
        self.origin = origin
    }
}

/// Certificates that clients identify themselves with.
public struct ClientCertificateSpec: Sendable, Equatable {
    /// `client_ca`: who has to have issued them. PEM.
    public var authorities: FileSpec
    /// `client_auth`: whether a client without one is refused.
    public var isRequired: Bool

    public init(authorities: FileSpec, isRequired: Bool = true) {
        self.authorities = authorities
        self.isRequired = isRequired
    }
}

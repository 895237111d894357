import GatewayCore
import NIOCore
import NIOSSL

/// What TLS on one listener is made of.
public struct ServerTLSSettings: Sendable, Equatable {
    /// A certificate and its `key`, in PEM; the key without a passphrase.
    public struct Pair: Sendable, Equatable {
        /// The server's own certificate first.
        public var chain: [UInt8]
        public var key: Secret

        public init(chain: [UInt8], key: Secret) {
            self.chain = chain
            self.key = key
        }
    }

    /// At least one; the first is for clients that ask for a name of none, or for no name.
    public var pairs: [Pair]
    /// PEM. `nil`: clients are not asked for a certificate.
    public var clientAuthorities: [UInt8]?
    /// With authorities: whether a client without a certificate is refused. One that does not verify always is.
    public var requiresClientCertificate: Bool

    public init(pairs: [Pair], clientAuthorities: [UInt8]? = nil, requiresClientCertificate: Bool = true) {
        self.pairs = pairs
        self.clientAuthorities = clientAuthorities
        self.requiresClientCertificate = requiresClientCertificate
    }
}

/// TLS of one listener, ready to serve: TLS 1.2 and 1.3, forward secrecy and authenticated encryption only.
///
/// Connections keep the one that they began with for as long as they live. `settings` is what it was made of.
public final class ServerTLS: Sendable {
    public let settings: ServerTLSSettings
    /// In the order of `settings.pairs`.
    public let certificates: [ServerCertificate]
    let context: NIOSSLContext

    /// How long a client may take to confirm a close. What it still sends is read until then, so that it can read the
    /// end of its answer before a reset.
    private static let shutdownTimeout = TimeAmount.seconds(1)
    /// For TLS 1.2; those of 1.3 are fixed, and all like these.
    private static let cipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20"

    private init(_ settings: ServerTLSSettings, _ certificates: [ServerCertificate], _ context: NIOSSLContext) {
        self.settings = settings
        self.certificates = certificates
        self.context = context
    }

    /// Milliseconds: never on a loop. Called when a configuration is compiled.
    ///
    /// - Parameter certificates: what `settings.pairs` were read into; at least one.
    public static func make(
        _ settings: ServerTLSSettings, certificates: [ServerCertificate]
    ) -> Result<ServerTLS, CertificateFault> {
        guard let first = certificates.first else { return .failure(.noCertificate) }
        var configuration = first.configuration
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuites = self.cipherSuites
        configuration.applicationProtocols = ALPNHandler.protocols
        configuration.shutdownTimeout = self.shutdownTimeout
        if let pem = settings.clientAuthorities {
            guard let authorities = try? NIOSSLCertificate.fromPEMBytes(pem), !authorities.isEmpty else {
                return .failure(.noCertificate)
            }
            configuration.trustRoots = .certificates(authorities)
            configuration.certificateVerification =
                settings.requiresClientCertificate ? .noHostnameVerification : .optionalVerification
            configuration.sendCANameList = true
        }
        if certificates.count > 1 { configuration.sslContextCallback = self.choice(of: certificates) }
        do {
            return .success(ServerTLS(settings, certificates, try NIOSSLContext(configuration: configuration)))
        } catch {
            return .failure(.unusable("\(error)"))
        }
    }

    /// Whether a PEM text holds certificates. For checks of a configuration.
    public static func holdsCertificates(_ pem: [UInt8]) -> Bool {
        (try? NIOSSLCertificate.fromPEMBytes(pem))?.isEmpty == false
    }

    private static func choice(of certificates: [ServerCertificate]) -> NIOSSLContextCallback {
        let store = CertificateStore(certificates.map(\.names))
        return { hello, promise in
            let place = hello.serverHostname.flatMap { store.place(for: $0) } ?? 0
            guard place > 0 else { return promise.succeed(.noChanges) }
            var choice = NIOSSLContextConfigurationOverride()
            choice.certificateChain = certificates[place].chain.map { .certificate($0) }
            choice.privateKey = .privateKey(certificates[place].key)
            promise.succeed(choice)
        }
    }
}

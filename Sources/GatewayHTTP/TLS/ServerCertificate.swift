import GatewayCore
import NIOSSL

/// Why a certificate, a key or an authority cannot be used.
public enum CertificateFault: Error, Equatable, Sendable {
    /// The text holds no certificate in PEM form, or one that cannot be read.
    case noCertificate
    /// The text holds no private key in PEM form, or one that cannot be read.
    case noKey
    /// The private key asks for a passphrase.
    case encryptedKey
    /// The private key belongs to another certificate than the first one.
    case foreignKey
    /// The library refuses them together, for the reason that it gives.
    case unusable(String)
}

/// A certificate as a server shows it: the chain, and the key that proves it. Clients take it from `notBefore` until
/// `notAfter`.
public struct ServerCertificate: Sendable {
    /// The server's own first. Never empty.
    let chain: [NIOSSLCertificate]
    let key: NIOSSLPrivateKey
    /// The DNS names that it is for, lower case and without a final dot; some may begin with `*.`. The common name is
    /// none of them (RFC 9525 section 2).
    public let names: [String]
    public let notBefore: WallTime
    public let notAfter: WallTime

    /// Reads PEM, and makes sure that the key belongs to the first certificate. Milliseconds: never on a loop.
    ///
    /// - Parameter key: without a passphrase.
    public static func read(chain: [UInt8], key: Secret) -> Result<ServerCertificate, CertificateFault> {
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(chain), let first = certificates.first else {
            return .failure(.noCertificate)
        }
        // The two forms of PEM that ask for a passphrase (RFC 7468 section 11, RFC 1421 section 4.6.1.1).
        if key.revealed.contains("ENCRYPTED") { return .failure(.encryptedKey) }
        guard let privateKey = try? NIOSSLPrivateKey(bytes: Array(key.revealed.utf8), format: .pem) else {
            return .failure(.noKey)
        }
        let certificate = ServerCertificate(
            chain: certificates, key: privateKey, names: self.dnsNames(of: first),
            notBefore: WallTime(unixSeconds: Int64(first.notValidBefore)),
            notAfter: WallTime(unixSeconds: Int64(first.notValidAfter)))
        do {
            // The library compares the two when it takes them.
            _ = try NIOSSLContext(configuration: certificate.configuration)
            return .success(certificate)
        } catch NIOSSLError.failedToLoadPrivateKey {
            return .failure(.foreignKey)
        } catch NIOSSLError.failedToLoadCertificate {
            return .failure(.unusable("its key usage is not that of a TLS server"))
        } catch {
            return .failure(.unusable("\(error)"))
        }
    }

    /// A server's settings with this certificate and the library's defaults.
    var configuration: TLSConfiguration {
        .makeServerConfiguration(
            certificateChain: self.chain.map { .certificate($0) }, privateKey: .privateKey(self.key))
    }

    private static func dnsNames(of certificate: NIOSSLCertificate) -> [String] {
        certificate._subjectAlternativeNames().filter { $0.nameType == .dnsName }.compactMap { name in
            String(validating: Array(name.contents), as: UTF8.self).map(CertificateStore.normal)
        }
    }
}

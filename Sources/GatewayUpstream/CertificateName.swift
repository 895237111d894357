import GatewayCore
import NIOSSL

/// Whether a certificate names the host that was asked for (RFC 9525).
///
/// NIOSSL verifies the chain, and accepts a leaf that names *either* the host *or* the IP address that was connected
/// to. Whoever can bend a name's resolution to an address of his own, and has a certificate for that address, would
/// pass. So a host that is a name has to be named by a DNS name of the leaf; the common name does not count.
enum CertificateName {
    /// - Parameter host: lower case.
    static func isNamed(_ host: String, by certificate: NIOSSLCertificate) -> Bool {
        certificate._subjectAlternativeNames().contains { name in
            name.nameType == .dnsName && DNSNamePattern.matches(host, pattern: Array(name.contents))
        }
    }
}

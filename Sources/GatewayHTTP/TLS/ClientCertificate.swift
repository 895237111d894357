import NIOSSL

/// Who a client is by the certificate that it showed and that the listener's authorities vouch for.
///
/// Texts come from the certificate as they are: whoever shows them bounds and escapes them. `dnsNames`, `uris` (SPIFFE
/// ids among them) and `mailAddresses` are its alternative names, each in the certificate's order.
public struct ClientCertificate: Sendable, Hashable {
    /// The last common name of the subject (RFC 5280 section 4.1.2.6); empty without any.
    public let commonName: String
    /// Organizations of the subject, in its order.
    public let organizations: [String]
    public let dnsNames: [String]
    public let uris: [String]
    public let mailAddresses: [String]
    /// Bytes of the serial number, which is unique for its issuer.
    public let serialNumber: [UInt8]

    public init(
        commonName: String, organizations: [String] = [], dnsNames: [String] = [], uris: [String] = [],
        mailAddresses: [String] = [], serialNumber: [UInt8] = []
    ) {
        self.commonName = commonName
        self.organizations = organizations
        self.dnsNames = dnsNames
        self.uris = uris
        self.mailAddresses = mailAddresses
        self.serialNumber = serialNumber
    }

    /// Names that are no UTF-8 are left out.
    init(_ certificate: NIOSSLCertificate) {
        let subject = certificate.subjectName
        var names: [_SubjectAlternativeName.NameType: [String]] = [:]
        for name in certificate._subjectAlternativeNames() {
            guard let text = String(validating: Array(name.contents), as: UTF8.self) else { continue }
            names[name.nameType, default: []].append(text)
        }
        self.init(
            commonName: subject.last { $0.type == .commonName }?.value ?? "",
            organizations: subject.filter { $0.type == .organization }.map(\.value),
            dnsNames: names[.dnsName] ?? [], uris: names[.uri] ?? [], mailAddresses: names[.email] ?? [],
            serialNumber: certificate.serialNumber)
    }
}

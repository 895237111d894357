import GatewayContract
import GatewayCore

/// Where connections go: one per provider that has a base URL.
///
/// Two endpoints are equal when a connection of one may serve the other: same `host`, `port`, `tls` and trust. The
/// bound on their number does not count, so that changing it in a reload keeps the connections. Hashing costs one word
/// and comparing equal ones mostly the comparison of two references: the strings are hashed once, in `init`.
public struct UpstreamEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// What makes two endpoints equal. One reference, so that handing an endpoint on costs one count.
    private final class Identity: Sendable {
        let host: String
        let port: Int
        let tls: Bool
        let caFile: String?
        let digest: Int

        init(host: String, port: Int, tls: Bool, caFile: String?) {
            self.host = host
            self.port = port
            self.tls = tls
            self.caFile = caFile
            var hasher = Hasher()
            hasher.combine(host)
            hasher.combine(port)
            hasher.combine(tls)
            hasher.combine(caFile)
            self.digest = hasher.finalize()
        }
    }

    private let identity: Identity
    /// Connections of one loop, in whatever state; at least 1. The caller divides a process-wide bound by the loops.
    public var connectionsMax: Int

    /// - Parameters:
    ///   - host: in lower case; an IPv6 address without brackets.
    ///   - caFile: dropped without `tls`.
    ///   - connectionsMax: of one loop; less than 1 counts as 1.
    public init(host: String, port: Int, tls: Bool, caFile: String? = nil, connectionsMax: Int = 1024) {
        self.identity = Identity(host: host, port: port, tls: tls, caFile: tls ? caFile : nil)
        self.connectionsMax = max(1, connectionsMax)
    }

    /// Lower case; an IPv6 address without brackets.
    public var host: String { self.identity.host }
    public var port: Int { self.identity.port }
    /// Whether TLS is spoken, always with a verified certificate.
    public var tls: Bool { self.identity.tls }
    /// PEM file with the authorities to trust instead of the system's; only looked at with `tls`.
    public var caFile: String? { self.identity.caFile }
    /// Equal for equal endpoints, and for hardly any others; differs from run to run.
    var digest: Int { self.identity.digest }

    /// `nil` for a provider without a base URL (`echo`).
    /// - Parameter loops: over how many loops the provider's bound is spread; rounded up.
    public init?(provider: ProviderSpec, loops: Int = 1) {
        guard let url = provider.baseURL else { return nil }
        let loops = max(1, loops)
        let share = provider.connectionsMax / loops + (provider.connectionsMax % loops == 0 ? 0 : 1)
        self.init(host: url.host, port: url.port, tls: url.tls, caFile: provider.caFile, connectionsMax: share)
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.identity === right.identity
            || left.digest == right.digest && left.port == right.port && left.tls == right.tls
                && left.host == right.host && left.caFile == right.caFile
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.digest)
    }

    /// For the log: `api.example.com:443`.
    public var description: String {
        self.host.utf8.contains(UInt8(ascii: ":")) ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }
}

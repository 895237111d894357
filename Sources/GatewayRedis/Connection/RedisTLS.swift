import GatewayCore
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// TLS settings towards one server, shared by all loops. Certificates and names are always verified.
///
/// Reading the authorities takes milliseconds and blocks, so it happens on a thread. What was read is kept until
/// `reload`; a file that cannot be used is read again at the next attempt to connect.
public final class RedisTLS: Sendable {
    private let caFile: String?
    private let context = Mutex<NIOSSLContext?>(nil)

    /// - Parameter caFile: PEM; nil trusts the system's authorities.
    public init(caFile: String?) {
        self.caFile = caFile
    }

    /// Forgets what was read, so that a changed file counts for connections to come.
    public func reload() {
        self.context.withLock { $0 = nil }
    }

    /// Whether a CA file can be used: nil, or why not. Blocks: for checks of a configuration, never on a loop.
    public static func problem(caFile: String?) -> String? {
        if case .failure(let fault) = Self.make(caFile) { fault.detail } else { nil }
    }

    /// The future belongs to the loop.
    func context(on loop: any EventLoop) -> EventLoopFuture<NIOSSLContext> {
        if let context = self.context.withLock({ $0 }) { return loop.makeSucceededFuture(context) }
        return NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            let context = try Self.make(self.caFile).get()
            self.context.withLock { $0 = context }
            return context
        }
    }

    private static func make(_ caFile: String?) -> Result<NIOSSLContext, RedisDialFault> {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .fullVerification
        configuration.shutdownTimeout = .milliseconds(250)
        do {
            if let caFile {
                let authorities = try NIOSSLCertificate.fromPEMFile(caFile)
                guard !authorities.isEmpty else {
                    return .failure(.init(detail: "no certificate in the CA file \(caFile)"))
                }
                configuration.trustRoots = .certificates(authorities)
            }
            return .success(try NIOSSLContext(configuration: configuration))
        } catch {
            return .failure(.init(detail: caFile.map { "the CA file \($0) cannot be used: \(error)" } ?? "\(error)"))
        }
    }
}

/// Why there is no socket. For the log.
struct RedisDialFault: Error, Hashable {
    let detail: String
}

import GatewayCore
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Why there is no TLS towards a provider.
public struct TLSFault: Error, Hashable, Sendable {
    /// For the log; names the file.
    public let detail: String

    public init(detail: String) {
        self.detail = detail
    }
}

/// TLS settings towards providers, one per CA file, shared by all loops.
///
/// Certificates and names are always verified; there is no switch for it (fault 17). Reading the authorities takes
/// milliseconds and blocks, so it happens on a thread, once.
public final class TLSContexts: Sendable {
    private enum Entry {
        case loading([EventLoopPromise<NIOSSLContext>])
        case ready(NIOSSLContext)
    }

    /// By CA file; the empty path stands for the system's authorities.
    private let entries = Mutex<[String: Entry]>([:])

    /// Reads no file; the first `context` for each does.
    public init() {}

    /// The context for one CA file, or for the system's authorities. Called on `loop`; the future belongs to it and
    /// fails with a `TLSFault` only. A file that cannot be used is read again at the next call.
    public func context(caFile: String?, on loop: any EventLoop) -> EventLoopFuture<NIOSSLContext> {
        let path = caFile ?? ""
        var load = false
        let future = self.entries.withLock { entries -> EventLoopFuture<NIOSSLContext> in
            if case .ready(let context) = entries[path] { return loop.makeSucceededFuture(context) }
            let promise = loop.makePromise(of: NIOSSLContext.self)
            if case .loading(let waiters) = entries[path] {
                entries[path] = .loading(waiters + [promise])
            } else {
                entries[path] = .loading([promise])
                load = true
            }
            return promise.futureResult
        }
        if load { self.load(path) }
        return future
    }

    /// Forgets what was read, so that changed files count for connections to come.
    public func reload() {
        self.entries.withLock { entries in
            entries = entries.filter { if case .loading = $0.value { true } else { false } }
        }
    }

    /// Whether a CA file can be used. Blocks: for checks of a configuration, never on a loop.
    public static func problem(caFile: String?) -> TLSFault? {
        if case .failure(let fault) = Self.make(caFile ?? "") { fault } else { nil }
    }

    private func load(_ path: String) {
        NIOThreadPool.singleton.submit { _ in
            let result = Self.make(path)
            let waiters = self.entries.withLock { entries -> [EventLoopPromise<NIOSSLContext>] in
                guard case .loading(let waiters) = entries[path] else { return [] }
                entries[path] = (try? result.get()).map { .ready($0) }
                return waiters
            }
            for waiter in waiters { waiter.completeWith(result.mapError { $0 as any Error }) }
        }
    }

    private static func make(_ path: String) -> Result<NIOSSLContext, TLSFault> {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .fullVerification
        configuration.applicationProtocols = ["http/1.1"]
        // How long a peer may take to confirm a close; an abandoned call has to end soon (fault 48).
        configuration.shutdownTimeout = .milliseconds(250)
        do {
            if !path.isEmpty {
                let authorities = try NIOSSLCertificate.fromPEMFile(path)
                guard !authorities.isEmpty else {
                    return .failure(.init(detail: "no certificate in the CA file \(path)"))
                }
                configuration.trustRoots = .certificates(authorities)
            }
            return .success(try NIOSSLContext(configuration: configuration))
        } catch {
            return .failure(.init(detail: path.isEmpty ? "\(error)" : "the CA file \(path) cannot be used: \(error)"))
        }
    }
}

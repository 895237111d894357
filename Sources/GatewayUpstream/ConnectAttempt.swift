import GatewayCore
import NIOCore
import NIOSSL

/// Why a connection could not be made.
struct ConnectFault: Error, Hashable {
    /// For the log.
    let detail: String
}

/// Makes one connection: name, TLS settings, then the addresses one after the other, all within one deadline.
///
/// Each address gets an even share of the time that is left, so that one that swallows packets does not use up the
/// time of the others. Lives on its loop; reports once, or never after `cancel`.
final class ConnectAttempt {
    private static let shareMin = TimeSpan.milliseconds(50)

    private let loop: any EventLoop
    private let endpoint: UpstreamEndpoint
    private let deadline: MonotonicTime
    private let dialer: UpstreamDialer
    private let now: @Sendable () -> MonotonicTime
    private let makeConnection: () -> UpstreamConnection
    /// Nil once it was called, or cancelled.
    private var report: ((Result<UpstreamConnection, ConnectFault>) -> Void)?
    private var addresses: [IPAddress] = []
    private var next = 0
    private var faults: [String] = []
    private var tls: NIOSSLContext?
    /// What is being tried.
    private var channel: (any Channel)?

    init(
        loop: any EventLoop, endpoint: UpstreamEndpoint, deadline: MonotonicTime, dialer: UpstreamDialer,
        now: @escaping @Sendable () -> MonotonicTime, makeConnection: @escaping () -> UpstreamConnection,
        report: @escaping (Result<UpstreamConnection, ConnectFault>) -> Void
    ) {
        self.loop = loop
        self.endpoint = endpoint
        self.deadline = deadline
        self.dialer = dialer
        self.now = now
        self.makeConnection = makeConnection
        self.report = report
    }

    func start(resolver: NameResolver, tls contexts: TLSContexts) {
        resolver.addresses(of: self.endpoint.host, on: self.loop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let addresses):
                self.addresses = addresses
                self.prepareTLS(contexts)
            case .failure(let error):
                self.end(.failure(.init(detail: "\(self.endpoint.host): \(Self.detail(error))")))
            }
        }
    }

    /// Gives up. Nothing is reported any more.
    func cancel() {
        self.report = nil
        self.channel?.close(promise: nil)
        self.channel = nil
    }

    private func prepareTLS(_ contexts: TLSContexts) {
        guard self.endpoint.tls else { return self.tryNext() }
        contexts.context(caFile: self.endpoint.caFile, on: self.loop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let context):
                self.tls = context
                self.tryNext()
            case .failure(let error):
                self.end(.failure(.init(detail: Self.detail(error))))
            }
        }
    }

    private func tryNext() {
        guard self.report != nil else { return }
        let left = self.deadline - self.now()
        guard self.next < self.addresses.count, .zero < left else {
            self.faults.append(self.next < self.addresses.count ? "no time left" : "no further address")
            return self.end(.failure(.init(detail: self.faults.joined(separator: "; "))))
        }
        let address = self.addresses[self.next]
        let share = TimeSpan(nanoseconds: left.nanoseconds / Int64(self.addresses.count - self.next))
        self.next += 1
        do {
            let target = try SocketAddress(ipAddress: address.description, port: self.endpoint.port)
            self.connect(to: target, within: max(share, Self.shareMin))
        } catch {
            self.failed(address, "\(error)")
        }
    }

    private func connect(to target: SocketAddress, within share: TimeSpan) {
        let address = self.addresses[self.next - 1]
        let connection = self.makeConnection()
        // TCP and TLS share the time of this address; whichever fails first decides.
        let timer = self.loop.assumeIsolated().scheduleTask(in: .nanoseconds(share.nanoseconds)) {
            self.settle(connection, address, .failure(.init(detail: "no connection in time")))
        }
        connection.onReady = { result in
            timer.cancel()
            self.settle(connection, address, result)
        }
        let handlers = NIOLoopBound((connection: connection, tls: self.tls, attempt: self), eventLoop: self.loop)
        let serverName = IPAddress(self.endpoint.host) == nil ? self.endpoint.host : nil
        self.dialer.dial(target, self.loop, share) { channel in
            channel.eventLoop.makeCompletedFuture {
                let (connection, tls, attempt) = handlers.value
                attempt.channel = channel
                if let tls {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: tls, serverHostname: serverName))
                }
                try channel.pipeline.syncOperations.addHandler(connection)
            }
        }
        .assumeIsolated()
        .whenFailure { error in
            timer.cancel()
            self.settle(connection, address, .failure(.init(detail: Self.detail(error))))
        }
    }

    /// The first verdict about an address counts.
    private func settle(_ connection: UpstreamConnection, _ address: IPAddress, _ result: Result<Void, ConnectFault>) {
        guard connection.isAwaited else { return }
        connection.isAwaited = false
        connection.onReady = nil
        switch result {
        case .success where self.report != nil:
            self.channel = nil
            self.end(.success(connection))
        case .success:
            connection.closeForgotten()
        case .failure(let fault):
            connection.closeForgotten()
            self.channel?.close(promise: nil)
            self.channel = nil
            self.failed(address, fault.detail)
        }
    }

    private func failed(_ address: IPAddress, _ detail: String) {
        self.faults.append("\(address): \(detail)")
        self.tryNext()
    }

    private func end(_ result: Result<UpstreamConnection, ConnectFault>) {
        let report = self.report
        self.report = nil
        report?(result)
    }

    private static func detail(_ error: any Error) -> String {
        switch error {
        case let fault as ResolveFault: fault.detail
        case let fault as TLSFault: fault.detail
        default: "\(error)"
        }
    }
}

import GatewayContract
import GatewayCore
import GatewayHTTP
import Glibc
import NIOCore
import Synchronization

/// The data plane's listening sockets, by the address that the configuration names.
final class ListenerSet: Sendable {
    struct BindFault: Error, CustomStringConvertible {
        let address: ListenAddress
        let reason: String
        var help: String?

        var description: String {
            "cannot listen on \(self.address): \(self.reason)" + (self.help.map { "\n  = help: \($0)" } ?? "")
        }
    }

    let limit: ConnectionLimit
    private let group: any EventLoopGroup
    private let serverLoops: ServerLoops
    private let open = Mutex<[ListenAddress: Listener]>([:])

    init(group: any EventLoopGroup, serverLoops: ServerLoops, limit: ConnectionLimit) {
        self.group = group
        self.serverLoops = serverLoops
        self.limit = limit
    }

    /// Where connections are taken, as bound: a port 0 has become a real one.
    func boundURLs(_ tls: [ListenAddress: ServerTLS]) -> [String] {
        self.open.withLock { open in
            open.sorted { $0.key.description < $1.key.description }.map { address, listener in
                let bound = ListenAddress(host: address.host, port: listener.localAddress?.port ?? address.port)
                return "\(tls[address] == nil ? "http" : "https")://\(bound)"
            }
        }
    }

    /// Binds what is not bound yet: all of it, or nothing new.
    ///
    /// - Parameter tls: by address; none for HTTP in the clear.
    func bindMissing(_ addresses: [ListenAddress], tls: [ListenAddress: ServerTLS]) throws {
        let open = self.open.withLock { Set($0.keys) }
        var bound: [ListenAddress: Listener] = [:]
        for address in addresses where !open.contains(address) {
            do {
                bound[address] = try Listener.bind(
                    host: address.host, port: address.port, tls: tls[address], group: self.group,
                    loops: self.serverLoops, limit: self.limit
                ).wait()
            } catch {
                for listener in bound.values { listener.close().whenComplete { _ in } }
                throw Self.fault(error, at: address, held: open.union(bound.keys), wanted: addresses)
            }
        }
        self.open.withLock { $0.merge(bound) { old, _ in old } }
    }

    /// Exchanges certificates for connections to come, also from and to HTTP in the clear. It cannot fail.
    ///
    /// - Returns: the addresses for which something changed, sorted by their text.
    func secure(_ tls: [ListenAddress: ServerTLS]) -> [ListenAddress] {
        self.open.withLock { open in
            open.filter { address, listener in listener.secure(with: tls[address]) }.map(\.key)
        }.sorted { $0.description < $1.description }
    }

    /// A port that is taken may be taken by this process: then another program would be looked for in vain.
    private static func fault(
        _ error: any Error, at address: ListenAddress, held: Set<ListenAddress>, wanted: [ListenAddress]
    ) -> BindFault {
        guard let error = error as? IOError, error.errnoCode == EADDRINUSE else {
            return BindFault(address: address, reason: "\(error)")
        }
        let overlapping = held.filter { $0.port == address.port && (self.isWildcard($0) || self.isWildcard(address)) }
        let holders = overlapping.sorted { $0.description < $1.description }
        if let holder = holders.first(where: { wanted.contains($0) }) {
            return BindFault(
                address: address, reason: "\(holder) is named as well and holds the port",
                help: "name only the one that takes in the other")
        }
        guard let holder = holders.first else {
            return BindFault(address: address, reason: "the address is taken by another socket of this machine")
        }
        return BindFault(
            address: address,
            reason: "this daemon holds the port on \(holder), and gives an address up only when the new ones are bound",
            help: "restart the daemon; or reload twice, first with another port, then with \(address)")
    }

    /// It takes in every address of its family, and with IPv6 those of IPv4 too.
    private static func isWildcard(_ address: ListenAddress) -> Bool {
        guard let host = IPAddress(address.host) else { return false }
        return host == IPAddress(ipv4: 0) || (host.high == 0 && host.low == 0)
    }

    /// Stops accepting on every other address, and returns when those are free; open connections live on.
    /// Called off the loops.
    func keepOnly(_ addresses: [ListenAddress]) {
        let closed = self.open.withLock { open in
            let surplus = open.filter { !addresses.contains($0.key) }
            for address in surplus.keys { open[address] = nil }
            return Array(surplus.values)
        }
        for listener in closed {
            // It fails only when the socket is closed already.
            try? listener.close().wait()
        }
    }
}

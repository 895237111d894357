import GatewayContract
import GatewayCore
import GatewayHTTP
import NIOCore
import Synchronization

/// The data plane's listening sockets, by the address that the configuration names.
final class ListenerSet: Sendable {
    struct BindFault: Error, CustomStringConvertible {
        let address: ListenAddress
        let reason: String

        var description: String { "cannot listen on \(self.address): \(self.reason)" }
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
    var boundAddresses: [String] {
        self.open.withLock { open in
            open.sorted { $0.key.description < $1.key.description }.map { address, listener in
                ListenAddress(host: address.host, port: listener.localAddress?.port ?? address.port).description
            }
        }
    }

    /// Binds what is not bound yet: all of it, or nothing new.
    func bindMissing(_ addresses: [ListenAddress]) throws {
        let missing = self.open.withLock { open in addresses.filter { open[$0] == nil } }
        var bound: [ListenAddress: Listener] = [:]
        for address in missing {
            do {
                bound[address] = try Listener.bind(
                    host: address.host, port: address.port, group: self.group, loops: self.serverLoops,
                    limit: self.limit
                ).wait()
            } catch {
                for listener in bound.values { listener.close().whenComplete { _ in } }
                throw BindFault(address: address, reason: "\(error)")
            }
        }
        self.open.withLock { $0.merge(bound) { old, _ in old } }
    }

    /// Stops accepting on every other address; open connections live on.
    func keepOnly(_ addresses: [ListenAddress]) {
        let closed = self.open.withLock { open in
            let surplus = open.filter { !addresses.contains($0.key) }
            for address in surplus.keys { open[address] = nil }
            return Array(surplus.values)
        }
        for listener in closed { listener.close().whenComplete { _ in } }
    }
}

import GatewayContract
import GatewayCore
import GatewayHTTP
import GatewayPipeline
import GatewayPolicy
import NIOCore

/// The operators' listeners: health and metrics on the admin address, the reload on the owner's socket.
enum AdminListener {
    private static let connectionsMax = 256

    /// Both live on one loop for as long as the process.
    static func start(for daemon: Daemon, on eventLoop: any EventLoop) throws {
        let server = daemon.serving.routing.server
        let pages = try Self.serverLoop(OperatorResponder(daemon: daemon, mayReload: false), server, on: eventLoop)
        let limit = ConnectionLimit(max: Self.connectionsMax)
        do {
            _ = try Listener.bind(
                host: server.admin.host, port: server.admin.port, group: eventLoop, loops: pages, limit: limit
            ).wait()
        } catch {
            throw ListenerSet.BindFault(address: server.admin, reason: "\(error)")
        }
        let folder = daemon.source.dataFolder
        try ControlSocket.prepareFolder(folder)
        let control = try Self.serverLoop(OperatorResponder(daemon: daemon, mayReload: true), server, on: eventLoop)
        let path = ControlSocket.path(in: folder)
        _ = try Listener.bind(unixPath: path, group: eventLoop, loops: control, limit: limit).wait()
        try ControlSocket.restrict(path)
    }

    private static func serverLoop(
        _ responder: OperatorResponder, _ server: ServerSettings, on eventLoop: any EventLoop
    ) throws -> ServerLoops {
        let loop = try eventLoop.submit {
            let factory = AdminFactory(responder: responder, eventLoop: eventLoop)
            return NIOLoopBound(
                AdminLoop(
                    factory: factory,
                    server: ServerLoop(
                        deadlines: DeadlineTable(), limits: ConnectionLimits(server.limits), factory: factory)),
                eventLoop: eventLoop)
        }.wait()
        eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            loop.value.server.tick(at: .now(), wall: .now())
        }
        let server = try eventLoop.submit { NIOLoopBound(loop.value.server, eventLoop: eventLoop) }.wait()
        return ServerLoops([(eventLoop, server)])
    }
}

/// Keeps the factory alive beside the loop that only borrows it.
private final class AdminLoop {
    let factory: AdminFactory
    let server: ServerLoop

    init(factory: AdminFactory, server: ServerLoop) {
        self.factory = factory
        self.server = server
    }
}

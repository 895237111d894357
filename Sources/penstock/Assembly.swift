import GatewayConfig
import GatewayContract
import GatewayCore
import GatewayHTTP
import GatewayPipeline
import GatewayPolicy
import GatewayTelemetry
import GatewayUpstream
import NIOCore
import NIOPosix

/// The composition root: configuration → limits and keys → loops → listeners → admin. One screen, in that order.
enum Assembly {
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// - Returns: a daemon that accepts requests.
    static func start(_ source: ConfigurationSource, _ result: ConfigResult, log: OperationalLog) throws -> Daemon {
        guard let pepper = Pepper.random() else { throw Fault(description: "the system gives no random bytes") }
        let shared = SharedState(limits: LimitSlab(), pepper: pepper)
        let compilation = Compilation.compile(result, generation: 1, limits: shared.limits, pepper: pepper)
        if !compilation.result.problems.isEmpty { Terminal.write(compilation.result.report(), to: .errors) }
        guard let routing = compilation.routing else { throw Fault(description: "the configuration has errors") }

        let accessLog = try LogWriter(output: routing.accessLog.output)
        let loopCount = routing.server.loops ?? System.coreCount
        let group = MultiThreadedEventLoopGroup(numberOfThreads: loopCount)
        let resolver = NameResolver()
        let tls = TLSContexts()
        let loops = try group.makeIterator().map { eventLoop in
            try GatewayLoop.start(
                on: eventLoop, shared: shared, resolver: resolver, tls: tls, accessLog: accessLog,
                loopCount: loopCount, routing: routing, keys: compilation.keys)
        }
        let serverLoops = ServerLoops(
            try loops.compactMap { loop in try loop.server().map { (loop.eventLoop, $0) } })
        let listeners = ListenerSet(
            group: group, serverLoops: serverLoops, limit: ConnectionLimit(max: routing.server.limits.connectionsMax))

        let daemon = Daemon(
            loops: loops, shared: shared, accessLog: accessLog, log: log, source: source, listeners: listeners,
            tls: tls,
            state: ServingState(
                generation: 1, revision: routing.revision, routing: routing,
                desired: compilation.result.desired ?? DesiredState(), watched: compilation.result.watched,
                keyCount: compilation.keys.count, tls: compilation.tls, refusal: nil, changedAt: .now()))
        daemon.apply(routing.server)
        try listeners.bindMissing(routing.server.listen.map(\.address), tls: compilation.tls)
        try AdminListener.start(for: daemon, on: loops[0].eventLoop)
        MemoryTrim().start(on: loops[0].eventLoop, connections: listeners.limit)
        return daemon
    }
}

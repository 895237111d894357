import GatewayCore
import GatewayHTTP
import GatewayPipeline
import GatewayPolicy
import GatewayTelemetry
import GatewayUpstream
import NIOCore

/// One event loop with its state, as the rest of the process reaches it: by message.
struct GatewayLoop: Sendable {
    let eventLoop: any EventLoop
    let state: NIOLoopBound<LoopState>

    /// Makes the state on its loop and adopts the first configuration.
    static func start(
        on eventLoop: any EventLoop, shared: SharedState, resolver: NameResolver, tls: TLSContexts,
        accessLog: LogWriter, loopCount: Int, routing: RoutingSnapshot, keys: KeyTable
    ) throws -> GatewayLoop {
        let state = try eventLoop.submit {
            let state = LoopState(
                eventLoop: eventLoop, shared: shared, resolver: resolver, tls: tls, accessLog: accessLog,
                loopCount: loopCount)
            state.adopt(routing, keys: keys)
            return NIOLoopBound(state, eventLoop: eventLoop)
        }.wait()
        eventLoop.scheduleRepeatedTask(
            initialDelay: .nanoseconds(LoopState.tickSpan.nanoseconds),
            delay: .nanoseconds(LoopState.tickSpan.nanoseconds)
        ) { _ in state.value.tick(at: .now()) }
        return GatewayLoop(eventLoop: eventLoop, state: state)
    }

    /// What the loop's inbound connections share.
    func server() throws -> NIOLoopBound<ServerLoop>? {
        let state = self.state
        let eventLoop = self.eventLoop
        return try eventLoop.submit { state.value.server.map { NIOLoopBound($0, eventLoop: eventLoop) } }.wait()
    }

    func adopt(_ routing: RoutingSnapshot, keys: KeyTable) throws {
        let state = self.state
        try self.eventLoop.submit { state.value.adopt(routing, keys: keys) }.wait()
    }

    func metrics() -> EventLoopFuture<MetricsSnapshot> {
        let state = self.state
        return self.eventLoop.submit { state.value.metrics.copy() }
    }

    func closeIdleConnections() {
        let state = self.state
        self.eventLoop.execute { state.value.server?.closeIdleConnections() }
    }

    func hasPendingOutput() throws -> Bool {
        let state = self.state
        return try self.eventLoop.submit { state.value.server?.hasPendingOutput ?? false }.wait()
    }

    /// Closes what is left and hands the last log lines over.
    func end() throws {
        let state = self.state
        try self.eventLoop.submit {
            state.value.server?.closeAllConnections()
            state.value.pool.closeAll()
            state.value.flushLog()
        }.wait()
    }
}

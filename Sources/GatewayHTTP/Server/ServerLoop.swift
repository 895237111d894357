import GatewayCore
import NIOCore

/// Bounds and timeouts of inbound connections. A change counts for the next request of each connection.
public struct ConnectionLimits: Sendable {
    /// Beyond them 431.
    public var head: HeadLimits
    /// A connection that has waited so long for a request, the first one included, is closed without an answer.
    public var idleTimeout: TimeSpan
    /// From a request's first byte to the end of its head; and for a TLS handshake, from the connection on.
    public var headTimeout: TimeSpan
    /// In which a body must end or grow by `bodyProgressBytes`.
    public var bodyTimeout: TimeSpan
    /// 1 KiB: a body that trickles slower than that per `bodyTimeout` is answered with 408.
    public var bodyProgressBytes = 1024
    /// What is read and thrown away after an early answer, and for how long.
    public var discardBytesMax = 1 << 20
    /// From the end of the early answer to the close, if the request has not ended by then (DESIGN section 3).
    public var discardTimeout = TimeSpan.seconds(2)

    public init(head: HeadLimits, idleTimeout: TimeSpan, headTimeout: TimeSpan, bodyTimeout: TimeSpan) {
        self.head = head
        self.idleTimeout = idleTimeout
        self.headTimeout = headTimeout
        self.bodyTimeout = bodyTimeout
    }
}

/// What the inbound connections of one loop share. Only touched on that loop.
public final class ServerLoop {
    /// Of its connections, and of whatever else on the loop is given the same table; moved by `tick`.
    public let deadlines: DeadlineTable
    /// Output of its connections; requests to providers are written into buffers of the same pool.
    public let buffers = BufferPool()
    /// Set by whoever adopts a configuration, on the loop.
    public var limits: ConnectionLimits
    // SAFETY: the factory outlives the loop's connections, as `init` demands, and nobody else asks for it.
    unowned(unsafe) let factory: any ExchangeFactory
    private var connections: [ObjectIdentifier: HTTP1ServerConnection] = [:]
    /// Connections that are in their TLS handshake.
    private var handshakes: [ObjectIdentifier: ALPNHandler] = [:]
    private var dateSecond: Int64 = -1
    private var dateField: [UInt8] = []

    /// - Parameter factory: outlives the loop's connections.
    public init(deadlines: DeadlineTable, limits: ConnectionLimits, factory: any ExchangeFactory) {
        self.deadlines = deadlines
        self.limits = limits
        self.factory = factory
        self.refreshDate(.now())
    }

    /// Open connections of this loop, for its gauge; those in their TLS handshake included.
    public var connectionCount: Int { self.connections.count + self.handshakes.count }

    func add(_ handshake: ALPNHandler) {
        self.handshakes[ObjectIdentifier(handshake)] = handshake
    }

    func remove(_ handshake: ALPNHandler) {
        self.handshakes[ObjectIdentifier(handshake)] = nil
    }

    func add(_ connection: HTTP1ServerConnection) {
        self.connections[ObjectIdentifier(connection)] = connection
    }

    func remove(_ connection: HTTP1ServerConnection) {
        self.connections[ObjectIdentifier(connection)] = nil
    }

    /// Deadlines and the `date` field. Called by the loop's ticker.
    public func tick(at now: MonotonicTime, wall: WallTime) {
        self.refreshDate(wall)
        self.deadlines.tick(at: now)
    }

    /// Closes what is between two requests or before the first; the others close after their answer, because
    /// `acceptsMore` is false.
    public func closeIdleConnections() {
        for handshake in Array(self.handshakes.values) { handshake.close() }
        for connection in Array(self.connections.values) { connection.closeIfIdle() }
    }

    /// Whether an answer that is complete for its exchange is still going out to a slow client.
    public var hasPendingOutput: Bool { self.connections.values.contains { $0.pendingBytes > 0 } }

    /// Closes everything that is left.
    public func closeAllConnections() {
        for handshake in Array(self.handshakes.values) { handshake.close() }
        for connection in Array(self.connections.values) { connection.shutDown() }
    }

    /// `date: …\r\n`, made once a second.
    var date: [UInt8] { self.dateField }

    private func refreshDate(_ wall: WallTime) {
        guard wall.unixSeconds != self.dateSecond else { return }
        self.dateSecond = wall.unixSeconds
        self.dateField = Array("date: \(CivilDate(unixSeconds: wall.unixSeconds).httpDate)\r\n".utf8)
    }
}

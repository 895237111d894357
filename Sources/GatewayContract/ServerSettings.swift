import GatewayCore

/// An address to listen on.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// An IP address; an IPv6 one without brackets.
    public var host: String
    /// 0: the system chooses.
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    public var description: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }

    /// Whether only this machine reaches it.
    public var isLoopback: Bool {
        self.host == "::1" || self.host == "localhost" || self.host.hasPrefix("127.")
    }
}

/// The sections `listen` and `server`: what the process listens on and what it lets clients do. Hot, but for `admin`
/// and `loops`.
public struct ServerSettings: Sendable, Equatable {
    /// Where clients are served: at least one listener.
    public var listen: [ListenerSpec]
    /// Where `/health/*` and `/metrics` are, without credentials. Restart only.
    public var admin: ListenAddress
    /// Event loops; `nil`: one per core. Restart only.
    public var loops: Int?
    /// `server.limits`.
    public var limits: ServerLimits
    /// `server.drain`; read when the drain begins.
    public var drain: DrainSettings
    /// Peers whose `X-Forwarded-For` is believed when a key has an address allow-list.
    public var trustedProxies: [IPBlock]
    /// `key_pepper`: what keys are hashed under, 32 to 256 bytes. `nil`: random, another one in each process.
    public var keyPepper: Secret?

    public init(
        listen: [ListenerSpec] = [.init(.init(host: "127.0.0.1", port: 8080))],
        admin: ListenAddress = .init(host: "127.0.0.1", port: 9901), loops: Int? = nil, limits: ServerLimits = .init(),
        drain: DrainSettings = .init(), trustedProxies: [IPBlock] = [], keyPepper: Secret? = nil
    ) {
        self.listen = listen
        self.admin = admin
        self.loops = loops
        self.limits = limits
        self.drain = drain
        self.trustedProxies = trustedProxies
        self.keyPepper = keyPepper
    }
}

/// `server.limits`: bounds on what clients may send, and how slowly. After a reload each connection has them from its
/// next request on.
public struct ServerLimits: Sendable, Equatable {
    /// `max_body`: one request's body, as received or as inflated, 1 KiB to 1 GiB; beyond it 413.
    public var bodyBytesMax: Int
    /// `max_header`: request line and fields, 1 KiB to 1 MiB; beyond it 431.
    public var headBytesMax: Int
    /// `max_header_fields`, 8 to 1,000; beyond it 431.
    public var headFieldsMax: Int
    /// `max_connections`: open client connections of the process, 1 to 1,000,000; further ones get a bare 503.
    public var connectionsMax: Int
    /// Request bytes held in memory over all connections of the process; beyond it 503.
    public var inFlightBytesMax: Int
    /// A connection that has waited so long for a request is closed.
    public var idleTimeout: TimeSpan
    /// From a request's first byte to the end of its head.
    public var headTimeout: TimeSpan
    /// In which a body must end or grow by 1 KiB.
    public var bodyTimeout: TimeSpan

    public init(
        bodyBytesMax: Int = 20 << 20, headBytesMax: Int = 64 << 10, headFieldsMax: Int = 100,
        connectionsMax: Int = 10_000, inFlightBytesMax: Int = 1 << 30, idleTimeout: TimeSpan = .minutes(5),
        headTimeout: TimeSpan = .seconds(15), bodyTimeout: TimeSpan = .seconds(30)
    ) {
        self.bodyBytesMax = bodyBytesMax
        self.headBytesMax = headBytesMax
        self.headFieldsMax = headFieldsMax
        self.connectionsMax = connectionsMax
        self.inFlightBytesMax = inFlightBytesMax
        self.idleTimeout = idleTimeout
        self.headTimeout = headTimeout
        self.bodyTimeout = bodyTimeout
    }
}

/// How long a shutting-down daemon waits for exchanges, and for streams.
public struct DrainSettings: Sendable, Equatable {
    /// For exchanges that are not streams, and for answers that slow readers still fetch: from the signal on, 0 to 1
    /// day.
    public var grace: TimeSpan
    /// For streams, from the signal on too, 0 to 1 day. What is left then is cut.
    public var streamGrace: TimeSpan

    public init(grace: TimeSpan = .seconds(30), streamGrace: TimeSpan = .minutes(10)) {
        self.grace = grace
        self.streamGrace = streamGrace
    }
}

/// `telemetry.access_log`: where the one line per exchange goes.
public struct AccessLogSettings: Sendable, Equatable {
    /// `off` writes no lines at all. A `file` is named by a path that is seen from the folder of the configuration
    /// file, is appended to, and is opened anew by SIGHUP.
    public enum Output: Sendable, Equatable {
        case stdout, stderr, off
        case file(String)
    }

    /// A reload changes it.
    public var output: Output

    public init(output: Output = .stdout) {
        self.output = output
    }
}

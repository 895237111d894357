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
}

public struct ServerSettings: Sendable, Equatable {
    public var listen: [ListenAddress]
    public var admin: ListenAddress
    /// Event loops; `nil`: one per core. Restart only.
    public var loops: Int?
    public var limits: ServerLimits
    public var drain: DrainSettings
    /// Peers whose `X-Forwarded-For` is believed when a key has an address allow-list.
    public var trustedProxies: [IPBlock]

    public init(
        listen: [ListenAddress] = [.init(host: "127.0.0.1", port: 8080)],
        admin: ListenAddress = .init(host: "127.0.0.1", port: 9901), loops: Int? = nil, limits: ServerLimits = .init(),
        drain: DrainSettings = .init(), trustedProxies: [IPBlock] = []
    ) {
        self.listen = listen
        self.admin = admin
        self.loops = loops
        self.limits = limits
        self.drain = drain
        self.trustedProxies = trustedProxies
    }
}

public struct ServerLimits: Sendable, Equatable {
    public var bodyBytesMax: Int
    public var headBytesMax: Int
    public var headFieldsMax: Int
    public var connectionsMax: Int
    /// Request bytes held in memory over all connections of the process; beyond it 503.
    public var inFlightBytesMax: Int
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
    public var grace: TimeSpan
    public var streamGrace: TimeSpan

    public init(grace: TimeSpan = .seconds(30), streamGrace: TimeSpan = .minutes(10)) {
        self.grace = grace
        self.streamGrace = streamGrace
    }
}

public struct AccessLogSettings: Sendable, Equatable {
    public enum Output: Sendable, Equatable {
        case stdout, stderr, off
        case file(String)
    }

    public var output: Output

    public init(output: Output = .stdout) {
        self.output = output
    }
}

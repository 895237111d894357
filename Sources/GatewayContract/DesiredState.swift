import GatewayCore

/// What should be served: plain values with their origin. Configuration produces it, the compiler turns it into a
/// routing snapshot, the link between the planes carries it. Names are resolved by the compiler, not here.
public struct DesiredState: Sendable, Equatable {
    /// Hash over every file it was read from: the name of this revision in logs and metrics.
    public var revision: String
    public var server: ServerSettings
    public var accessLog: AccessLogSettings
    public var providers: [ProviderSpec]
    public var deployments: [DeploymentSpec]
    public var models: [ModelSpec]
    public var keys: [KeySpec]
    /// Without the built-in routes; the compiler adds those.
    public var routes: [RouteSpec]

    public init(
        revision: String = "", server: ServerSettings = .init(), accessLog: AccessLogSettings = .init(),
        providers: [ProviderSpec] = [], deployments: [DeploymentSpec] = [], models: [ModelSpec] = [],
        keys: [KeySpec] = [], routes: [RouteSpec] = []
    ) {
        self.revision = revision
        self.server = server
        self.accessLog = accessLog
        self.providers = providers
        self.deployments = deployments
        self.models = models
        self.keys = keys
        self.routes = routes
    }
}

/// An account at a model vendor.
public struct ProviderSpec: Sendable, Equatable {
    public var name: ProviderName
    public var type: ProviderType
    /// Parsed from `base_url`, or from `endpoint` for Azure. `echo` has none.
    public var baseURL: BaseURL?
    /// `nil`: the provider is called without a credential (`api_key: none`).
    public var apiKey: Secret?
    /// Sent with every request of this provider, after the gateway's own headers.
    public var headers: [HeaderSpec]
    /// Azure only; empty means the `/openai/v1` paths.
    public var apiVersion: String?
    public var timeouts: UpstreamTimeouts
    /// PEM file with the certificate authorities to trust instead of the system's.
    public var caFile: String?
    public var connectionsMax: Int
    public var faults: EchoFaults
    public var origin: Origin

    public init(
        name: ProviderName, type: ProviderType, baseURL: BaseURL? = nil, apiKey: Secret? = nil,
        headers: [HeaderSpec] = [], apiVersion: String? = nil, timeouts: UpstreamTimeouts = .init(),
        caFile: String? = nil, connectionsMax: Int = 1024, faults: EchoFaults = .init(), origin: Origin = .builtIn
    ) {
        self.name = name
        self.type = type
        self.baseURL = baseURL
        self.apiKey = apiKey
        self.headers = headers
        self.apiVersion = apiVersion
        self.timeouts = timeouts
        self.caFile = caFile
        self.connectionsMax = connectionsMax
        self.faults = faults
        self.origin = origin
    }
}

/// One header field to send. The value is a secret: it often carries an account or a token.
public struct HeaderSpec: Sendable, Equatable {
    public var name: String
    public var value: Secret

    public init(name: String, value: Secret) {
        self.name = name
        self.value = value
    }
}

/// The parts of `http[s]://host[:port][/path]`.
public struct BaseURL: Sendable, Hashable {
    public var tls: Bool
    /// Lower case; an IPv6 address without brackets.
    public var host: String
    public var port: Int
    /// Empty, or begins with `/` and does not end with one.
    public var path: String

    public init(tls: Bool, host: String, port: Int, path: String) {
        self.tls = tls
        self.host = host
        self.port = port
        self.path = path
    }

    /// For the `Host` field: without the port when it is the scheme's own.
    public var authority: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return self.port == (self.tls ? 443 : 80) ? host : "\(host):\(self.port)"
    }
}

/// How long an attempt may take, phase by phase (DESIGN 13.8).
public struct UpstreamTimeouts: Sendable, Equatable {
    public var connect: TimeSpan
    /// From the request's last byte to the answer's head. `nil`: `firstContent` for streams, `total` otherwise.
    public var head: TimeSpan?
    /// To the first event with content; comments and role-only deltas do not count.
    public var firstContent: TimeSpan
    public var interContent: TimeSpan
    public var total: TimeSpan

    public init(
        connect: TimeSpan = .seconds(2), head: TimeSpan? = nil, firstContent: TimeSpan = .seconds(120),
        interContent: TimeSpan = .seconds(120), total: TimeSpan = .minutes(10)
    ) {
        self.connect = connect
        self.head = head
        self.firstContent = firstContent
        self.interContent = interContent
        self.total = total
    }
}

/// Faults that an `echo` provider injects.
public struct EchoFaults: Sendable, Equatable {
    /// Before the head of the answer.
    public var delay: TimeSpan
    /// Between two events of a stream.
    public var eventDelay: TimeSpan
    /// Answer with this status and that dialect's error body instead of an answer.
    public var status: Int?
    /// `Retry-After` in seconds, sent with `status`.
    public var retryAfter: Int?
    /// Break the connection off after so many events of a stream (0: before the head).
    public var resetAfter: Int?
    public var omitUsage: Bool

    public init(
        delay: TimeSpan = .zero, eventDelay: TimeSpan = .zero, status: Int? = nil, retryAfter: Int? = nil,
        resetAfter: Int? = nil, omitUsage: Bool = false
    ) {
        self.delay = delay
        self.eventDelay = eventDelay
        self.status = status
        self.retryAfter = retryAfter
        self.resetAfter = resetAfter
        self.omitUsage = omitUsage
    }
}

/// One model at one provider.
public struct DeploymentSpec: Sendable, Equatable {
    public var name: DeploymentName
    public var provider: ProviderName
    /// The name the provider knows it by. For Azure: the Azure deployment.
    public var upstreamModel: ModelName
    /// Share in a pool: 0 to 1,000; 0 takes no new traffic unless nothing else is left.
    public var weight: Int
    public var origin: Origin

    public init(
        name: DeploymentName, provider: ProviderName, upstreamModel: ModelName, weight: Int = 1,
        origin: Origin = .builtIn
    ) {
        self.name = name
        self.provider = provider
        self.upstreamModel = upstreamModel
        self.weight = weight
        self.origin = origin
    }
}

/// A name that clients send, and what it stands for.
public struct ModelSpec: Sendable, Equatable {
    public enum Target: Sendable, Equatable {
        /// Tiers in order: a pool of one or more deployments, then the fallbacks.
        case deployments([[Reference<DeploymentKind>]])
        /// `"prefix/*"`: the rest of the name goes to that provider as it is.
        case passthrough(Reference<ProviderNameKind>)
    }

    /// With `passthrough` it ends in `*`, and no other place has one.
    public var name: ModelName
    public var target: Target
    public var retry: RetryPolicy
    public var limits: LimitSpec
    public var origin: Origin

    public init(
        name: ModelName, target: Target, retry: RetryPolicy = .init(), limits: LimitSpec = .init(),
        origin: Origin = .builtIn
    ) {
        self.name = name
        self.target = target
        self.retry = retry
        self.limits = limits
        self.origin = origin
    }
}

/// A name that has to be found elsewhere in the desired state, and where it was written.
public struct Reference<Kind: NameKind>: Sendable, Equatable {
    public var name: Name<Kind>
    public var origin: Origin

    public init(_ name: Name<Kind>, origin: Origin = .builtIn) {
        self.name = name
        self.origin = origin
    }
}

/// When another attempt is made. It never is once a byte of the answer has reached the client.
public struct RetryPolicy: Sendable, Equatable {
    public struct Conditions: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// No connection could be made, or it broke before the head of an answer.
        public static let connect = Conditions(rawValue: 1)
        public static let tooManyRequests = Conditions(rawValue: 2)
        public static let serverError = Conditions(rawValue: 4)
        public static let timeout = Conditions(rawValue: 8)
        public static let all: Conditions = [.connect, .tooManyRequests, .serverError, .timeout]
    }

    /// Further attempts at deployments of the same tier: 0 to 10. A fallback to the next tier needs none of them.
    public var attempts: Int
    public var on: Conditions

    public init(attempts: Int = 0, on: Conditions = .all) {
        self.attempts = attempts
        self.on = on
    }
}

/// What a scope may use. `nil`: without limit.
public struct LimitSpec: Sendable, Equatable {
    /// 1 to 1,000,000,000. The burst is one minute's worth.
    public var requestsPerMinute: Int?
    public var tokensPerMinute: Int?
    public var concurrency: Int?

    public init(requestsPerMinute: Int? = nil, tokensPerMinute: Int? = nil, concurrency: Int? = nil) {
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.concurrency = concurrency
    }

    public var isEmpty: Bool {
        self.requestsPerMinute == nil && self.tokensPerMinute == nil && self.concurrency == nil
    }
}

/// An inference key from the configuration.
public struct KeySpec: Sendable, Equatable {
    public var name: KeyName
    public var secret: Secret
    /// Patterns: a model's name, or a prefix and `*`. `nil`: every model.
    public var models: [String]?
    /// `nil`: every address.
    public var allowedAddresses: [IPBlock]?
    /// First instant at which the key is refused.
    public var expires: WallTime?
    public var limits: LimitSpec
    public var origin: Origin

    public init(
        name: KeyName, secret: Secret, models: [String]? = nil, allowedAddresses: [IPBlock]? = nil,
        expires: WallTime? = nil, limits: LimitSpec = .init(), origin: Origin = .builtIn
    ) {
        self.name = name
        self.secret = secret
        self.models = models
        self.allowedAddresses = allowedAddresses
        self.expires = expires
        self.limits = limits
        self.origin = origin
    }
}

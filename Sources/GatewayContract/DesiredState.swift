import GatewayCore

/// What should be served: plain values with their origin. Configuration produces it, the compiler turns it into a
/// routing snapshot, the link between the planes carries it. Names are resolved by the compiler, not here.
public struct DesiredState: Sendable, Equatable {
    /// SHA-256 over every file it was read from, 64 hexadecimal digits: the name of this revision in logs and metrics.
    public var revision: String
    /// The sections `listen` and `server`.
    public var server: ServerSettings
    /// The section `telemetry.access_log`.
    public var accessLog: AccessLogSettings
    /// In the order of the files, and the built-in `echo` unless another provider has its name. Names are unique.
    public var providers: [ProviderSpec]
    /// Those of the section `deployments`, and one for each `provider/model` that a model uses without declaring it.
    public var deployments: [DeploymentSpec]
    /// In the order of the files, which is that of `GET /v1/models`; wildcards, which are not listed there, among them.
    public var models: [ModelSpec]
    /// Inference keys. They do not go into the snapshot but into the key table beside it.
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
    /// The key of its entry in `providers`.
    public var name: ProviderName
    /// `type`, or the provider's name when that is one of the types.
    public var type: ProviderType
    /// Parsed from `base_url`, or from `endpoint` for Azure. `echo` has none.
    public var baseURL: BaseURL?
    /// `nil`: the provider is called without a credential (`api_key: none`).
    public var apiKey: Secret?
    /// Sent with every request of this provider, after the gateway's own headers.
    public var headers: [HeaderSpec]
    /// Azure only; empty means the `/openai/v1` paths.
    public var apiVersion: String?
    /// They hold for every attempt at this provider; of several attempts the first one's `total` holds for all.
    public var timeouts: UpstreamTimeouts
    /// PEM file with the certificate authorities to trust instead of the system's.
    public var caFile: String?
    /// 1 to 65,535, open and opening. Each loop has an equal share, rounded up; when its share is in use, a request
    /// waits for a connection, for as long as `timeouts.connect` allows.
    public var connectionsMax: Int
    /// Read for type `echo` only; the configuration refuses it elsewhere.
    public var faults: EchoFaults
    /// The place of its name.
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
    /// A token of RFC 9110, 5.6.2, as written. Never one that the connection or the gateway sets itself.
    public var name: String
    /// 1 to 8,192 bytes of visible ASCII with blanks inside (RFC 9110, 5.5).
    public var value: Secret

    public init(name: String, value: Secret) {
        self.name = name
        self.value = value
    }
}

/// The parts of `http[s]://host[:port][/path]`.
public struct BaseURL: Sendable, Hashable {
    /// True for `https`.
    public var tls: Bool
    /// Lower case; an IPv6 address without brackets.
    public var host: String
    /// 1 to 65,535; when none is written, that of the scheme.
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
    /// To a connection that can be used: waiting for a place in the pool, name, TCP and TLS.
    public var connect: TimeSpan
    /// From the request's last byte to the answer's head. `nil`: `firstContent` for streams, `total` otherwise.
    public var head: TimeSpan?
    /// To the first event with content; comments and role-only deltas do not count.
    public var firstContent: TimeSpan
    /// From one event with content to the next; of whole answers, from one piece of the body to the next.
    public var interContent: TimeSpan
    /// From dispatch on, over all attempts; a route version's `totalTimeout` takes its place.
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
    /// `no_usage`: answer without usage, as some providers do; what was used is then estimated.
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
    /// The key of its entry in `deployments`, or `provider/model`. Its health lives on under it.
    public var name: DeploymentName
    /// Found by the compiler: E3002 when there is none.
    public var provider: ProviderName
    /// The name the provider knows it by. For Azure: the Azure deployment.
    public var upstreamModel: ModelName
    /// Share in a pool: 0 to 1,000; 0 takes no new traffic unless nothing else is left.
    public var weight: Int
    /// The place of its name, or of the `provider/model` that made it.
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
    /// Where requests for the name go.
    public enum Target: Sendable, Equatable {
        /// Tiers in order: a pool of one or more deployments, then the fallbacks.
        case deployments([[Reference<DeploymentKind>]])
        /// `"prefix/*"`: the rest of the name goes to that provider as it is.
        case passthrough(Reference<ProviderNameKind>)
    }

    /// With `passthrough` it ends in `*`, and no other place has one.
    public var name: ModelName
    /// `use` or `pool` with `policy.fallback`; or `passthrough`.
    public var target: Target
    /// `policy.retry`. A wildcard has no second attempt, whatever it says.
    public var retry: RetryPolicy
    /// What all callers of this model may use together. Those of a wildcard are shared by all its names.
    public var limits: LimitSpec
    /// The place of its name.
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
    /// As it was written.
    public var name: Name<Kind>
    /// The place of the reference, for the message when nothing has that name.
    public var origin: Origin

    public init(_ name: Name<Kind>, origin: Origin = .builtIn) {
        self.name = name
        self.origin = origin
    }
}

/// When another attempt is made. It never is once a byte of the answer has reached the client.
public struct RetryPolicy: Sendable, Equatable {
    /// Kinds of failure, as in `policy.retry.on`.
    public struct Conditions: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// `connect`: no connection could be had in time, or it broke before the answer to the client had begun.
        public static let connect = Conditions(rawValue: 1)
        /// `429`: an answer with that status.
        public static let tooManyRequests = Conditions(rawValue: 2)
        /// `5xx`: such a status, an answer that is not valid, or a stream that ends in an error event before its
        /// content.
        public static let serverError = Conditions(rawValue: 4)
        /// `timeout`: the answer's head or its first content did not come in time.
        public static let timeout = Conditions(rawValue: 8)
        /// The default.
        public static let all: Conditions = [.connect, .tooManyRequests, .serverError, .timeout]
    }

    /// Further attempts at deployments of the same tier: 0 to 10. A fallback to the next tier needs none of them.
    public var attempts: Int
    /// What is worth another attempt, in the same tier or the next: a fallback asks for it as a retry does.
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
    /// `tpm`, 1 to 1,000,000,000: input and output together, taken by an estimate and corrected at the end.
    public var tokensPerMinute: Int?
    /// `concurrency`, 1 to 1,000,000: exchanges from admission to their end.
    public var concurrency: Int?

    public init(requestsPerMinute: Int? = nil, tokensPerMinute: Int? = nil, concurrency: Int? = nil) {
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.concurrency = concurrency
    }

    /// Nothing is limited: such a scope takes no cells in the slab.
    public var isEmpty: Bool {
        self.requestsPerMinute == nil && self.tokensPerMinute == nil && self.concurrency == nil
    }
}

import GatewayCore

/// What an exchange used, in disjoint units: no token stands in two of them, none is ever negative (pitfalls M-6, M-7).
public struct UsageUnits: Sendable, Hashable {
    public var inputUncached: Int64 = 0
    public var cacheRead: Int64 = 0
    public var cacheWrite5m: Int64 = 0
    public var cacheWrite1h: Int64 = 0
    /// Visible output, without reasoning.
    public var output: Int64 = 0
    public var reasoning: Int64 = 0
    public var audioInput: Int64 = 0
    public var audioOutput: Int64 = 0
    public var imageInput: Int64 = 0
    /// Calls of server-side tools that the provider counts (web searches, …).
    public var toolUnits: Int64 = 0

    public init() {}

    public var inputTotal: Int64 {
        self.inputUncached &+ self.cacheRead &+ self.cacheWrite5m &+ self.cacheWrite1h &+ self.audioInput
            &+ self.imageInput
    }
    public var outputTotal: Int64 { self.output &+ self.reasoning &+ self.audioOutput }
    public var total: Int64 { self.inputTotal &+ self.outputTotal }
}

/// Who counted.
public enum UsageSource: String, Sendable, CaseIterable {
    /// The provider reported it.
    case provider
    /// Counted here: a stream that was cut, or a provider that reports nothing.
    case estimated
    /// Nothing was used: a refusal, an error, a client that got no content.
    case none
}

/// How an exchange ended.
public enum ExchangeOutcome: String, Sendable, CaseIterable {
    case completed
    /// Refused before anything was sent to a provider.
    case refused
    /// Failed at the provider; the client got an error.
    case failed
    /// The answer broke off after the client had its head.
    case truncated
    /// The client left.
    case clientLeft = "client_left"
}

/// One try at one deployment.
public struct AttemptRecord: Sendable, Equatable {
    public var deployment: DeploymentName
    /// 0 when no head of an answer arrived.
    public var status: Int
    public var error: ErrorCode?
    public var elapsed: TimeSpan

    public init(deployment: DeploymentName, status: Int, error: ErrorCode?, elapsed: TimeSpan) {
        self.deployment = deployment
        self.status = status
        self.error = error
        self.elapsed = elapsed
    }
}

/// What one exchange was, used and took: exactly one per exchange, written by its one terminal transition.
public struct UsageRecord: Sendable {
    public var requestID: String
    public var startedAt: WallTime
    public var generation: UInt64
    public var route: RouteName?
    public var version: VersionName?
    public var endpoint: Endpoint?
    public var method: String = ""
    public var key: KeyName?
    public var clientAddress: IPAddress?
    /// As the client sent it, at most 128 bytes; for metrics only the configured name may be used.
    public var modelRequested: String?
    /// The configured name that it resolved to: bounded, fit for labels.
    public var model: ModelName?
    public var provider: ProviderName?
    public var deployment: DeploymentName?
    public var isStream = false
    /// What the client saw; 499 when it left first.
    public var status = 0
    public var error: ErrorCode?
    public var errorDetail: String?
    public var outcome = ExchangeOutcome.refused
    public var admitted = false
    public var usage = UsageUnits()
    public var usageSource = UsageSource.none
    public var attempts: [AttemptRecord] = []
    public var requestBytes: Int64 = 0
    public var responseBytes: Int64 = 0
    /// From the request's first byte to the terminal transition.
    public var elapsed = TimeSpan.zero
    /// To the first content event (streams), or to the first byte of the body.
    public var firstContent: TimeSpan?
    /// `elapsed` without the time spent waiting for providers and for the client's own bytes.
    public var overhead = TimeSpan.zero

    public init(requestID: String, startedAt: WallTime, generation: UInt64) {
        self.requestID = requestID
        self.startedAt = startedAt
        self.generation = generation
    }
}

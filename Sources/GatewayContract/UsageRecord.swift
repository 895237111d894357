import GatewayCore

/// What an exchange used, in disjoint units: no token stands in two of them, none is ever negative (pitfalls M-6, M-7).
///
/// Tokens, but for `toolUnits`. The dialects make it from a provider's report, whose numbers end at 2^53 so that sums
/// do not overflow, or by an estimate. Limits, access log and metrics read the same value, and so agree (M-8).
public struct UsageUnits: Sendable, Hashable {
    /// Input at the plain price: text, and whatever the provider does not tell apart.
    public var inputUncached: Int64 = 0
    /// Input that came from the provider's prompt cache, of whatever kind it was.
    public var cacheRead: Int64 = 0
    /// Input written to a prompt cache for 5 minutes, or for as long as the provider does not say.
    public var cacheWrite5m: Int64 = 0
    /// Input written to a prompt cache for an hour; its price is another one (M-9).
    public var cacheWrite1h: Int64 = 0
    /// Visible output, without reasoning.
    public var output: Int64 = 0
    /// Output that was thought and not shown.
    public var reasoning: Int64 = 0
    /// Sound in the input, as far as it was not cached.
    public var audioInput: Int64 = 0
    /// Sound in the output.
    public var audioOutput: Int64 = 0
    /// Pictures in the input, as far as they were not cached.
    public var imageInput: Int64 = 0
    /// Calls of server-side tools that the provider counts (web searches, …).
    public var toolUnits: Int64 = 0

    /// Nothing used.
    public init() {}

    /// All input tokens: every kind, cached or not.
    public var inputTotal: Int64 {
        self.inputUncached &+ self.cacheRead &+ self.cacheWrite5m &+ self.cacheWrite1h &+ self.audioInput
            &+ self.imageInput
    }
    /// All output tokens, shown or not.
    public var outputTotal: Int64 { self.output &+ self.reasoning &+ self.audioOutput }
    /// What counts against `tpm`: input and output, without `toolUnits`.
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
    /// The one that was tried; for a wildcard, which has none, the name of the model.
    public var deployment: DeploymentName
    /// 0 when no head of an answer arrived.
    public var status: Int
    /// What broke the attempt off, a client that left included. `nil` when the provider answered, with whatever status.
    public var error: ErrorCode?
    /// From its choice to its end, connecting included.
    public var elapsed: TimeSpan

    public init(deployment: DeploymentName, status: Int, error: ErrorCode?, elapsed: TimeSpan) {
        self.deployment = deployment
        self.status = status
        self.error = error
        self.elapsed = elapsed
    }
}

/// What one exchange was, used and took: exactly one per exchange, written by its one terminal transition.
///
/// An exchange fills it as it goes; what an early refusal never came to is `nil`, 0 or empty. The access log and the
/// metrics are made of it and of nothing else. Holds no path, query, header, credential or content.
public struct UsageRecord: Sendable {
    /// The client's `x-request-id` when it is 1 to 128 letters, digits, `-`, `_`, `.` or `:`, else one made here; the
    /// provider gets it too.
    public var requestID: String
    /// When the head had been read. Decides whether a key has expired and a version's sunset has passed.
    public var startedAt: WallTime
    /// Of the snapshot that served it to its end; 0 before the first one is there.
    public var generation: UInt64
    /// `nil`: no route was found.
    public var route: RouteName?
    /// Known with `route`.
    public var version: VersionName?
    /// Known with `route`.
    public var endpoint: Endpoint?
    /// As on the wire; empty when it is none that the gateway knows.
    public var method: String = ""
    /// `nil`: the route asks for none, or none that is valid was presented. An expired or revoked one is named.
    public var key: KeyName?
    /// The public id of what was presented; `nil` for a secret that the operator chose.
    public var keyID: KeyID?
    /// What was presented is the credential that a rotation replaced.
    public var usedPreviousKey = false
    /// Whose the key is.
    public var owner: KeyOwner?
    /// The peer of the connection, whatever `X-Forwarded-For` says.
    public var clientAddress: IPAddress?
    /// As the client sent it, at most 128 bytes; for metrics only the configured name may be used.
    public var modelRequested: String?
    /// The configured name that it resolved to: bounded, fit for labels.
    public var model: ModelName?
    /// Of the last attempt; `nil` when there was none.
    public var provider: ProviderName?
    /// Of the last attempt; of a wildcard the name of the model.
    public var deployment: DeploymentName?
    /// Whether the client asked for a stream.
    public var isStream = false
    /// What the client saw; 499 when it left first.
    public var status = 0
    /// What went wrong in the end, also when the client had seen 200 by then; `nil` for what completed and for a
    /// redirect.
    public var error: ErrorCode?
    /// For the log only: the client never sees it.
    public var errorDetail: String?
    /// How it ended.
    public var outcome = ExchangeOutcome.refused
    /// Whether it passed every stage of admission, limits included. What is answered here, as lists of models are, did
    /// not.
    public var admitted = false
    /// Nothing but zeros where `usageSource` is `none`.
    public var usage = UsageUnits()
    /// Whether `usage` was reported, estimated, or is nothing.
    public var usageSource = UsageSource.none
    /// In the order in which they were made; a stale pooled connection that was replaced is none.
    public var attempts: [AttemptRecord] = []
    /// The body as received: before inflating, without framing.
    public var requestBytes: Int64 = 0
    /// The body as handed to the client's connection: after inflating, without framing.
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

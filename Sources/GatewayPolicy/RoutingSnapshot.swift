import GatewayContract
import GatewayCore

/// The immutable compiled form that a node runs on. Loops adopt it by message; an exchange keeps the one it began with.
public final class RoutingSnapshot: Sendable {
    /// Increases with every snapshot that was adopted.
    public let generation: UInt64
    /// Names the configuration that it was compiled from.
    public let revision: String
    /// Bounds on clients, for the loops and for each request; addresses to listen on and the drain, for the daemon.
    public let server: ServerSettings
    /// Where lines go; the daemon redirects its log when it adopts the snapshot.
    public let accessLog: AccessLogSettings
    /// In the order of the desired state. A place in it is what `Deployment.provider` and `Model.passthroughProvider`
    /// hold.
    public let providers: [ProviderSpec]
    /// In the order of the desired state; `Model.tiers` holds places in it.
    public let deployments: [Deployment]
    /// In the order of the desired state, wildcards included; `modelTable` and versions of routes hold places in it.
    public let models: [Model]
    /// From the name that a client sent to a place in `models`.
    public let modelTable: ModelTable
    /// From the head of a request to a version of a route; built-in routes included.
    public let routes: RouteTable
    /// What is doubtful in it but keeps nothing from working.
    public let warnings: [CompileProblem]

    init(
        generation: UInt64, desired: DesiredState, deployments: [Deployment], models: [Model], modelTable: ModelTable,
        routes: RouteTable, warnings: [CompileProblem]
    ) {
        self.generation = generation
        self.revision = desired.revision
        self.server = desired.server
        self.accessLog = desired.accessLog
        self.providers = desired.providers
        self.deployments = deployments
        self.models = models
        self.modelTable = modelTable
        self.routes = routes
        self.warnings = warnings
    }
}

/// One model at one provider. An object, so that whoever holds one copies a reference and not its names.
public final class Deployment: Sendable {
    /// In `RoutingSnapshot.deployments`.
    public let index: Int
    /// Its health and its metrics live on over reloads by this name.
    public let name: DeploymentName
    /// In `RoutingSnapshot.providers`.
    public let provider: Int
    /// What the provider calls the model: sent to it in place of the client's name.
    public let upstreamModel: ModelName
    /// `upstreamModel` as a JSON string with its quotes: ready to be spliced into a body.
    public let upstreamModelLiteral: [UInt8]
    /// 0 to 1,000.
    public let weight: Int

    init(
        index: Int, name: DeploymentName, provider: Int, upstreamModel: ModelName, upstreamModelLiteral: [UInt8],
        weight: Int
    ) {
        self.index = index
        self.name = name
        self.provider = provider
        self.upstreamModel = upstreamModel
        self.upstreamModelLiteral = upstreamModelLiteral
        self.weight = weight
    }
}

/// A name that clients send, resolved. An object, as `Deployment` is.
public final class Model: Sendable {
    /// In `RoutingSnapshot.models`.
    public let index: Int
    /// With a `*` at its end for a wildcard.
    public let name: ModelName
    /// Deployments in the order in which they are tried: a pool, then fallbacks. Empty for a wildcard.
    public let tiers: [[Int]]
    /// The provider that a wildcard's names go to.
    public let passthroughProvider: Int?
    /// UTF-8 bytes of the client's name that a wildcard takes off; the rest is the provider's name for the model.
    public let passthroughPrefixCount: Int
    /// When another deployment is tried. A wildcard has no second attempt, whatever it says.
    public let retry: RetryPolicy
    /// What all its callers may use together, under whichever name a wildcard is called; `LimitCells.none` without any.
    public let limits: LimitCells
    /// For model lists: unix seconds.
    public let created: Int64

    init(
        index: Int, name: ModelName, tiers: [[Int]], passthroughProvider: Int?, passthroughPrefixCount: Int,
        retry: RetryPolicy, limits: LimitCells, created: Int64
    ) {
        self.index = index
        self.name = name
        self.tiers = tiers
        self.passthroughProvider = passthroughProvider
        self.passthroughPrefixCount = passthroughPrefixCount
        self.retry = retry
        self.limits = limits
        self.created = created
    }
}

import GatewayContract
import GatewayCore

@testable import GatewayPolicy

/// The configurations of the simulated world: small bounds everywhere, so that every bound is met often.
enum Landscape {
    static let models: [ModelName] = ["solo", "pool", "ladder", "tight"]
    static let waitersMax = 3
    /// The largest bound of connections that any variant gives one endpoint.
    static let connectionsMax = 3
    static let bodyBytesMax = 2400
    static let inFlightBytesMax = 4000
    static let replayBytesMax = 700
    static let variantCount = 3
    static let unknownSecret = "sk-test-unknown-0000000000000000"

    struct Key {
        let name: KeyName
        let requestsPerMinute: Int?
        let tokensPerMinute: Int?
        let concurrency: Int?

        var secret: String { "sk-test-simulated-\(self.name.text)-0000000000" }
        var limits: LimitSpec {
            LimitSpec(
                requestsPerMinute: self.requestsPerMinute, tokensPerMinute: self.tokensPerMinute,
                concurrency: self.concurrency)
        }
    }

    static let keys = [
        Key(name: "free", requestsPerMinute: nil, tokensPerMinute: nil, concurrency: nil),
        Key(name: "narrow", requestsPerMinute: 4, tokensPerMinute: nil, concurrency: 3),
        Key(name: "metered", requestsPerMinute: 8, tokensPerMinute: 900, concurrency: 4),
    ]

    /// Simultaneous exchanges of the model `tight`; a reload changes it.
    static func tightConcurrency(_ variant: Int) -> Int { variant == 2 ? 1 : 2 }

    /// Attempts that an exchange of that model may ever make: of each tier one, and as many more as its `retry` says.
    static func attemptsMax(_ model: ModelName) -> Int {
        switch model {
        case "solo": 1
        case "pool": 2
        case "ladder": 6
        default: 4
        }
    }

    static func desired(_ variant: Int) -> DesiredState {
        var server = ServerSettings()
        server.limits.bodyBytesMax = Self.bodyBytesMax
        return DesiredState(
            revision: "variant \(variant)", server: server, providers: Self.providers(variant),
            deployments: [
                DeploymentSpec(name: "a", provider: "alpha", upstreamModel: "a-large", weight: 2),
                DeploymentSpec(name: "b", provider: "beta", upstreamModel: "b-small"),
                DeploymentSpec(name: "e", provider: "echo", upstreamModel: "echo"),
            ],
            models: Self.models(variant))
    }

    /// Variant 1 moves a provider to another address, variant 2 lowers a bound.
    private static func providers(_ variant: Int) -> [ProviderSpec] {
        let timeouts = UpstreamTimeouts(
            connect: .milliseconds(400), head: nil, firstContent: .seconds(2), interContent: .seconds(1),
            total: .seconds(6))
        return [
            ProviderSpec(
                name: "alpha", type: .openaiCompatible,
                baseURL: BaseURL(tls: false, host: variant == 1 ? "192.0.2.9" : "192.0.2.1", port: 80, path: "/v1"),
                timeouts: timeouts, connectionsMax: Self.connectionsMax),
            ProviderSpec(
                name: "beta", type: .openaiCompatible,
                baseURL: BaseURL(tls: false, host: "192.0.2.2", port: 80, path: "/v1"), timeouts: timeouts,
                connectionsMax: variant == 2 ? 1 : 2),
            ProviderSpec(
                name: "echo", type: .echo, timeouts: timeouts,
                faults: EchoFaults(
                    delay: .milliseconds(20), eventDelay: .milliseconds(30), resetAfter: variant == 2 ? 2 : nil)),
        ]
    }

    private static func models(_ variant: Int) -> [ModelSpec] {
        let (a, b, e) = (Reference<DeploymentKind>("a"), Reference<DeploymentKind>("b"), Reference<DeploymentKind>("e"))
        return [
            ModelSpec(name: "solo", target: .deployments([[a]])),
            ModelSpec(name: "pool", target: .deployments([[a, b]]), retry: RetryPolicy(attempts: 1)),
            ModelSpec(name: "ladder", target: .deployments([[a], [b], [e]]), retry: RetryPolicy(attempts: 1)),
            ModelSpec(
                name: "tight", target: .deployments([[b], [e]]), retry: RetryPolicy(attempts: 1),
                limits: LimitSpec(concurrency: Self.tightConcurrency(variant))),
        ]
    }

    /// Compiled once, because that is most of the time that a short history takes.
    private static let compiled: [RoutingSnapshot] = (0..<Self.variantCount).compactMap { variant in
        try? SnapshotCompiler.compile(Self.desired(variant), generation: 0, limits: LimitSlab(capacity: 16)).get()
    }

    /// - Returns: `nil` when a variant does not compile, or its limits have other cells in that slab.
    static func snapshot(_ variant: Int, generation: UInt64, limits: LimitSlab) -> RoutingSnapshot? {
        guard Self.compiled.count == Self.variantCount else { return nil }
        let compiled = Self.compiled[variant]
        let desired = Self.desired(variant)
        for (spec, model) in zip(desired.models, compiled.models)
        where limits.cells(for: spec.limits, ofModel: spec.name) != model.limits { return nil }
        return RoutingSnapshot(
            generation: generation, desired: desired, deployments: compiled.deployments, models: compiled.models,
            modelTable: compiled.modelTable, routes: compiled.routes, warnings: [])
    }

    static var keySpecs: [KeySpec] {
        Self.keys.map { KeySpec(name: $0.name, secret: Secret($0.secret), limits: $0.limits) }
    }
}

import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayPolicy
import GatewayUpstream

/// A snapshot as one loop sees it, with what is prepared per loop. An exchange keeps the one that it began with, so
/// that it sees one generation from its first byte to its record.
final class LoopSnapshot {
    let routing: RoutingSnapshot
    let keys: KeyTable
    /// Under the pepper of `keys`.
    let hasher: KeyHasher
    /// By provider; `nil` for `echo`.
    let endpoints: [UpstreamEndpoint?]
    /// By deployment.
    let health: [HealthCell]
    /// By deployment and endpoint, made when first needed.
    private var targets: [PreparedTarget]
    /// By model and endpoint, found out when first asked.
    private var services: [Service?]

    private enum PreparedTarget {
        case unknown, none
        case target(Target)
    }

    /// How many of a model's deployments take requests of an endpoint.
    enum Service {
        case none, some, all
    }

    init(routing: RoutingSnapshot, keys: KeyTable, hasher: KeyHasher, health: [HealthCell], loops: Int) {
        self.routing = routing
        self.keys = keys
        self.hasher = hasher
        self.health = health
        self.endpoints = routing.providers.map { UpstreamEndpoint(provider: $0, loops: loops) }
        let endpoints = Endpoint.allCases.count
        self.targets = Array(repeating: .unknown, count: routing.deployments.count * endpoints)
        self.services = Array(repeating: nil, count: routing.models.count * endpoints)
    }

    /// `nil` when the deployment's provider does not serve that endpoint.
    func target(deployment: Int, endpoint: Endpoint) -> Target? {
        let slot = deployment * Endpoint.allCases.count + endpoint.place
        switch self.targets[slot] {
        case .target(let target): return target
        case .none: return nil
        case .unknown:
            let compiled = self.routing.deployments[deployment]
            let target = Target(
                compiled, endpoint: endpoint, routing: self.routing, address: self.endpoints[compiled.provider],
                health: self.health[deployment])
            self.targets[slot] = target.map { .target($0) } ?? .none
            return target
        }
    }

    func service(_ model: Model, _ endpoint: Endpoint) -> Service {
        let slot = model.index * Endpoint.allCases.count + endpoint.place
        if let known = self.services[slot] { return known }
        let service = self.findService(model, endpoint)
        self.services[slot] = service
        return service
    }

    private func findService(_ model: Model, _ endpoint: Endpoint) -> Service {
        if let provider = model.passthroughProvider {
            return self.routing.providers[provider].type.speaks(endpoint.family) ? .all : .none
        }
        let deployments = model.tiers.flatMap { $0 }
        let serving = deployments.filter { self.target(deployment: $0, endpoint: endpoint) != nil }
        return serving.count == deployments.count ? .all : serving.isEmpty ? .none : .some
    }
}

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
    /// By provider; `nil` for `echo`.
    let endpoints: [UpstreamEndpoint?]
    /// By deployment.
    let health: [HealthCell]
    /// By deployment and endpoint, made when first needed.
    private var calls: [PreparedCall?]
    private var isPrepared: [Bool]

    init(routing: RoutingSnapshot, keys: KeyTable, health: [HealthCell], loops: Int) {
        self.routing = routing
        self.keys = keys
        self.health = health
        self.endpoints = routing.providers.map { UpstreamEndpoint(provider: $0, loops: loops) }
        let count = routing.deployments.count * Endpoint.allCases.count
        self.calls = Array(repeating: nil, count: count)
        self.isPrepared = Array(repeating: false, count: count)
    }

    /// `nil` when the deployment's provider does not serve that endpoint.
    func call(deployment: Int, endpoint: Endpoint) -> PreparedCall? {
        let slot = deployment * Endpoint.allCases.count + endpoint.place
        if !self.isPrepared[slot] {
            let spec = self.routing.deployments[deployment]
            self.calls[slot] = PreparedCall.prepare(
                provider: self.routing.providers[spec.provider], upstreamModel: spec.upstreamModel, endpoint: endpoint)
            self.isPrepared[slot] = true
        }
        return self.calls[slot]
    }

    /// Whether every deployment of the model can take requests of that endpoint: then none has to be left out.
    func allServe(_ model: Model, _ endpoint: Endpoint) -> Bool {
        for tier in model.tiers {
            for deployment in tier where !self.serves(deployment, endpoint) { return false }
        }
        return true
    }

    /// Whether the deployment can take requests of that endpoint.
    func serves(_ deployment: Int, _ endpoint: Endpoint) -> Bool {
        let provider = self.routing.providers[self.routing.deployments[deployment].provider]
        return provider.type == .echo || self.call(deployment: deployment, endpoint: endpoint) != nil
    }
}

import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayPolicy
import GatewayUpstream
import GatewayWire

/// Where an attempt goes: a deployment, or a provider that a wildcard names, for one endpoint.
///
/// A loop makes it once and all attempts share it, so that an attempt holds one reference and copies no name.
final class Target {
    /// In the snapshot's deployments; `nil` for a wildcard.
    let deployment: Int?
    let name: DeploymentName
    let provider: ProviderSpec
    let upstreamModel: ModelName
    /// `upstreamModel` as a JSON string literal.
    let upstreamModelLiteral: [UInt8]
    /// `nil` for `echo`.
    let prepared: PreparedCall?
    /// Where the pool connects to; `nil` for `echo`.
    let address: UpstreamEndpoint?
    /// `nil` for a wildcard: what it leads to has no health of its own.
    let health: HealthCell?
    /// The lines that tell the client who answered.
    let answerLines: [UInt8]

    /// - Returns: `nil` when the provider does not serve that endpoint.
    init?(
        _ deployment: Deployment, endpoint: Endpoint, routing: RoutingSnapshot, address: UpstreamEndpoint?,
        health: HealthCell
    ) {
        let provider = routing.providers[deployment.provider]
        let prepared = PreparedCall.prepare(
            provider: provider, upstreamModel: deployment.upstreamModel, endpoint: endpoint)
        guard prepared != nil || provider.type == .echo else { return nil }
        self.deployment = deployment.index
        self.name = deployment.name
        self.provider = provider
        self.upstreamModel = deployment.upstreamModel
        self.upstreamModelLiteral = deployment.upstreamModelLiteral
        self.prepared = prepared
        self.address = address
        self.health = health
        self.answerLines = Self.lines(provider.name, deployment.name)
    }

    /// A wildcard's target, for the one model that a request names.
    init?(
        wildcard model: Model, provider: ProviderSpec, upstreamModel: ModelName, endpoint: Endpoint,
        address: UpstreamEndpoint?
    ) {
        let prepared = PreparedCall.prepare(provider: provider, upstreamModel: upstreamModel, endpoint: endpoint)
        guard prepared != nil || provider.type == .echo else { return nil }
        self.deployment = nil
        self.name = DeploymentName(model.name.text)
        self.provider = provider
        self.upstreamModel = upstreamModel
        self.upstreamModelLiteral = JSONText.quote(upstreamModel.text)
        self.prepared = prepared
        self.address = address
        self.health = nil
        self.answerLines = Self.lines(provider.name, self.name)
    }

    private static func lines(_ provider: ProviderName, _ deployment: DeploymentName) -> [UInt8] {
        Array("x-penstock-provider: \(provider)\r\nx-penstock-deployment: \(deployment)\r\n".utf8)
    }
}

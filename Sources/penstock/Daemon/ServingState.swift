import GatewayConfig
import GatewayContract
import GatewayCore
import GatewayHTTP
import GatewayPolicy
import GatewayTelemetry
import Synchronization

/// What is being served and how the last change went: for health, metrics and the reload command.
struct ServingState: Sendable {
    var generation: UInt64
    var revision: String
    var routing: RoutingSnapshot
    var desired: DesiredState
    var watched: WatchedSet
    var keyCount: Int
    /// TLS of the listeners that have it.
    var tls: [ListenAddress: ServerTLS]
    /// The report of the configuration that was refused last; `nil` when the last one was taken.
    var refusal: String?
    var changedAt: WallTime

    var health: HealthState {
        HealthState(generation: self.generation, revision: self.revision, configProblem: self.refusal)
    }
}

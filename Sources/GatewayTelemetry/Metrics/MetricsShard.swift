import GatewayContract
import GatewayCore

/// Which limit refused a request: the label `kind` of `penstock_limit_rejections_total`.
public enum LimitRejectionKind: String, Sendable, CaseIterable {
    case rpm, tpm, concurrency
}

/// What a loop thinks of a deployment: the value of `penstock_deployment_state`. Over loops the worst one counts.
public enum DeploymentStateLevel: Int64, Sendable, CaseIterable {
    case healthy = 0, probing, backingOff, ejected
}

/// The metrics of one event loop: plain integers, touched only on that loop. `copy()` hands them out as a value.
///
/// Recording builds no string and takes no lock. Memory is bounded by `seriesMax` label sets per metric.
public final class MetricsShard {
    /// One stored value: each call below is one checked access to the class, whatever it touches.
    private var counters: ShardCounters

    /// - Parameter seriesMax: label sets per metric, the one named `other` included.
    public init(seriesMax: Int = MetricsSnapshot.seriesMaxDefault) {
        self.counters = .init(seriesMax: seriesMax)
    }

    /// Connections that clients have open on this loop.
    public var downstreamConnections: Int {
        get { Int(self.counters.state.downstreamConnections) }
        set { self.counters.state.downstreamConnections = Int64(newValue) }
    }

    /// Connections open to providers from this loop, idle ones included.
    public var upstreamConnections: Int {
        get { Int(self.counters.state.upstreamConnections) }
        set { self.counters.state.upstreamConnections = Int64(newValue) }
    }

    /// Counts a finished exchange. Called once per exchange, by its terminal transition.
    ///
    /// Labels come from the resolved names only; `modelRequested` never becomes one (pitfall O-4). About 400
    /// instructions where the labels are those of the call before, several times that where they change every time.
    public func record(_ record: UsageRecord) { self.counters.record(record) }

    /// A request was refused by a limit. `scope` is whose limit it was (`key`, `model`, …): a word of ours, never a
    /// name.
    public func limitRejected(_ kind: LimitRejectionKind, scope: String) {
        self.counters.limitRejected(kind, scope: scope)
    }

    /// An exchange found its route. Each call is answered by one of `exchangeLeft` with the same route.
    public func exchangeEntered(_ route: RouteName) { self.counters.addInflight(1, route) }

    /// An exchange that had entered has ended.
    public func exchangeLeft(_ route: RouteName) { self.counters.addInflight(-1, route) }

    /// How late the loop ran something that was due: call it from the loop's own tick.
    public func loopLagged(_ lag: TimeSpan) { self.counters.state.loopLag.record(lag, to: .init()) }

    /// What this loop thinks of the deployment from now on.
    public func setState(_ level: DeploymentStateLevel, of deployment: DeploymentName) {
        self.counters.setState(level, of: deployment)
    }

    /// After a reload: deployments that are gone no longer show a state. Their counters stay.
    public func forgetDeployments(except remaining: [DeploymentName]) {
        self.counters.forgetDeployments(except: remaining)
    }

    /// The numbers as they are now. Copy-on-write: the next recording copies each table once (about 1 ms for full
    /// tables).
    public func copy() -> MetricsSnapshot { self.counters.state }
}

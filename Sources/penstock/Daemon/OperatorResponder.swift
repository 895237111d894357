import GatewayCore
import GatewayPipeline
import GatewayTelemetry
import NIOCore
import NIOPosix

/// Health, metrics, and on the control socket the reload: the operators' side of the daemon.
struct OperatorResponder: AdminResponder {
    let daemon: Daemon
    /// Only the owner's socket may change something.
    let mayReload: Bool

    func answer(_ method: HTTPMethod, path: String, on eventLoop: any EventLoop) -> EventLoopFuture<AdminAnswer> {
        switch (method, path) {
        case (.get, "/health/live"): eventLoop.makeSucceededFuture(Self.answer(Health.live()))
        case (.get, "/health/ready"): eventLoop.makeSucceededFuture(Self.answer(Health.ready(self.daemon.health)))
        case (.get, "/metrics"): self.metrics(on: eventLoop)
        case (.post, "/reload") where self.mayReload: self.reload(on: eventLoop)
        case (_, "/health/live"), (_, "/health/ready"), (_, "/metrics"):
            eventLoop.makeSucceededFuture(.problem(405, "Only GET is allowed here"))
        default: eventLoop.makeSucceededFuture(.problem(404, "There is no such page"))
        }
    }

    private static func answer(_ health: HealthAnswer) -> AdminAnswer {
        AdminAnswer(status: health.status, contentType: Health.contentType, body: health.body)
    }

    /// Collected from every loop, rendered off the loops.
    private func metrics(on eventLoop: any EventLoop) -> EventLoopFuture<AdminAnswer> {
        let daemon = self.daemon
        return EventLoopFuture.whenAllSucceed(daemon.loops.map { $0.metrics() }, on: eventLoop).flatMap { shards in
            NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
                let text = PrometheusText.render(
                    MetricsSnapshot.merged(shards), process: ProcessGauges.read(), gateway: daemon.gauges)
                return AdminAnswer(status: 200, contentType: PrometheusText.contentType, body: text)
            }
        }
    }

    private func reload(on eventLoop: any EventLoop) -> EventLoopFuture<AdminAnswer> {
        let daemon = self.daemon
        return NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
            let outcome = daemon.reload(because: "penstock reload")
            return AdminAnswer(
                status: outcome.isTaken ? 200 : 422, contentType: "text/plain; charset=utf-8",
                body: Array(outcome.text.utf8))
        }
    }
}

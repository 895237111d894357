import GatewayContract
import GatewayCore
import GatewayPolicy

/// What `penstock serve` says once it serves.
enum StartupText {
    static func render(_ daemon: Daemon, started: MonotonicTime, configuration: String) -> String {
        let serving = daemon.serving
        let routing = serving.routing
        let milliseconds = (MonotonicTime.now() - started).milliseconds
        let keys = serving.keyCount
        var lines = ["penstock \(PenstockVersion.text)"]
        lines.append(
            "  config   \(configuration) (revision \(serving.revision.prefix(12)), generation \(serving.generation))")
        for url in daemon.listeners.boundURLs(serving.tls) { lines.append("  listen   \(url)") }
        lines.append("  admin    http://\(routing.server.admin)/health/ready  /metrics")
        lines.append(
            "  serves   \(Self.count(routing.routes.routes.count, "route")), "
                + "\(Self.count(routing.models.count, "model")), "
                + "\(Self.count(keys, "key")), \(Self.count(routing.providers.count, "provider")) "
                + "on \(Self.count(daemon.loops.count, "loop"))")
        lines.append("  ready    after \(milliseconds) ms")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func count(_ count: Int, _ noun: String) -> String {
        count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
    }
}

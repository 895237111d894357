import GatewayContract
import GatewayCore
import GatewayPipeline
import GatewayPolicy
import GatewayTelemetry
import Glibc

extension Daemon {
    /// Stops accepting, lets exchanges finish up to their grace, closes what is left, writes the last log lines.
    /// On the main thread, after the signal.
    func drain() {
        let settings = self.serving.routing.server.drain
        let begun = MonotonicTime.now()
        self.log.log(.info, "draining", ["exchanges": "\(self.shared.exchangeCount)"])
        self.shared.startDraining()
        self.listeners.keepOnly([])
        for loop in self.loops { loop.closeIdleConnections() }
        while self.isBusy(since: begun, settings) {
            usleep(20_000)
            for loop in self.loops { loop.closeIdleConnections() }
        }
        let left = self.shared.exchangeCount
        for loop in self.loops {
            do {
                try loop.end()
            } catch {
                self.log.log(.error, "a loop did not end", ["reason": "\(error)"])
            }
        }
        self.log.log(.info, "stopped", ["exchanges_cut": "\(left)"])
    }

    /// Streams may take longer than other exchanges.
    private func isBusy(since begun: MonotonicTime, _ settings: DrainSettings) -> Bool {
        let elapsed = MonotonicTime.now() - begun
        let count = self.shared.exchangeCount
        guard count > 0 else {
            // What is answered may still be on its way to a slow reader.
            return elapsed < settings.grace && self.loops.contains { (try? $0.hasPendingOutput()) ?? false }
        }
        if elapsed < settings.grace { return true }
        return self.shared.streamCount > 0 && elapsed < settings.streamGrace
    }
}

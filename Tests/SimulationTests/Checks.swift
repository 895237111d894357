import GatewayContract
import GatewayCore
import GatewayHTTP
import NIOCore

@testable import GatewayPipeline
@testable import GatewayPolicy
@testable import GatewayUpstream

/// A rule that did not hold, and how to see it again.
struct Violation: Error, CustomStringConvertible {
    let seed: UInt64
    let rule: String
    let detail: String
    let event: Int
    let history: ArraySlice<String>

    var description: String {
        """
        SIM_SEED=\(self.seed): \(self.rule): \(self.detail), after event \(self.event):
        \(self.history.joined(separator: "\n"))
        """
    }
}

/// The invariants (reference/reliability.md 3), each checked after every event of the world.
extension World {
    func check() {
        let live = self.live
        for client in self.clients { self.checkClient(client) }
        self.checkLimits(live)
        self.checkConnections(live)
        self.checkResources(live)
        self.checkReferences()
        if live.count < self.clients.count {
            for client in self.clients where !client.isLive { self.checkEnd(client) }
            self.clients = live
        }
        if let complaint = self.network.complaint { self.fail("wire", complaint) }
    }

    /// Invariant 2: a record when the exchange ends, and only then. What was written has been flushed.
    private func checkClient(_ client: Client) {
        let isOver = !client.isLive
        if client.records.count != (isOver ? 1 : 0) {
            self.fail("records", "\(client.tag) has \(client.records.count), over: \(isOver)")
        }
        if let complaint = client.complaint { self.fail("answer", "\(client.tag): \(complaint)") }
        if client.unflushedBytes > 0 {
            self.fail("flush", "\(client.tag) waits for \(client.unflushedBytes) bytes that were written")
        }
        if client.ending != .open, !isOver { self.fail("end", "\(client.tag) goes on after its answer") }
        if client.ending == .open, isOver { self.fail("end", "\(client.tag) is over without an end for its client") }
        if client.buffered > 1000 + 2 * Answer.burstBytesMax, !client.isWritable {
            self.fail("back-pressure", "\(client.buffered) bytes wait for \(client.tag)")
        }
    }

    /// Invariants 4 and 6: what is reserved is what is in flight.
    private func checkLimits(_ live: [Client]) {
        let admitted = live.filter { $0.exchange?.record.admitted == true }
        for (name, gate) in self.keyGates {
            let expected = Int64(admitted.count { $0.key?.name == name })
            let inside = gate.inside(self.slab)
            if inside != expected { self.fail("limiter", "gate of \(name): \(inside) inside, \(expected) live") }
            if inside > gate.maximum { self.fail("limiter", "gate of \(name) holds \(inside)") }
        }
        let expected = Int64(admitted.count { $0.model == "tight" })
        let inside = self.modelGate?.inside(self.slab) ?? 0
        if inside != expected { self.fail("limiter", "gate of the model: \(inside) inside, \(expected) live") }
    }

    /// Invariant 16 and pitfall R-2: a connection has one user or none, and none is lost.
    private func checkConnections(_ live: [Client]) {
        let counts = self.state.pool.counts
        var leased: [ObjectIdentifier: String] = [:]
        var waiting = 0
        for client in live {
            switch client.exchange?.call {
            case .connection(let connection):
                if let other = leased.updateValue(client.tag, forKey: ObjectIdentifier(connection)) {
                    self.fail("leases", "\(client.tag) and \(other) have one connection")
                }
                // An answer that came before its form was whole may be paused beside a read that is under way.
                let mayBeReading = client.form != nil && connection.stashedBytes == 0
                if client.exchange?.isPausedByClient == true, !mayBeReading,
                    self.network.peers.contains(where: { $0.wantsRead && $0.isOf(connection) })
                {
                    self.fail("back-pressure", "\(client.tag) is paused and its provider is read")
                }
            case .waiting: waiting += 1
            case .echo, .none?, nil: break
            }
        }
        if counts.leased != leased.count { self.fail("leases", "\(counts.leased) leased, \(leased.count) in use") }
        if counts.waiting != waiting { self.fail("queues", "\(counts.waiting) queued, \(waiting) waiting") }
        let known = counts.idle + counts.connecting + counts.leased
        // What has closed stays its exchange's while that is paused and bytes are left.
        let paused = live.count { $0.exchange?.isPausedByClient == true }
        if !((known - paused)...known).contains(self.network.open) {
            self.fail("connections", "\(self.network.open) open, \(known) known")
        }
        for endpoint in self.endpoints where known + counts.waiting > 0 {
            let counts = self.state.pool.counts(of: endpoint)
            if counts.waiting > Landscape.waitersMax { self.fail("queues", "\(counts.waiting) wait for \(endpoint)") }
            if counts.idle + counts.connecting + counts.leased > Landscape.connectionsMax {
                self.fail("queues", "too many connections to \(endpoint)")
            }
        }
    }

    private func checkResources(_ live: [Client]) {
        let held = live.reduce(0) { $0 + ($1.exchange?.heldBytes ?? 0) }
        let sent = live.reduce(0) { $0 + $1.sentBytes }
        let released = live.reduce(0) { $0 + ($1.exchange?.releasedBytes ?? 0) }
        if self.shared.inFlightByteCount != held || held + released != sent {
            self.fail(
                "memory",
                "\(self.shared.inFlightByteCount) bytes counted, \(held) held, \(released) released, \(sent) sent")
        }
        if self.shared.inFlightByteCount > Landscape.inFlightBytesMax { self.fail("memory", "beyond the bound") }
        if self.shared.exchangeCount != live.count {
            self.fail("exchanges", "\(self.shared.exchangeCount) counted, \(live.count) live")
        }
        let streams = live.count { $0.exchange?.isStreamCounted == true }
        if self.shared.streamCount != streams {
            self.fail("exchanges", "\(self.shared.streamCount) streams counted, \(streams) live")
        }
        let dispatched = live.filter { $0.exchange?.machine.state != .receiving }
        if self.state.deadlines.count != dispatched.count {
            self.fail("deadlines", "\(self.state.deadlines.count) for \(dispatched.count) exchanges")
        }
        for client in dispatched {
            guard let deadline = client.exchange?.totalDeadline else { continue }
            if deadline <= self.references.lastTick { self.fail("deadlines", "\(client.tag) outlived its total") }
        }
    }

    /// Everything is over and idle connections have had their time.
    func checkAtRest() {
        let counts = self.state.pool.counts
        if counts != UpstreamPool.Counts() { self.fail("at rest", "\(counts)") }
        if self.network.open != 0 { self.fail("at rest", "\(self.network.open) connections are open") }
        if self.state.deadlines.count != 0 { self.fail("at rest", "\(self.state.deadlines.count) deadlines") }
        if self.shared.inFlightByteCount != 0 { self.fail("at rest", "\(self.shared.inFlightByteCount) bytes held") }
        if self.shared.exchangeCount != 0 { self.fail("at rest", "\(self.shared.exchangeCount) exchanges") }
        if self.shared.streamCount != 0 { self.fail("at rest", "\(self.shared.streamCount) streams") }
        self.checkLimits([])
    }
}

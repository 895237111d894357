import GatewayContract
import GatewayCore

@testable import GatewayPipeline
@testable import GatewayPolicy

/// What limiter and retry budget should decide, in the plainest arithmetic.
struct References {
    /// By key: a bucket in units of 1/60,000,000,000 request, which a rate per minute fills by its number per
    /// nanosecond.
    private var buckets: [KeyName: (level: Int64, at: MonotonicTime)] = [:]
    private var requests: [Int64: Int] = [:]
    private var retries: [Int64: Int] = [:]
    var lastTick = MonotonicTime(nanoseconds: 0)

    static let request: Int64 = 60_000_000_000

    /// What the bucket holds, as far as it matters.
    mutating func level(of key: Landscape.Key, at now: MonotonicTime) -> Int64? {
        guard let rate = key.requestsPerMinute.map(Int64.init) else { return nil }
        let full = rate * Self.request
        guard let bucket = self.buckets[key.name] else { return full }
        let filled = min(full, bucket.level + rate * min((now - bucket.at).nanoseconds, 120_000_000_000))
        self.buckets[key.name] = (filled, now)
        return filled
    }

    mutating func take(_ key: Landscape.Key, at now: MonotonicTime) {
        guard let level = self.level(of: key, at: now) else { return }
        self.buckets[key.name] = (level - Self.request, now)
    }

    mutating func requested(at now: MonotonicTime) {
        self.requests[now.nanoseconds / 1_000_000_000, default: 0] += 1
    }

    /// - Returns: false when so many retries are more than a tenth of the requests of ten seconds, and three.
    mutating func retried(_ count: Int, at now: MonotonicTime) -> Bool {
        let second = now.nanoseconds / 1_000_000_000
        self.retries[second, default: 0] += count
        let window = (second - 9)...second
        let retries = window.reduce(0) { $0 + (self.retries[$1] ?? 0) }
        return retries <= window.reduce(0) { $0 + (self.requests[$1] ?? 0) } / 10 + 3
    }
}

extension World {
    /// Invariants 4, 5 and 12: neither more nor fewer are admitted than the rate allows, and retries stay in their
    /// budget.
    func checkReferences() {
        let now = self.now
        var retries = 0
        for client in self.clients {
            guard let exchange = client.exchange else { continue }
            let attempts = exchange.machine.attempts
            if attempts > 0, client.countedAttempts == 0 { self.references.requested(at: now) }
            retries += max(0, attempts - max(1, client.countedAttempts))
            client.countedAttempts = attempts
            if exchange.record.admitted, !client.hasCountedAdmission { self.checkAdmission(client, at: now) }
            self.checkRefusal(client, at: now)
            if attempts > Landscape.attemptsMax(client.model) {
                self.fail("retry", "\(client.tag): \(attempts) attempts")
            }
        }
        if retries > 0, !self.references.retried(retries, at: now) { self.fail("retry", "beyond the budget") }
    }

    private func checkAdmission(_ client: Client, at now: MonotonicTime) {
        client.hasCountedAdmission = true
        guard let key = client.key, let level = self.references.level(of: key, at: now) else { return }
        if level < References.request { self.fail("limiter", "\(client.tag) was admitted beyond the rate of its key") }
        self.references.take(key, at: now)
    }

    private func checkRefusal(_ client: Client, at now: MonotonicTime) {
        guard let record = client.records.first, let key = client.key else { return }
        switch record.error {
        case .requestLimit:
            if let level = self.references.level(of: key, at: now), level < References.request { return }
            self.fail("limiter", "\(client.tag) was refused below the rate of its key")
        case .concurrencyLimit:
            let live = self.live.filter { $0.exchange?.record.admitted == true }
            let variant = self.variants[client.generation] ?? 0
            let isKeyFull = live.count { $0.key?.name == key.name } >= key.concurrency ?? Int.max
            let isModelFull =
                client.model == "tight"
                && live.count { $0.model == "tight" } >= Landscape.tightConcurrency(variant)
            if !isKeyFull, !isModelFull { self.fail("limiter", "\(client.tag) was refused while there was room") }
        default: break
        }
    }
}

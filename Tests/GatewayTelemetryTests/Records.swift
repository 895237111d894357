import GatewayContract
import GatewayCore

@testable import GatewayTelemetry

extension UsageRecord {
    /// A finished exchange of one attempt, with every label filled in.
    static func finished(
        route: RouteName = "chat", model: ModelName = "fast", provider: ProviderName = "openai", status: Int = 200
    ) -> UsageRecord {
        var record = UsageRecord(requestID: "req-0001", startedAt: .init(unixSeconds: 1_700_000_000), generation: 3)
        record.route = route
        record.version = "v1"
        record.endpoint = .chatCompletions
        record.method = "POST"
        record.key = "dev"
        record.clientAddress = IPAddress("192.0.2.7")
        record.modelRequested = model.text
        record.model = model
        record.provider = provider
        record.deployment = "openai/gpt-5-mini"
        record.status = status
        record.outcome = .completed
        record.admitted = true
        record.usage.inputUncached = 12
        record.usage.output = 30
        record.usageSource = .provider
        record.attempts = [
            .init(deployment: "openai/gpt-5-mini", status: status, error: nil, elapsed: .milliseconds(40))
        ]
        record.requestBytes = 600
        record.responseBytes = 1200
        record.elapsed = .microseconds(42_000)
        record.overhead = .microseconds(180)
        return record
    }
}

extension GatewayGauges {
    static let calm = GatewayGauges(
        generation: 3, revision: "r-1a2b", lastReloadSuccessful: true, lastReloadAt: .init(unixSeconds: 1_700_000_000),
        logLinesDropped: 0)
}

/// Small seeded generator (SplitMix64): the same seed, the same run.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = self.state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}

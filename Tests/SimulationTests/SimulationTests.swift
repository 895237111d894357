import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A seeded world around the real exchange, pool and limiter; every invariant is checked after every event.
///
/// `SIM_SEED=17` runs one history again, `SIM_SEEDS=100000` runs more than the thousand, `SIM_FIRST=5000` other ones.
@Suite struct SimulationTests {
    static let steps = 120
    static let slices = 8

    private static func setting(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }

    /// Guarantee: in no history is a record, a reservation, a lease, a held byte or an end lost or doubled.
    @Test(arguments: 0..<Self.slices)
    func noHistoryBreaksAnInvariant(slice: Int) throws {
        if let seed = Self.setting("SIM_SEED") {
            if slice == 0 { try Self.run(seed) }
            return
        }
        let first = Self.setting("SIM_FIRST") ?? 1
        let count = Self.setting("SIM_SEEDS") ?? 1000
        for seed in first..<(first + count) where seed % UInt64(Self.slices) == UInt64(slice) { try Self.run(seed) }
    }

    private static func run(_ seed: UInt64) throws {
        let world = try #require(World(seed: seed))
        if let violation = world.run(steps: Self.steps) { throw violation }
    }

    /// Guarantee: the histories are rich: every way to end, every limit, retries, stale connections, slow readers.
    @Test func theWorldReachesWhatItIsFor() throws {
        var tally: [String: Int] = [:]
        for seed in UInt64(2001)...2060 {
            let world = try #require(World(seed: seed))
            if let violation = world.run(steps: Self.steps) { throw violation }
            tally.merge(world.tally, uniquingKeysWith: +)
            tally["stale", default: 0] += world.network.staleCount
        }
        for name in [
            "completed", "refused", "failed", "truncated", "client_left", "usage provider", "usage estimated",
            "usage none", "retried completed", "retried failed", "read slowly", "stale", "upload completed",
            "upload refused", "upload failed", "upload client_left", "upload retried", "upload held back",
        ] + Self.errors {
            #expect(tally[name] ?? 0 > 0, "never reached: \(name) in \(tally)")
        }
    }

    private static let errors = [
        "requestLimit", "tokenLimit", "concurrencyLimit", "overloaded", "draining", "requestTimeout", "bodyTooLarge",
        "malformedBody", "keyInvalid", "modelNotFound", "upstreamUnreachable", "upstreamReset", "upstreamGarbage",
        "upstreamTruncated", "upstreamTimeout", "upstreamError",
    ]

    /// Guarantee: the same seed is the same history; otherwise a seed would be no bug report.
    @Test func aSeedReplays() throws {
        let histories = try (0..<2).map { _ in
            let world = try #require(World(seed: 42))
            _ = world.run(steps: Self.steps)
            return world.history
        }
        #expect(histories[0] == histories[1])
        #expect(histories[0].count > Self.steps / 2)
    }

    /// Guarantee: the checks see a lost settle, lease return, body or a doubled record, each within a few histories.
    @Test(arguments: [
        (Sabotage.settle, "limiter"), (.lease, "leases"), (.body, "memory"), (.record, "records"),
    ])
    func aMissingCallIsSeen(_ sabotage: Sabotage, _ rule: String) throws {
        var rules: Set<String> = []
        for seed in UInt64(1)...8 {
            let world = try #require(World(seed: seed, sabotage: sabotage))
            if let violation = world.run(steps: Self.steps) { rules.insert(violation.rule) }
        }
        #expect(rules == [rule])
    }
}

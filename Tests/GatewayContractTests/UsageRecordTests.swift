import GatewayContract
import GatewayCore
import Testing

struct UsageRecordTests {
    /// M-6. Guarantee: every unit counts in exactly one total, once.
    @Test func totalsAreDisjoint() {
        let inputs: [WritableKeyPath<UsageUnits, Int64>] = [
            \.inputUncached, \.cacheRead, \.cacheWrite5m, \.cacheWrite1h, \.audioInput, \.imageInput,
        ]
        let outputs: [WritableKeyPath<UsageUnits, Int64>] = [\.output, \.reasoning, \.audioOutput]
        for unit in inputs {
            var units = UsageUnits()
            units[keyPath: unit] = 7
            #expect((units.inputTotal, units.outputTotal, units.total) == (7, 0, 7))
        }
        for unit in outputs {
            var units = UsageUnits()
            units[keyPath: unit] = 7
            #expect((units.inputTotal, units.outputTotal, units.total) == (0, 7, 7))
        }
        var tools = UsageUnits()
        tools.toolUnits = 3
        #expect(tools.total == 0)
    }

    /// Guarantee: a record that nobody filled in claims nothing.
    @Test func aNewRecordIsARefusal() {
        let record = UsageRecord(requestID: "r", startedAt: WallTime(unixSeconds: 0), generation: 1)
        #expect(record.outcome == .refused)
        #expect(!record.admitted)
        #expect(record.usageSource == .none)
        #expect(record.usage == UsageUnits())
        #expect(record.attempts.isEmpty)
    }
}

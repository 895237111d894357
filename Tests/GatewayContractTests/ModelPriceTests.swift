import GatewayContract
import GatewayCore
import Testing

struct ModelPriceTests {
    private func units(_ change: (inout UsageUnits) -> Void) -> UsageUnits {
        var units = UsageUnits()
        change(&units)
        return units
    }

    /// M-6, M-9. Guarantee: each part is billed once, at its own rate.
    @Test func everyPartHasItsRate() throws {
        let rates = ModelRates(
            input: 1, output: 10,
            own: [
                .cacheRead: 100, .cacheWrite5m: 1000, .cacheWrite1h: 10_000, .reasoning: 100_000,
                .audioInput: 1_000_000, .audioOutput: 10_000_000, .image: 100_000_000, .tool: 1_000_000_000,
            ])
        let units = self.units {
            ($0.inputUncached, $0.output, $0.cacheRead, $0.cacheWrite5m, $0.cacheWrite1h) = (1, 2, 3, 4, 5)
            ($0.reasoning, $0.audioInput, $0.audioOutput, $0.imageInput, $0.toolUnits) = (6, 7, 8, 9, 1)
        }
        #expect(try ModelPrice(rates).cost(of: units).pico == 1_987_654_321)
        #expect(try ModelPrice(rates).cost(of: self.units { ($0.inputUncached, $0.output) = (3, 4) }).pico == 43)
    }

    /// Guarantee: a part without a price of its own takes the one that the reference names.
    @Test func partsWithoutAPrice() {
        let plain = ModelRates(input: 3, output: 15)
        #expect(plain.reasoning == 15 && plain.audioOutput == 15)
        #expect(
            [plain.cacheRead, plain.cacheWrite5m, plain.cacheWrite1h, plain.audioInput, plain.image] == [3, 3, 3, 3, 3])
        #expect(plain.tool == 0)
        #expect(ModelRates(input: 3, output: 15, own: [.cacheWrite5m: 4]).cacheWrite1h == 4)
        #expect(
            ModelRates(input: 3, output: 15, own: [.reasoning: 0]).reasoning == 0, "an explicit zero is a value (M-2)")
        #expect(ModelRates(input: -3, output: 15, own: [.image: -1]).image == 0)
        #expect(ModelRates(input: 3, output: 15, own: [.audioOutput: 80]).dearestOutput == 80)
    }

    /// B-4. Guarantee: the whole input, cached parts included, chooses the tier; its first token counts.
    @Test func longInputsHaveTheirTier() throws {
        let price = ModelPrice(
            .init(input: 1, output: 10),
            tiers: [
                .init(inputFrom: 1000, rates: .init(input: 3, output: 30)),
                .init(inputFrom: 200, rates: .init(input: 2, output: 20)),
            ])
        func cost(_ input: Int64, cached: Int64) throws -> Int64 {
            try price.cost(of: self.units { ($0.inputUncached, $0.cacheRead, $0.output) = (input, cached, 1) }).pico
        }
        #expect(try cost(199, cached: 0) == 209)
        #expect(try cost(100, cached: 100) == 420)
        #expect(try cost(999, cached: 0) == 2018)
        #expect(try cost(0, cached: 1000) == 3030)
    }

    @Test func whatCannotBeCountedIsAnError() {
        let price = ModelPrice(.init(input: .max, output: .max))
        #expect(throws: AmountProblem.overflow) { try price.cost(of: self.units { $0.inputUncached = 2 }) }
        #expect(throws: AmountProblem.overflow) {
            try price.cost(of: self.units { ($0.inputUncached, $0.output) = (1, 1) })
        }
        #expect(throws: AmountProblem.negative) { try price.cost(of: self.units { $0.reasoning = -1 }) }
        let tiered = ModelPrice(ModelPrice.free.rates, tiers: [.init(inputFrom: 1, rates: .init(input: 0, output: 0))])
        #expect(throws: AmountProblem.overflow) {
            try tiered.cost(of: self.units { ($0.inputUncached, $0.cacheRead) = (.max, .max) })
        }
    }

    @Test func doubtfulPrices() {
        #expect(ModelRates.isPlausible(0) && ModelRates.isPlausible(1000) && ModelRates.isPlausible(1_000_000_000))
        #expect(!ModelRates.isPlausible(999) && !ModelRates.isPlausible(1_000_000_001))
    }
}

import GatewayContract
import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayPolicy

struct CostModelTests {
    private let policy = CostPolicy()

    private func terms(
        _ input: Int64, _ output: Int64, window: Int64? = nil, max: Int64? = nil, own: [PriceComponent: Int64] = [:]
    ) -> CostTerms {
        CostTerms(
            price: ModelPrice(ModelRates(input: input, output: output, own: own)), contextWindow: window, outputMax: max
        )
    }

    private func worst(_ demand: CostDemand, _ terms: CostTerms...) throws -> Int64 {
        try CostModel.worstCase(demand, over: terms, policy: self.policy).pico
    }

    /// Guarantee: control-plane 1.6, term by term.
    @Test func theFormula() throws {
        let demand = CostDemand(
            inputBytes: 1000, isInlineText: true, choiceCount: 3, outputCap: 100, toolCallsMax: 2)
        #expect(try self.worst(demand, self.terms(7, 11)) == 1000 * 7 + 3 * 100 * 11)
        #expect(try self.worst(demand, self.terms(7, 11, own: [.tool: 5])) == 7000 + 3300 + 10)
        #expect(try self.worst(demand, self.terms(7, 11, own: [.cacheWrite1h: 9, .reasoning: 20])) == 9000 + 6000)
        #expect(try self.worst(demand, self.terms(7, 11, window: 500)) == 3500 + 3300)
        #expect(try self.worst(demand, self.terms(7, 11, max: 10)) == 7000 + 330)
        let image = CostDemand(inputBytes: 1000, isInlineText: false, outputCap: 100)
        #expect(try self.worst(image, self.terms(7, 11, window: 8000)) == 56_000 + 1100)
        #expect(try self.worst(image, self.terms(7, 11)) == 1_048_576 * 7 + 1100)
        let uncapped = CostDemand(inputBytes: 1, isInlineText: true)
        #expect(try self.worst(uncapped, self.terms(7, 11)) == 7 + 32_768 * 11)
        #expect(CostModel.outputCap(uncapped, self.terms(7, 11, max: 99), CostPolicy(outputMax: 50)) == 50)
    }

    /// Guarantee: the dearest deployment that may still be reached counts, and a free one nothing.
    @Test func theDearestDeploymentCounts() throws {
        let demand = CostDemand(inputBytes: 10, isInlineText: true, outputCap: 10)
        #expect(try self.worst(demand, self.terms(1, 1), self.terms(5, 5), self.terms(2, 2)) == 100)
        #expect(try self.worst(demand, CostTerms(price: .free)) == 0)
        #expect(try self.worst(demand, CostTerms(price: .free), self.terms(1, 1)) == 20)
    }

    /// B-4. Guarantee: every tier that the input may reach counts, and no other.
    @Test func tiers() throws {
        let price = ModelPrice(
            .init(input: 10, output: 10), tiers: [.init(inputFrom: 200, rates: .init(input: 3, output: 100))])
        let terms = CostTerms(price: price)
        func demand(_ bytes: Int64) -> CostDemand { CostDemand(inputBytes: bytes, isInlineText: true, outputCap: 10) }
        #expect(try self.worst(demand(199), terms) == 1990 + 100)
        #expect(try self.worst(demand(200), terms) == 2100)
        #expect(try self.worst(demand(300), terms) == 3100, "cheaper input of the upper tier does not hide the lower")
    }

    /// B-3. Guarantee: an unknown or uncountable cost is an error, never a request without a reservation.
    @Test func unknownCostsAreErrors() throws {
        let demand = CostDemand(inputBytes: 10, isInlineText: true, choiceCount: 4, outputCap: .max)
        #expect(throws: CostProblem.unpriced(1)) {
            try self.worst(demand, CostTerms(price: .free), CostTerms(price: nil))
        }
        #expect(throws: CostProblem.overflow) { try self.worst(demand, self.terms(1, 1)) }
        #expect(throws: CostProblem.overflow) {
            try self.worst(CostDemand(inputBytes: 2, isInlineText: true), self.terms(.max, 1))
        }
        #expect(CostProblem.unpriced(0).code.row.blame == .operatorOfGateway)
        #expect(CostProblem.overflow.code.row.status == 400)
        #expect(
            try self.worst(
                CostDemand(inputBytes: -5, isInlineText: true, choiceCount: -1, outputCap: -1), self.terms(1, 1)) == 0)
    }

    /// Guarantee: whatever is used within the bounds costs no more than the worst case.
    @Test func nothingCostsMore() throws {
        var random = SeededRandom(seed: 0x5eed_0301)
        for _ in 0..<3000 {
            func rate() -> Int64 { Int64(random.int(0...20_000_000)) }
            let rates = ModelRates(
                input: rate(), output: rate(),
                own: [
                    .cacheRead: rate(), .cacheWrite5m: rate(), .cacheWrite1h: rate(), .reasoning: rate(),
                    .image: rate(),
                ])
            let tier = ModelPrice.Tier(
                inputFrom: Int64(random.int(1...5000)), rates: .init(input: rate(), output: rate()))
            let price = ModelPrice(rates, tiers: random.oneIn(2) ? [tier] : [])
            let bytes = random.int(1...10_000)
            let demand = CostDemand(
                inputBytes: Int64(bytes), isInlineText: true, choiceCount: Int64(random.int(1...4)),
                outputCap: Int64(random.int(1...4000)))
            var units = UsageUnits()
            var input = Int64(random.int(0...bytes))
            for part in [\UsageUnits.inputUncached, \.cacheRead, \.cacheWrite5m, \.cacheWrite1h, \.imageInput] {
                units[keyPath: part] = Int64(random.int(0...Int(input)))
                input -= units[keyPath: part]
            }
            let output = (demand.outputCap ?? 0) * demand.choiceCount
            units.reasoning = Int64(random.int(0...Int(output)))
            units.output = Int64(random.int(0...Int(output - units.reasoning)))
            #expect(try price.cost(of: units).pico <= self.worst(demand, CostTerms(price: price)))
        }
    }
}

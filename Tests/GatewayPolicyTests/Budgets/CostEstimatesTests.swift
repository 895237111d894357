import GatewayContract
import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayPolicy

struct CostEstimatesTests {
    private let tag = CostEstimates.tag(key: "ci", model: "gpt-5")

    private func learned(_ used: [Int64], of cap: Int64 = 4096) -> CostEstimates {
        var estimates = CostEstimates(capacity: 64)
        for tokens in used { estimates.note(self.tag, used: tokens, of: cap) }
        return estimates
    }

    /// B-2. Guarantee: an estimate stays at the cap until enough is known, and then covers 15 of 16 requests.
    @Test func estimatesCoverMostRequests() {
        #expect(self.learned(Array(repeating: 10, count: 15)).cap(self.tag, of: 4096) == 4096)
        #expect(self.learned(Array(repeating: 10, count: 16)).cap(self.tag, of: 4096) == 32)
        #expect(self.learned(Array(repeating: 500, count: 100)).cap(self.tag, of: 4096) == 512)
        #expect(self.learned(Array(repeating: 512, count: 100)).cap(self.tag, of: 4096) == 512)
        #expect(self.learned(Array(repeating: 513, count: 100)).cap(self.tag, of: 4096) == 1024)
        #expect(self.learned(Array(repeating: 4096, count: 100)).cap(self.tag, of: 4096) == 4096)
        #expect(
            self.learned(Array(repeating: 10, count: 90) + Array(repeating: 4000, count: 10)).cap(self.tag, of: 4096)
                == 4096)
        #expect(
            self.learned(Array(repeating: 10, count: 96) + Array(repeating: 4000, count: 4)).cap(self.tag, of: 4096)
                == 32)
        var random = SeededRandom(seed: 0x5eed_0302)
        for _ in 0..<50 {
            let top = random.int(1...4096)
            let used = (0..<200).map { _ in Int64(random.int(0...top)) }
            let cap = self.learned(used).cap(self.tag, of: 4096)
            #expect(used.filter { $0 <= cap }.count * 16 >= used.count * 15)
        }
    }

    /// Guarantee: a change of habit is learned within some hundred requests, after however many before.
    @Test func oldHabitsAreForgotten() {
        let used = Array(repeating: Int64(10), count: 10_000) + Array(repeating: 3000, count: 40)
        #expect(self.learned(used).cap(self.tag, of: 4096) == 4096)
        let back = Array(repeating: Int64(3000), count: 10_000) + Array(repeating: 10, count: 1500)
        #expect(self.learned(back).cap(self.tag, of: 4096) == 32)
    }

    @Test func entriesDoNotMix() {
        let other = CostEstimates.tag(key: "cigpt", model: "-5")
        #expect(other != self.tag)
        #expect(CostEstimates.tag(key: nil, model: "gpt-5") != self.tag)
        #expect(self.learned(Array(repeating: 1, count: 50)).cap(other, of: 4096) == 4096)
        var estimates = CostEstimates(capacity: 1)
        for _ in 0..<50 { estimates.note(self.tag, used: 1, of: 4096) }
        #expect(estimates.cap(self.tag, of: 4096) == 32)
        estimates.note(other, used: 1, of: 4096)
        #expect(estimates.cap(self.tag, of: 4096) == 4096, "the newer one has the place")
        estimates.note(self.tag, used: -5, of: 0)
        #expect(estimates.cap(self.tag, of: 0) == 0)
        #expect(estimates.cap(self.tag, of: 1) == 1)
    }

    /// Guarantee: less than the worst case is reserved only with a spliced cap, or on a stream that is watched.
    @Test func plans() throws {
        let demand = CostDemand(inputBytes: 100, isInlineText: true, choiceCount: 2, outputCap: 4096)
        let terms = [CostTerms(price: ModelPrice(.init(input: 1, output: 10)))]
        func plan(_ estimates: CostEstimates, watched: Bool) throws -> ReservationPlan {
            try ReservationPlan(
                demand, over: terms, policy: .init(), estimates: estimates, tag: self.tag, isWatched: watched)
        }
        let full = ReservationPlan.Choice(amount: PicoAmount(pico: 100 + 2 * 40960), output: .capped(4096))
        let less = PicoAmount(pico: 100 + 2 * 320)
        let known = self.learned(Array(repeating: 10, count: 50))
        #expect(try plan(CostEstimates(), watched: true).first == full)
        #expect(try plan(CostEstimates(), watched: true).second == nil)
        #expect(try plan(known, watched: false).first == full)
        #expect(try plan(known, watched: false).second == .init(amount: less, output: .capped(32)))
        #expect(try plan(known, watched: true).first == .init(amount: less, output: .watched(4096)))
        #expect(try plan(known, watched: true).second == nil)
    }

    /// Guarantee: a stream asks at 90 %, or before one more read may exceed what it holds, never beyond its worst case.
    @Test func topUps() {
        func ask(_ reserved: Int64, _ delivered: Int64, ahead: Int64 = 0, worst: Int64 = 1000) -> Int64? {
            TopUp.amount(
                reserved: PicoAmount(pico: reserved), delivered: PicoAmount(pico: delivered),
                ahead: PicoAmount(pico: ahead), worst: PicoAmount(pico: worst))?.pico
        }
        #expect(ask(100, 89) == nil)
        #expect(ask(100, 90) == 100)
        #expect(ask(100, 49, ahead: 50) == nil)
        #expect(ask(100, 50, ahead: 50) == 100)
        #expect(ask(100, 0, ahead: 300) == 300)
        #expect(ask(700, 700) == 300)
        #expect(ask(1000, 1000) == nil)
        #expect(ask(.max - 1, .max - 1, worst: .max) == 1)
    }
}

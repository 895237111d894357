import GatewayContract
import GatewayCore
import Testing

struct PriceBookTests {
    private func price(_ input: Int64) -> ModelPrice { ModelPrice(ModelRates(input: input, output: input * 4)) }
    private func time(_ seconds: Int64) -> WallTime { WallTime(unixSeconds: seconds) }

    private func book(_ entries: [PriceEntry]) throws -> PriceBook {
        try PriceBook(name: "default", revision: "r1", currency: .usd, entries: entries)
    }

    private func find(_ book: PriceBook, _ model: ModelName, at seconds: Int64 = 0) -> Int64? {
        book.schedule(deployment: "d", provider: "openai", model: model).price(at: self.time(seconds))?.rates.input
    }

    /// Guarantee: the most exact entry holds, in whatever order they are written.
    @Test func theMostExactEntryHolds() throws {
        let entries = [
            PriceEntry(.model("*", at: nil), self.price(1)),
            PriceEntry(.model("gpt-5*", at: nil), self.price(2)),
            PriceEntry(.model("gpt-5*", at: "openai"), self.price(3)),
            PriceEntry(.model("gpt-5-mini*", at: nil), self.price(4)),
            PriceEntry(.model("gpt-5", at: nil), self.price(5)),
            PriceEntry(.model("gpt-5", at: "azure"), self.price(6)),
            PriceEntry(.deployment("special"), self.price(7)),
        ]
        for order in [entries, entries.reversed()] {
            let book = try self.book(order)
            #expect(self.find(book, "gpt-5") == 5)
            #expect(self.find(book, "gpt-5-2026-08-07") == 3)
            #expect(self.find(book, "gpt-5-mini-2026") == 4)
            #expect(self.find(book, "GPT-5") == 1, "byte for byte")
            #expect(self.find(book, "o9") == 1)
            let special = book.schedule(deployment: "special", provider: "openai", model: "gpt-5")
            #expect(special.price(at: self.time(0))?.rates.input == 7)
        }
    }

    /// Guarantee: a price holds from its first instant up to its last, exclusive; outside another entry does, or none.
    @Test func pricesAreDated() throws {
        let book = try self.book([
            PriceEntry(.model("m", at: nil), self.price(1), to: self.time(100)),
            PriceEntry(.model("m", at: nil), self.price(2), from: self.time(100), to: self.time(200)),
            PriceEntry(.model("m*", at: nil), self.price(9), from: self.time(150)),
        ])
        #expect([-5, 99, 100, 199, 200, 9_000_000_000].map { self.find(book, "m", at: $0) } == [1, 1, 2, 2, 9, 9])
        #expect(self.find(book, "mm", at: 149) == nil)
        #expect(self.find(book, "mm", at: 150) == 9)
    }

    @Test func entriesMayNotOverlap() {
        let first = PriceEntry(.model("m", at: nil), self.price(1), to: self.time(101))
        let second = PriceEntry(.model("m", at: nil), self.price(2), from: self.time(100))
        #expect(throws: PriceBookProblem.overlap(first, second)) { try self.book([second, first]) }
        #expect(throws: PriceBookProblem.overlap(second, second)) { try self.book([second, second]) }
        let empty = PriceEntry(.model("m", at: nil), self.price(2), from: self.time(100), to: self.time(100))
        #expect(throws: PriceBookProblem.empty(empty)) { try self.book([empty]) }
    }

    /// B-6. Guarantee: no price and a price of zero are told apart.
    @Test func unpricedIsNotFree() throws {
        let book = try self.book([PriceEntry(.deployment("llama"), .free)])
        let free = book.schedule(deployment: "llama", provider: "local", model: "llama-3.3")
        #expect(free.price(at: self.time(0))?.isFree == true)
        #expect(book.schedule(deployment: "x", provider: "local", model: "llama-3.3") == .unpriced)
        #expect(PriceSchedule.unpriced.price(at: self.time(0)) == nil)
        #expect(!self.price(1).isFree)
        #expect(!ModelPrice(ModelRates(input: 0, output: 0, own: [.tool: 1])).isFree)
        #expect(
            !ModelPrice(.init(input: 0, output: 0), tiers: [.init(inputFrom: 5, rates: .init(input: 1, output: 0))])
                .isFree)
    }
}

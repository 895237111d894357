import GatewayContract
import GatewayCore
import Testing

struct BudgetSpecTests {
    @Test func theShortForm() throws {
        let (limit, currency, window) = try BudgetSpec.amount("5 USD/day")
        #expect(limit.micro == 5_000_000 && currency == .usd && window == .day)
        #expect(try BudgetSpec.amount("2000 CNY/month").window == .month(from: 1))
        #expect(try BudgetSpec.amount("0.5 USD/12h").window == .hours(12))
        #expect(try BudgetSpec.amount("1 USD/week").window == .week(from: 1))
        #expect(try BudgetSpec.amount("1 USD/lifetime").window == .lifetime)
        for text in [
            "5 USD", "5 USD/", "5 USD/year", "5 USD/0h", "5 USD/9999h", "5 USD/h", "5 USD/day/day", "5 USD/1 h",
        ] {
            #expect(throws: AmountProblem.form, "\(text)") { try BudgetSpec.amount(text[...]) }
        }
        #expect(throws: AmountProblem.notANumber) { try BudgetSpec.amount("x USD/day") }
    }

    /// DESIGN 13.13. Guarantee: only a parent that is sure to come first is pointed out.
    @Test func aChildAboveItsParent() {
        func spec(_ units: Int64, _ window: BudgetWindowSpec) -> BudgetSpec {
            BudgetSpec(
                name: "b", scope: .init(.org, "o"), limit: MicroAmount(micro: units * 1_000_000), window: window)
        }
        let parent = spec(80, .month(from: 1))
        #expect(spec(100, .month(from: 1)).isBeyond(parent))
        #expect(spec(100, .day).isBeyond(parent))
        #expect(!spec(80, .month(from: 1)).isBeyond(parent))
        #expect(!spec(100, .lifetime).isBeyond(parent), "it may be reached over months")
        #expect(spec(100, .day).isBeyond(spec(80, .lifetime)))
        var soft = parent
        soft.enforcement = .soft
        #expect(!spec(100, .day).isBeyond(soft))
    }
}

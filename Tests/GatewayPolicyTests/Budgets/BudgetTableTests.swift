import GatewayContract
import GatewayCore
import Testing

@testable import GatewayPolicy

struct BudgetTableTests {
    private func compile(
        _ specs: [BudgetSpec], ledger: BudgetLedger = BudgetLedger(capacity: 16)
    ) -> (table: BudgetTable, problems: [CompileProblem]) {
        BudgetTable.compile(
            specs, ledger: ledger, currency: .usd, zones: { $0 == "UTC" ? .utc : nil },
            parents: { $0.kind == .team ? [BudgetScope(.org, "acme")] : [] })
    }

    private func spec(_ name: BudgetName, _ scope: BudgetScope, _ micro: Int64 = 5) -> BudgetSpec {
        BudgetSpec(name: name, scope: scope, limit: MicroAmount(micro: micro), window: .day)
    }

    /// B-5, B-11. Guarantee: a set has every budget of its scopes, narrow before wide.
    @Test func setsHaveAllBudgets() throws {
        let team = BudgetScope(.team, "search")
        let org = BudgetScope(.org, "acme")
        let (table, problems) = self.compile([self.spec("o", org), self.spec("t1", team, 3), self.spec("t2", team, 4)])
        #expect(problems.isEmpty)
        let set = try #require(table.set(for: [BudgetScope(.key, "none"), team, org]))
        #expect(set.budgets.map(\.spec.name) == ["t1", "t2", "o"])
        #expect(set.isHard)
        #expect(try #require(table.set(for: [BudgetScope(.key, "none")])).isEmpty)
    }

    @Test func problems() {
        let org = BudgetScope(.org, "acme")
        var foreign = self.spec("c", org)
        foreign.currency = CurrencyCode("EUR") ?? .usd
        var nowhere = self.spec("z", org)
        nowhere.timeZone = "Mars/Base"
        let beyond = self.spec("t", BudgetScope(.team, "search"), 9)
        let (_, problems) = self.compile([self.spec("o", org), self.spec("o", org), foreign, nowhere, beyond])
        #expect(problems.map(\.code) == ["E6011", "E6012", "E6013", "W6001"])
        #expect(problems.map(\.isWarning) == [false, false, false, true])
        #expect(
            problems[3].message == "team `search` budget 0.000009 USD/day is larger than the 0.000005 USD/day of "
                + "org `acme`; that one will stop it first")
        let model = BudgetScope(.model, "m")
        #expect(
            self.compile([self.spec("1", model), self.spec("2", model), self.spec("3", model)]).problems.map(\.code)
                == ["E6015"])
        #expect(
            self.compile([self.spec("1", model), self.spec("2", model)], ledger: BudgetLedger(capacity: 1)).problems
                .map(\.code) == ["E6014"])
    }
}

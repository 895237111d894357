import GatewayContract
import GatewayCore
import Testing

@testable import GatewayPolicy

/// Small budgets for the tests of this folder.
enum BudgetFixture {
    static let now = Fixture.date(2026, 9, 1)
    static let lease = MonotonicTime(nanoseconds: 60_000_000_000)

    static func spec(
        _ name: BudgetName, micro: Int64, _ window: BudgetWindowSpec = .lifetime, hard: Bool = true,
        thresholds: [Int] = [], scope: BudgetScope.Kind = .key, zone: String = "UTC"
    ) -> BudgetSpec {
        BudgetSpec(
            name: name, scope: BudgetScope(scope, name.text), limit: MicroAmount(micro: micro), window: window,
            timeZone: zone, enforcement: hard ? .hard : .soft, thresholds: thresholds)
    }

    static func path(
        _ ledger: BudgetLedger, _ specs: [BudgetSpec], model: [BudgetSpec] = []
    ) throws -> BudgetPath {
        let budgets = try specs.map { try #require(ledger.budget($0, zone: .utc)) }
        let models = try model.map { try #require(ledger.budget($0, zone: .utc)) }
        return BudgetPath(principal: BudgetSet(budgets), model: BudgetSet(models))
    }

    static func lane(_ ledger: BudgetLedger) throws -> BudgetLane { try #require(ledger.makeLane()) }

    static func pico(_ amount: ExactAmount) -> Int128 { Int128(amount.micro) * 1_000_000 + Int128(amount.pico) }
}

extension BudgetVerdict {
    var reservation: BudgetReservation? {
        if case .admitted(let reservation) = self { reservation } else { nil }
    }

    var refusal: BudgetRefusal? {
        if case .refused(let refusal) = self { refusal } else { nil }
    }
}

extension BudgetLane {
    /// With the fixture's instant and lease.
    func reserve(_ path: BudgetPath, _ pico: Int64, at now: WallTime = BudgetFixture.now) -> BudgetVerdict {
        self.reserve(path, PicoAmount(pico: pico), at: now, lease: BudgetFixture.lease)
    }
}

import GatewayContract
import GatewayCore
import GatewayTesting
import Synchronization
import Testing

@testable import GatewayPolicy

struct LimitGateTests {
    private static let start = MonotonicTime(nanoseconds: 7_000_000_000)

    private func key(
        _ slab: LimitSlab, _ name: KeyName = "k", rpm: Int? = nil, tpm: Int? = nil, concurrency: Int? = nil
    ) throws -> LimitCells {
        let limits = LimitSpec(requestsPerMinute: rpm, tokensPerMinute: tpm, concurrency: concurrency)
        return try #require(slab.cells(for: limits, ofKey: name))
    }

    private func model(
        _ slab: LimitSlab, _ name: ModelName = "m", rpm: Int? = nil, tpm: Int? = nil, concurrency: Int? = nil
    ) throws -> LimitCells {
        let limits = LimitSpec(requestsPerMinute: rpm, tokensPerMinute: tpm, concurrency: concurrency)
        return try #require(slab.cells(for: limits, ofModel: name))
    }

    private func refusal(_ verdict: LimitVerdict) -> String {
        switch verdict {
        case .admitted: "admitted"
        case .refused(let refusal): "\(refusal.scope.text) \(refusal.kind) \(refusal.limit)"
        }
    }

    private func snapshot(_ slab: LimitSlab) -> [Int64] {
        (0..<Int32(slab.capacity * LimitSlab.cellsPerScope)).map { max(slab.load($0), RateTicks.at(Self.start)) }
    }

    /// B-5. Guarantee: every scope must admit; a refusal takes nothing from any of them.
    @Test(arguments: [
        (0, "key requests 1"), (1, "key tokens 10"), (2, "key concurrency 1"),
        (3, "model requests 1"), (4, "model tokens 10"), (5, "model concurrency 1"),
    ])
    func allOrNothing(_ tight: Int, _ expected: String) throws {
        let slab = LimitSlab(capacity: 4)
        func number(_ place: Int, _ low: Int) -> Int { place == tight ? low : 1000 }
        let key = try self.key(slab, rpm: number(0, 1), tpm: number(1, 10), concurrency: number(2, 1))
        let model = try self.model(slab, rpm: number(3, 1), tpm: number(4, 10), concurrency: number(5, 1))
        let first = LimitGate.take(key: key, model: model, tokens: 8, at: Self.start, slab: slab)
        guard case .admitted(var reservation) = first else {
            Issue.record("an empty bucket refused")
            return
        }
        let before = self.snapshot(slab)
        let inside = [key.concurrency?.inside(slab), model.concurrency?.inside(slab)]
        let second = LimitGate.take(key: key, model: model, tokens: 8, at: Self.start, slab: slab)
        #expect(self.refusal(second) == expected)
        if case .refused(let refusal) = second { #expect(refusal.retryAfter > .zero) }
        #expect(self.snapshot(slab) == before)
        #expect([key.concurrency?.inside(slab), model.concurrency?.inside(slab)] == inside)
        LimitGate.cancel(&reservation, slab: slab)
        let third = LimitGate.take(key: key, model: model, tokens: 8, at: Self.start, slab: slab)
        #expect(self.refusal(third) == "admitted")
    }

    @Test func withoutLimitsEverythingPasses() {
        let slab = LimitSlab(capacity: 1)
        guard
            case .admitted(let reservation) = LimitGate.take(
                key: .none, model: .none, tokens: .max, at: Self.start, slab: slab)
        else {
            Issue.record("refused")
            return
        }
        #expect(reservation.isEmpty)
        #expect(slab.usedCount == 0)
    }

    /// Guarantee: what is leased is returned exactly once, however often it is settled or cancelled.
    @Test func aSecondSettlementDoesNothing() throws {
        let slab = LimitSlab(capacity: 1)
        let key = try self.key(slab, tpm: 1000, concurrency: 5)
        for _ in 0..<2 { _ = LimitGate.take(key: key, model: .none, tokens: 100, at: Self.start, slab: slab) }
        guard
            case .admitted(var reservation) = LimitGate.take(
                key: key, model: .none, tokens: 100, at: Self.start, slab: slab)
        else {
            Issue.record("refused")
            return
        }
        LimitGate.settle(&reservation, usedTokens: 40, at: Self.start, slab: slab)
        let settled = self.snapshot(slab)
        #expect(reservation.isEmpty)
        #expect(key.concurrency?.inside(slab) == 2)
        LimitGate.settle(&reservation, usedTokens: 0, at: Self.start, slab: slab)
        LimitGate.cancel(&reservation, slab: slab)
        #expect(self.snapshot(slab) == settled)
        #expect(key.tokens?.state(at: Self.start, in: slab).remaining == 760)
    }

    /// B-17. Guarantee: an edit, and a removal with a later return, keep what was used; another name shares nothing.
    @Test func editingALimitKeepsItsState() throws {
        let slab = LimitSlab(capacity: 4)
        let before = try self.key(slab, rpm: 100, concurrency: 3)
        for _ in 0..<50 { _ = LimitGate.take(key: before, model: .none, tokens: 0, at: Self.start, slab: slab) }
        #expect(before.concurrency?.inside(slab) == 3)
        #expect(before.requests?.state(at: Self.start, in: slab).remaining == 97)
        for _ in 0..<47 { _ = before.requests?.take(1, at: Self.start, from: slab) }
        _ = try self.key(slab)
        let after = try self.key(slab, rpm: 1000, concurrency: 4)
        #expect(after.requests?.state(at: Self.start, in: slab).remaining == 500)
        #expect(after.concurrency?.inside(slab) == 3)
        #expect(slab.usedCount == 1)
        let other = try self.model(slab, "k", rpm: 1000)
        #expect(other.requests?.state(at: Self.start, in: slab).remaining == 1000)
        #expect(slab.usedCount == 2)
    }

    @Test func aFullSlabRefusesNewNamesOnly() throws {
        let slab = LimitSlab(capacity: 2)
        _ = try self.key(slab, "a", rpm: 1)
        _ = try self.model(slab, "a", rpm: 1)
        #expect(slab.cells(for: LimitSpec(concurrency: 1), ofKey: "b") == nil)
        #expect(slab.cells(for: LimitSpec(), ofKey: "b") != nil)
        #expect(slab.cells(for: LimitSpec(concurrency: 1), ofKey: "a") != nil)
    }

    // MARK: - Several threads

    /// B-1, B-15. Guarantee: at a standing clock, threads that hammer one bucket are admitted exactly the burst: not
    /// one more, not one fewer.
    @Test(arguments: [10, 997, 200_000])
    func threadsAdmitExactlyTheBurst(_ burst: Int) throws {
        let slab = LimitSlab(capacity: 1)
        let key = try self.key(slab, rpm: burst)
        let admitted = Mutex(0)
        ThreadTeam.run(4) { _ in
            var own = 0
            for _ in 0..<burst {
                let verdict = LimitGate.take(key: key, model: .none, tokens: 0, at: Self.start, slab: slab)
                if case .admitted = verdict { own += 1 }
            }
            admitted.withLock { [own] in $0 += own }
        }
        #expect(admitted.withLock { $0 } == burst)
    }

    /// Guarantee: with takes of several scopes that undo each other, no bucket ever admits more than its burst, and
    /// nothing is lost: after all were cancelled every bucket is full and every gate empty again.
    @Test func undosUnderContentionLoseNothing() throws {
        let slab = LimitSlab(capacity: 8)
        let keys = try (0..<4).map { try self.key(slab, KeyName("k\($0)"), rpm: 500, tpm: 3000, concurrency: 7) }
        let model = try self.model(slab, rpm: 900, tpm: 5000, concurrency: 11)
        let gate = try #require(model.concurrency)
        let held = Mutex<[LimitReservation]>([])
        let overfull = Atomic<Int>(0)
        ThreadTeam.run(4) { number in
            var random = SeededRandom(seed: UInt64(number))
            var own: [LimitReservation] = []
            for _ in 0..<20_000 {
                let tokens = Int64(random.int(0...40))
                let verdict = LimitGate.take(
                    key: keys[number], model: model, tokens: tokens, at: Self.start, slab: slab)
                if case .admitted(let reservation) = verdict { own.append(reservation) }
                if gate.inside(slab) > gate.maximum { overfull.add(1, ordering: .relaxed) }
                if own.count > 2 || (random.oneIn(3) && !own.isEmpty) {
                    LimitGate.cancel(&own[random.int(0...own.count - 1)], slab: slab)
                    own.removeAll(where: \.isEmpty)
                }
            }
            held.withLock { [own] in $0 += own }
        }
        #expect(overfull.load(ordering: .relaxed) == 0)
        var left = held.withLock { $0 }
        #expect(gate.inside(slab) == Int64(left.count))
        for index in left.indices { LimitGate.cancel(&left[index], slab: slab) }
        for cells in keys + [model] {
            #expect(cells.concurrency?.inside(slab) == 0)
            #expect(cells.requests?.state(at: Self.start, in: slab).reset == .zero)
            #expect(cells.tokens?.state(at: Self.start, in: slab).reset == .zero)
        }
    }

    @Test func threadsNeverPassAGateTogether() throws {
        let slab = LimitSlab(capacity: 1)
        let cells = try self.key(slab, concurrency: 3)
        let gate = try #require(cells.concurrency)
        let worst = Mutex<Int64>(0)
        ThreadTeam.run(4) { _ in
            var own: Int64 = 0
            for _ in 0..<50_000 where gate.enter(slab) {
                own = max(own, gate.inside(slab))
                gate.leave(slab)
            }
            worst.withLock { [own] in $0 = max($0, own) }
        }
        #expect((1...3).contains(worst.withLock { $0 }))
        #expect(gate.inside(slab) == 0)
    }
}

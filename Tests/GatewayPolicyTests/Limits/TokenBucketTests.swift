import GatewayContract
import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayPolicy

struct TokenBucketTests {
    private static let start = MonotonicTime(nanoseconds: 5_000_000_000)

    private func cell(_ perMinute: Int, _ slab: LimitSlab) throws -> RateCell {
        let cells = slab.cells(for: LimitSpec(requestsPerMinute: perMinute), ofKey: KeyName("k\(perMinute)"))
        return try #require(cells?.requests)
    }

    private func isTaken(_ outcome: RateCell.Outcome) -> Bool {
        if case .taken = outcome { true } else { false }
    }

    /// Guarantee: the price of a unit is the exact one rounded up, a cost is that many prices, and nothing overflows.
    @Test func costsAreRoundedUp() {
        var random = SeededRandom(seed: 0x5eed_0002)
        let edges: [Int64] = [1, 2, 3, 7, 60, 999_999_937, 999_999_999, 1_000_000_000]
        let rates = edges + (0..<500).map { _ in Int64(random.int(1...1_000_000_000)) }
        for rate in rates {
            let cell = RateCell(index: 0, perMinute: rate)
            let exact = (Int128(RateTicks.minute) + Int128(rate) - 1) / Int128(rate)
            #expect(Int128(cell.price) == exact)
            #expect(cell.burst / cell.price == rate)
            #expect(Double(cell.burst) <= Double(RateTicks.minute) * 1.0011)
            let many = (0..<20).map { _ in Int64(bitPattern: random.next() >> (random.next() % 63 + 1)) }
            for units in edges + many + [.max / RateTicks.minute, .max / 2, .max] {
                #expect(Int128(cell.cost(of: units)) == min(exact * Int128(units), Int128(RateTicks.debtMax)))
            }
            #expect(cell.cost(of: -5) == 0)
            #expect(cell.cost(of: .min) == 0)
        }
    }

    /// Guarantee: at a standing clock exactly one minute's worth is admitted, whatever the rate.
    @Test(arguments: [1, 2, 3, 7, 59, 60, 61, 999, 1000, 4096])
    func theBurstIsOneMinutesWorth(_ rate: Int) throws {
        let slab = LimitSlab(capacity: 4)
        let cell = try self.cell(rate, slab)
        let admitted = (0..<rate * 2 + 10).filter { _ in self.isTaken(cell.take(1, at: Self.start, from: slab)) }.count
        #expect(admitted == rate)
    }

    /// Guarantee: over **every** window, what was admitted is at most burst + rate × t, whatever rate and costs.
    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8])
    func noWindowAdmitsMoreThanItsShare(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let rates = [1, 7, 60, 1000, 999_983, 60_000_000, 999_999_937, 1_000_000_000]
        let rate = rates[Int(seed) % rates.count]
        let slab = LimitSlab(capacity: 1)
        let cell = try self.cell(rate, slab)
        var clock = ManualClock(at: Self.start)
        var events: [(time: Int64, units: Int64)] = []
        for _ in 0..<3000 {
            // Steps around the time that one such take needs, and now and then a pause.
            let units = Int64(random.int(1...max(1, rate / 40)))
            let time = 60_000_000_000 / Int64(rate) * units
            clock.advance(by: .nanoseconds(random.oneIn(50) ? time * 60 : Int64(random.int(0...Int(time)))))
            while self.isTaken(cell.take(units, at: clock.now, from: slab)) {
                events.append((clock.now.nanoseconds, units))
                if events.count > 20_000 { break }
            }
        }
        // With S(i) the units before event i, every window i…j must hold
        // S(j + 1) − S(i) ≤ rate + rate × (t(j) − t(i)) / minute.
        let minute = Int128(60_000_000_000)
        var sum: Int128 = 0
        var lowest = Int128.max
        for event in events {
            let line = Int128(rate) * Int128(event.time)
            // The most crowded window that ends here begins where S(i) × minute − rate × t(i) is least.
            lowest = min(lowest, sum * minute - line)
            sum += Int128(event.units)
            #expect(sum * minute - line - lowest <= Int128(rate) * minute)
        }
        #expect(events.count > 100)
    }

    /// Guarantee: nothing drifts. Asked all day, a bucket admits its rate, less the rounding of its price.
    @Test(arguments: [7, 60, 999_983])
    func nothingDrifts(_ rate: Int) throws {
        let slab = LimitSlab(capacity: 1)
        let cell = try self.cell(rate, slab)
        var admitted = 0
        let units = max(1, rate / 10)
        for second in 0..<86_400 {
            while self.isTaken(cell.take(Int64(units), at: Self.start + .seconds(Int64(second)), from: slab)) {
                admitted += units
            }
        }
        let ideal = Double(rate) * (1 + 86_399.0 / 60)
        #expect(Double(admitted) <= ideal)
        #expect(Double(admitted) >= ideal * 0.999_99 - Double(units))
    }

    /// Guarantee: rounding loses less than 0.11 % at just under the highest rate, a millionth up to a million.
    @Test(arguments: [999_999_999, 1_000_000_000, 999_999, 7])
    func roundingLosesLittle(_ rate: Int64) {
        let admitted = Double(RateTicks.minute) / Double(RateCell(index: 0, perMinute: rate).price)
        #expect(admitted <= Double(rate))
        #expect(admitted >= Double(rate) * (rate > 1_000_000 ? 0.9989 : 0.999_998))
    }

    /// B-13. Guarantee: a cost above the burst passes once, when the bucket is full, and what it took too much is owed.
    @Test func aCostAboveTheBurstLeavesDebt() throws {
        let slab = LimitSlab(capacity: 1)
        let cell = try self.cell(60, slab)
        #expect(self.isTaken(cell.take(1, at: Self.start, from: slab)))
        #expect(!self.isTaken(cell.take(90, at: Self.start, from: slab)), "not full")
        let full = Self.start + .seconds(1)
        #expect(self.isTaken(cell.take(90, at: full, from: slab)))
        #expect(!self.isTaken(cell.take(90, at: full, from: slab)))
        #expect(!self.isTaken(cell.take(0, at: full, from: slab)), "debt stops even a take of nothing")
        #expect(!self.isTaken(cell.take(1, at: full + .nanoseconds(30_999_999_999), from: slab)))
        #expect(self.isTaken(cell.take(1, at: full + .seconds(31), from: slab)))
        #expect(cell.state(at: full, in: slab).remaining == 0)
    }

    @Test func aRefusalSaysWhenItWouldPass() throws {
        var random = SeededRandom(seed: 0x5eed_0003)
        for rate in [1, 7, 60, 999_983, 1_000_000_000] {
            let slab = LimitSlab(capacity: 1)
            let cell = try self.cell(rate, slab)
            for _ in 0..<200 {
                let units = Int64(random.int(1...rate))
                guard case .refused(let wait) = cell.take(units, at: Self.start, from: slab) else { continue }
                let span = RateTicks.span(wait)
                #expect(span > .zero)
                let early = Self.start + .nanoseconds(span.nanoseconds - 1)
                #expect(!self.isTaken(cell.take(units, at: early, from: slab)))
                guard case .taken(let ticks) = cell.take(units, at: Self.start + span, from: slab) else {
                    Issue.record("refused at the instant that was named")
                    return
                }
                cell.giveBack(ticks, to: slab)
            }
        }
    }

    /// Guarantee: settling leaves exactly what charging the used amount at once would have left.
    @Test func settlingTruesUp() throws {
        var random = SeededRandom(seed: 0x5eed_0004)
        for _ in 0..<2000 {
            let rate = random.int(100...1_000_000)
            let slab = LimitSlab(capacity: 2)
            let settled = try self.cell(rate, slab)
            let direct = RateCell(index: 3, perMinute: Int64(rate))
            let estimate = Int64(random.int(1...rate))
            let used = Int64(random.int(0...rate * 3))
            guard case .taken(let charged) = settled.take(estimate, at: Self.start, from: slab) else {
                Issue.record("an empty bucket refused")
                return
            }
            settled.settle(charged: charged, used: used, at: Self.start, in: slab)
            direct.settle(charged: 0, used: used, at: Self.start, in: slab)
            // Cells that were never charged begin at the clock's origin.
            #expect(
                max(slab.load(settled.index), RateTicks.at(Self.start)) == max(slab.load(3), RateTicks.at(Self.start)))
        }
    }

    /// Guarantee: nothing a caller can pass overflows, and a debt is never longer than a year.
    @Test func extremesDoNotTrap() throws {
        let slab = LimitSlab(capacity: 1)
        let cell = try self.cell(1, slab)
        for time in [Int64.min, -1, 0, 1, .max / 16, .max] {
            let now = MonotonicTime(nanoseconds: time)
            for units in [Int64.min, -1, 0, 1, .max] {
                _ = cell.take(units, at: now, from: slab)
                cell.settle(charged: 0, used: units, at: now, in: slab)
                _ = cell.state(at: now, in: slab)
            }
        }
        let other = LimitSlab(capacity: 1)
        let owing = try self.cell(1, other)
        for _ in 0..<5 { owing.settle(charged: 0, used: .max, at: Self.start, in: other) }
        let later = Self.start + .minutes(366 * 24 * 60)
        #expect(self.isTaken(owing.take(1, at: later, from: other)))
    }

    /// Guarantee: a loop whose clock reading is behind gets less, never more.
    @Test func anOlderClockReadingIsNoGain() throws {
        let slab = LimitSlab(capacity: 1)
        let cell = try self.cell(60, slab)
        for _ in 0..<60 { #expect(self.isTaken(cell.take(1, at: Self.start, from: slab))) }
        let behind = MonotonicTime(nanoseconds: Self.start.nanoseconds - 500_000_000)
        #expect(!self.isTaken(cell.take(1, at: behind, from: slab)))
        #expect(self.isTaken(cell.take(1, at: Self.start + .seconds(1), from: slab)))
        #expect(!self.isTaken(cell.take(1, at: Self.start, from: slab)))
    }
}

import GatewayContract
import GatewayTesting
import Testing

@testable import GatewayPolicy

struct DeploymentSelectionTests {
    private func choose(
        _ snapshot: RoutingSnapshot, tier: inout Int, tried: [Int] = [], usable: Set<Int>? = nil,
        badness: (Int) -> Int64 = { _ in 0 }, random: UInt64 = 0
    ) -> Int? {
        DeploymentSelection.choose(
            model: snapshot.models[0], snapshot: snapshot, tier: &tier, tried: tried,
            isUsable: { usable?.contains($0) ?? true }, badness: badness, random: random)
    }

    /// Guarantee: within a tier traffic follows the weights, and weight 0 gets none while there is another.
    @Test func weightsAreFollowed() throws {
        let snapshot = try #require(Fixture.snapshot(weights: [3, 1, 0, 6, 100], tiers: [[0, 1, 2, 3], [4]]))
        var random = SeededRandom(seed: 0x5eed_0005)
        var counts = [Int](repeating: 0, count: 5)
        for _ in 0..<20_000 {
            var tier = 0
            let choice = try #require(self.choose(snapshot, tier: &tier, random: random.next()))
            counts[choice] += 1
            #expect(tier == 0)
        }
        #expect(abs(counts[0] - 6000) < 300)
        #expect(abs(counts[1] - 2000) < 300)
        #expect(counts[2] == 0)
        #expect(abs(counts[3] - 12_000) < 300)
        #expect(counts[4] == 0)
    }

    @Test func theNextTierComesWhenTheFirstIsUsedUp() throws {
        let snapshot = try #require(Fixture.snapshot(weights: [1, 1, 1], tiers: [[0, 1], [2]]))
        var tier = 0
        #expect(self.choose(snapshot, tier: &tier, tried: [0], random: .max) == 1)
        #expect(tier == 0)
        #expect(self.choose(snapshot, tier: &tier, tried: [0, 1]) == 2)
        #expect(tier == 1)
        #expect(self.choose(snapshot, tier: &tier, tried: [0, 1, 2]) == nil)
        tier = 0
        #expect(self.choose(snapshot, tier: &tier, usable: [2]) == 2)
        tier = 1
        #expect(self.choose(snapshot, tier: &tier, tried: [2]) == nil, "never back to an earlier tier")
    }

    @Test func weightZeroIsTakenWhenNothingElseIsLeft() throws {
        let snapshot = try #require(Fixture.snapshot(weights: [0, 1, 1], tiers: [[0, 1], [2]]))
        var tier = 0
        #expect(
            self.choose(snapshot, tier: &tier, usable: [0, 2]) == 2, "a fallback comes before a drained deployment")
        tier = 0
        #expect(self.choose(snapshot, tier: &tier, usable: [0]) == 0)
        #expect(tier == 0)
    }

    /// Guarantee (DESIGN 13.9): ejection never leaves a model with none.
    @Test func theLeastBadIsTriedAllTheSame() throws {
        let one = try #require(Fixture.snapshot(weights: [1], tiers: [[0]]))
        var tier = 0
        #expect(self.choose(one, tier: &tier, usable: []) == 0)
        let snapshot = try #require(Fixture.snapshot(weights: [1, 1, 1], tiers: [[0, 1], [2]]))
        let waits: [Int64] = [30, 20, 10]
        #expect(self.choose(snapshot, tier: &tier, usable: [], badness: { waits[$0] }) == 2)
        #expect(tier == 1)
        tier = 0
        #expect(self.choose(snapshot, tier: &tier, tried: [2], usable: [], badness: { waits[$0] }) == 1)
        tier = 0
        #expect(self.choose(snapshot, tier: &tier, usable: []) == 0, "equally bad: the first")
    }

    /// Guarantee: whatever the weights, states and random bits, each deployment is tried at most once
    /// and a usable one never waits for an unusable one of its own or a later tier.
    @Test func everyDeploymentIsTriedOnce() throws {
        var random = SeededRandom(seed: 0x5eed_0006)
        for _ in 0..<300 {
            let weights = (0..<random.int(1...6)).map { _ in random.int(0...2) }
            let cut = random.int(1...weights.count)
            let tiers = [Array(0..<cut), Array(cut..<weights.count)].filter { !$0.isEmpty }
            let snapshot = try #require(Fixture.snapshot(weights: weights, tiers: tiers))
            let usable = Set(weights.indices.filter { _ in !random.oneIn(3) })
            var (tier, tried, last) = (0, [Int](), -1)
            while let choice = self.choose(snapshot, tier: &tier, tried: tried, usable: usable, random: random.next()) {
                #expect(!tried.contains(choice))
                #expect(tiers[tier].contains(choice))
                if !usable.contains(choice) {
                    #expect(!tiers[tier...].joined().contains { usable.contains($0) && !tried.contains($0) })
                }
                tried.append(choice)
                last = choice
                #expect(tried.count <= weights.count)
            }
            #expect(last >= 0)
        }
    }
}

/// Chooses the deployment for the next attempt.
public enum DeploymentSelection {
    /// From tier `tier` on: one of the deployments that are usable and untried, by weight, in the first tier that has
    /// one. Deployments of weight 0 come after those of every tier. When nothing is usable, ejected and cooling ones
    /// included, the least bad untried one is chosen all the same: a model is never left with none (DESIGN 13.9).
    ///
    /// Ends after as many calls as there are deployments, since `tried` grows. No allocation.
    /// - Parameters:
    ///   - tier: the tier that the exchange is in; set to that of the result.
    ///   - tried: deployments that were already tried in this exchange.
    ///   - isUsable: false while a deployment is ejected, backing off or full.
    ///   - badness: tells unusable ones apart, lower is better; for example the time until it may be used again.
    ///   - random: any 64 random bits.
    /// - Returns: `nil` when every deployment from `tier` on has been tried, or for a wildcard, which has none.
    public static func choose(
        model: Model, snapshot: RoutingSnapshot, tier: inout Int, tried: [Int], isUsable: (Int) -> Bool,
        badness: (Int) -> Int64 = { _ in 0 }, random: UInt64
    ) -> Int? {
        let first = max(tier, 0)
        guard first < model.tiers.count else { return nil }
        for index in first..<model.tiers.count {
            if let choice = Self.weighted(model.tiers[index], snapshot, tried, isUsable, random) {
                tier = index
                return choice
            }
        }
        for index in first..<model.tiers.count {
            let rest = model.tiers[index].first { !tried.contains($0) && isUsable($0) }
            if let rest {
                tier = index
                return rest
            }
        }
        return Self.leastBad(model, from: first, tier: &tier, tried, badness)
    }

    private static func weighted(
        _ members: [Int], _ snapshot: RoutingSnapshot, _ tried: [Int], _ isUsable: (Int) -> Bool, _ random: UInt64
    ) -> Int? {
        var total: UInt64 = 0
        for member in members where !tried.contains(member) && isUsable(member) {
            total += UInt64(snapshot.deployments[member].weight)
        }
        guard total > 0 else { return nil }
        // The high half of the product is uniform over 0..<total, up to one part in 2^54.
        var ticket = random.multipliedFullWidth(by: total).high
        for member in members where !tried.contains(member) && isUsable(member) {
            let weight = UInt64(snapshot.deployments[member].weight)
            if ticket < weight { return member }
            ticket -= weight
        }
        return nil
    }

    private static func leastBad(
        _ model: Model, from first: Int, tier: inout Int, _ tried: [Int], _ badness: (Int) -> Int64
    ) -> Int? {
        var best: (member: Int, badness: Int64)?
        for index in first..<model.tiers.count {
            for member in model.tiers[index] where !tried.contains(member) {
                let own = badness(member)
                if let best, best.badness <= own { continue }
                best = (member, own)
                tier = index
            }
        }
        return best?.member
    }
}

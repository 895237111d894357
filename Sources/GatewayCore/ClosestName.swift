/// Finds what somebody probably meant: for the `did you mean` of configuration messages.
public enum ClosestName {
    /// The name with the fewest edits from `name`, or `nil` when nothing is near enough.
    ///
    /// An edit is an insertion, a deletion, a replacement or a swap of two neighbouring bytes. At most a third of the
    /// longer name's bytes, and never more than three, may differ. Equal distances are decided in favour of the name
    /// that sorts first, so that messages are the same on every run. Cost: product of the lengths per candidate; only
    /// for messages.
    public static func find(_ name: String, among names: some Sequence<String>) -> String? {
        var best: (name: String, distance: Int)?
        let wanted = Array(name.utf8)
        for candidate in names {
            let bytes = Array(candidate.utf8)
            let allowed = min(3, max(wanted.count, bytes.count) / 3)
            guard abs(bytes.count - wanted.count) <= allowed else { continue }
            let distance = Self.distance(wanted, bytes)
            guard distance <= allowed, distance > 0 else { continue }
            if let best, best.distance < distance || (best.distance == distance && best.name <= candidate) { continue }
            best = (candidate, distance)
        }
        return best?.name
    }

    /// Optimal string alignment distance: Levenshtein's, and a swap of neighbours counts once.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            current.reserveCapacity(right.count + 1)
            for (column, other) in right.enumerated() {
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (byte == other ? 0 : 1))
                if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}

/// A bound on simultaneous exchanges: one atomic counter of the slab, exact over all loops.
public struct GateCell: Sendable, Hashable {
    let index: Int32
    /// Exchanges that may be inside at once: 1 to 1,000,000,000.
    public let maximum: Int64

    /// - Returns: false when `maximum` exchanges are inside; nothing was counted then.
    @inline(__always)
    func enter(_ slab: LimitSlab) -> Bool {
        var inside = slab.load(self.index)
        while true {
            guard inside < self.maximum else { return false }
            guard let other = slab.replace(self.index, expected: inside, desired: inside + 1) else { return true }
            inside = other
        }
    }

    /// Exactly once for each `enter` that returned true; a reservation sees to that.
    @inline(__always)
    func leave(_ slab: LimitSlab) {
        slab.subtract(self.index, 1)
    }

    /// Exchanges inside now. An edit of the maximum does not change it.
    func inside(_ slab: LimitSlab) -> Int64 { slab.load(self.index) }
}

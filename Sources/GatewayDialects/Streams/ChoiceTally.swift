/// Which choices of a stream were seen, and which of them have said why they ended.
struct ChoiceTally: Sendable {
    private var seen: UInt128 = 0
    private var finished: UInt128 = 0
    /// A choice with an index that is kept no track of: its end can never be shown.
    private var isBeyond = false

    mutating func note(index: Int64, isFinished: Bool) {
        guard index >= 0, index < 128 else {
            self.isBeyond = true
            return
        }
        let bit = UInt128(1) << UInt128(index)
        self.seen |= bit
        if isFinished { self.finished |= bit }
    }

    var isAnySeen: Bool { self.seen != 0 || self.isBeyond }

    /// Every choice seen has its finish reason, and there is at least one.
    var isWhole: Bool { self.seen != 0 && self.seen == self.finished && !self.isBeyond }

    func isWhole(count: Int64) -> Bool { self.isWhole && self.finished.nonzeroBitCount >= count }
}

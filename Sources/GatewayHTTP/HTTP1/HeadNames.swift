import GatewayWire

/// Field names in lower case as up to three words of eight bytes, hashed: a name that was loaded as words is classified
/// by one multiplication and three comparisons, without a call per byte.
///
/// Agrees with `HeaderID(name:)`, which is for names that do not come from a head.
struct HeadNames {
    struct Entry {
        var word0: UInt64 = 0
        var word1: UInt64 = 0
        var word2: UInt64 = 0
        var id = HeaderID.other
    }

    static let lengthMax = 23
    private static let mask = 255

    /// Filled once and never freed. Fetched once per walk, not once per name.
    // SAFETY: nobody writes to the slots after this initialiser, and they live as long as the process.
    nonisolated(unsafe) static let slots: UnsafePointer<Entry> = {
        let slots = UnsafeMutablePointer<Entry>.allocate(capacity: Self.mask + 1)
        slots.initialize(repeating: Entry(), count: Self.mask + 1)
        for id in HeaderID.allCases where id != .other {
            let name = Array(id.name.utf8)
            assert(name.count <= Self.lengthMax, "no known name has more than three words")
            let words = (0..<3).map { (index: Int) -> UInt64 in
                name.dropFirst(index * 8).prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
            var slot = Self.slot(words[0], words[1], words[2])
            while slots[slot].word0 != 0 { slot = (slot + 1) & Self.mask }
            slots[slot] = Entry(word0: words[0], word1: words[1], word2: words[2], id: id)
        }
        return UnsafePointer(slots)
    }()

    @inline(__always)
    private static func slot(_ word0: UInt64, _ word1: UInt64, _ word2: UInt64) -> Int {
        let mixed = (word0 ^ word1 &<< 5 ^ word1 &>> 59 ^ word2 &* 3) &* 0x9e37_79b9_7f4a_7c15
        return Int(truncatingIfNeeded: mixed &>> 56)
    }

    /// - Parameter words: the name with every byte or-ed with 0x20, zeros behind its end. No letter, digit or hyphen
    ///   has another token byte that becomes it that way; control bytes do, so the caller has ruled those out.
    @inline(__always)
    static func find(
        _ slots: UnsafePointer<Entry>, _ word0: UInt64, _ word1: UInt64, _ word2: UInt64
    ) -> HeaderID {
        var slot = self.slot(word0, word1, word2)
        while true {
            let entry = slots[slot]
            if entry.word0 == word0, entry.word1 == word1, entry.word2 == word2 { return entry.id }
            if entry.word0 == 0 { return .other }
            slot = (slot &+ 1) & self.mask
        }
    }
}

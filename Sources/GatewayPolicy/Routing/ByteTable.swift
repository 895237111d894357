/// Finds a byte string among those it was made of: one block of bytes, and open addressing over FNV-1a.
///
/// A look-up allocates nothing and retains nothing: about 1 ns per byte, and one comparison.
struct ByteTable: Sendable {
    private var arena: [UInt8] = []
    /// Where each string ends in `arena`; it begins where the one before it ends.
    private var ends: [Int32] = []
    private var slots: [Int32] = []

    /// - Parameter strings: all different. The place of a string is its result.
    init(_ strings: [[UInt8]]) {
        var capacity = 4
        while capacity < strings.count * 2 { capacity *= 2 }
        self.slots = [Int32](repeating: -1, count: capacity)
        for (index, string) in strings.enumerated() {
            self.arena += string
            self.ends.append(Int32(self.arena.count))
            var slot = string.withUnsafeBytes(Self.hash) & (capacity - 1)
            while self.slots[slot] >= 0 { slot = (slot + 1) & (capacity - 1) }
            self.slots[slot] = Int32(index)
        }
    }

    func find(_ string: UnsafeRawBufferPointer) -> Int? {
        let mask = self.slots.count - 1
        var slot = Self.hash(string) & mask
        while true {
            let index = Int(self.slots[slot])
            guard index >= 0 else { return nil }
            if self.holds(string, at: index) { return index }
            slot = (slot + 1) & mask
        }
    }

    private func holds(_ string: UnsafeRawBufferPointer, at index: Int) -> Bool {
        let start = index == 0 ? 0 : Int(self.ends[index - 1])
        guard Int(self.ends[index]) - start == string.count else { return false }
        return self.arena.withUnsafeBytes { arena in
            for offset in 0..<string.count where arena[start + offset] != string[offset] { return false }
            return true
        }
    }

    /// FNV-1a, 64 bits, folded so that its low bits depend on all of it.
    private static func hash(_ string: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in string { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int(truncatingIfNeeded: hash ^ hash >> 32)
    }
}

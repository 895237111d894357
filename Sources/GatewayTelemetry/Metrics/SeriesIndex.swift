/// The label values of one series, in the order of the metric's label names; unused places are 0.
struct SeriesKey: Equatable, Sendable {
    static let labelCountMax = 8
    static let other = Self(labels: .init(repeating: LabelNames.other))

    var labels: SIMD8<UInt32>

    init(labels: SIMD8<UInt32>) {
        self.labels = labels
    }

    init(_ a: UInt32 = 0, _ b: UInt32 = 0, _ c: UInt32 = 0, _ d: UInt32 = 0) {
        self.labels = .init(a, b, c, d, 0, 0, 0, 0)
    }

    /// In words: the comparison of the vectors is one of eight parts.
    @inline(__always)
    static func == (left: Self, right: Self) -> Bool {
        let words = unsafeBitCast(left.labels ^ right.labels, to: SIMD4<UInt64>.self)
        return (words[0] | words[1]) | (words[2] | words[3]) == 0
    }

    /// A multiplicative hash. Label numbers are ours, so nobody can choose them to collide.
    @inline(__always)
    var mixed: UInt64 {
        let words = unsafeBitCast(self.labels, to: SIMD4<UInt64>.self)
        var mix = words[0] &* 0x9e37_79b9_7f4a_7c15
        mix = (mix ^ mix >> 32 ^ words[1]) &* 0xd6e8_feb8_6659_fd93
        mix = (mix ^ mix >> 32 ^ words[2]) &* 0xa076_1d64_78bd_642f
        mix = (mix ^ mix >> 32 ^ words[3]) &* 0xe703_7ed1_a0b4_28db
        return mix ^ mix >> 32
    }
}

/// Which series of one metric stands at which place of its value arrays. Bounded: whatever comes after `countMax - 1`
/// different label sets lands on the one series whose every label is `other`, and is counted.
struct SeriesIndex: Sendable {
    let countMax: Int
    private(set) var keys: [SeriesKey] = []
    /// How often something was recorded on the series `other` for want of room.
    private(set) var overflowed: UInt64 = 0
    /// Open addressing over `keys`: a power of two of places, at least twice as many as keys; -1 is free.
    private var slots = [Int32](repeating: -1, count: 16)
    private var lastKey = SeriesKey.other
    private var lastPlace = -1

    init(countMax: Int) {
        self.countMax = max(1, countMax)
    }

    /// The place of the series, made when it is new (then it is `keys.count - 1`).
    @inline(__always)
    mutating func place(of key: SeriesKey) -> Int {
        if self.lastPlace >= 0, key == self.lastKey { return self.lastPlace }
        return self.findPlace(of: key)
    }

    private mutating func findPlace(of key: SeriesKey) -> Int {
        var slot = self.slot(of: key)
        if self.slots[slot] < 0 {
            if key != .other, self.keys.count >= self.countMax - 1 {
                self.overflowed &+= 1
                return self.findPlace(of: .other)
            }
            self.keys.append(key)
            if self.keys.count * 2 > self.slots.count { self.grow() }
            slot = self.slot(of: key)
            self.slots[slot] = Int32(self.keys.count - 1)
        }
        self.lastKey = key
        self.lastPlace = Int(self.slots[slot])
        return self.lastPlace
    }

    /// Where the key stands, or the free slot where it would.
    private func slot(of key: SeriesKey) -> Int {
        let mask = self.slots.count &- 1
        var slot = Int(truncatingIfNeeded: key.mixed) & mask
        while self.slots[slot] >= 0, self.keys[Int(self.slots[slot])] != key { slot = (slot &+ 1) & mask }
        return slot
    }

    private mutating func grow() {
        self.slots = .init(repeating: -1, count: self.slots.count * 2)
        for place in 0..<self.keys.count - 1 { self.slots[self.slot(of: self.keys[place])] = Int32(place) }
    }

    /// Adds what another index had to put on `other`.
    mutating func addOverflow(_ count: UInt64) {
        self.overflowed &+= count
    }
}

/// Whole numbers by series: counters and gauges. `width` numbers stand side by side for one series.
struct NumberTable: Sendable {
    private(set) var index: SeriesIndex
    let width: Int
    private(set) var values: [Int64] = []

    init(countMax: Int, width: Int = 1) {
        self.index = .init(countMax: countMax)
        self.width = width
    }

    /// The offset in `values` of the first number of the series.
    @inline(__always)
    mutating func offset(of key: SeriesKey) -> Int {
        let offset = self.index.place(of: key) &* self.width
        if offset >= self.values.count {
            self.values.append(contentsOf: repeatElement(0, count: offset + self.width - self.values.count))
        }
        return offset
    }

    @inline(__always)
    mutating func add(_ amount: Int64, at offset: Int) {
        self.values[offset] &+= amount
    }

    /// Adds to the first eight numbers of the series at `offset`; there must be as many.
    @inline(__always)
    mutating func add(_ amounts: SIMD8<Int64>, at offset: Int) {
        self.values.withUnsafeMutableBufferPointer { values in
            let place = UnsafeMutableRawBufferPointer(values)
            let start = offset &* MemoryLayout<Int64>.stride
            let sum = place.loadUnaligned(fromByteOffset: start, as: SIMD8<Int64>.self) &+ amounts
            place.storeBytes(of: sum, toByteOffset: start, as: SIMD8<Int64>.self)
        }
    }

    @inline(__always)
    mutating func add(_ amount: Int64, to key: SeriesKey) {
        let offset = self.offset(of: key)
        self.add(amount, at: offset)
    }

    /// - Parameter translate: from the other's label numbers to ours.
    mutating func merge(_ other: Self, translate: (SeriesKey) -> SeriesKey) {
        for (place, key) in other.index.keys.enumerated() {
            let offset = self.offset(of: translate(key))
            for slot in 0..<self.width { self.add(other.values[place * self.width + slot], at: offset + slot) }
        }
        self.index.addOverflow(other.index.overflowed)
    }
}

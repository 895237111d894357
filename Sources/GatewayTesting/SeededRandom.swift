/// SplitMix64 (Steele, Lea, Flood 2014): the same seed gives the same numbers on every machine. The seed is the bug
/// report.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// - Parameter seed: any number, 0 included. Print it when a test fails.
    public init(seed: UInt64) {
        self.state = seed
    }

    /// The next 64 bits of the sequence; every other drawing is made of these.
    public mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = self.state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    /// True once in `count` draws on average.
    public mutating func oneIn(_ count: UInt64) -> Bool { self.next() % count == 0 }

    /// A number in `range`.
    public mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
}

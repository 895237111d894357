import GatewayCore

/// Which part of its output cap a request is likely to use: how often each share was, in halvings. Eight bytes.
///
/// Eight counts of eight bits: at most 1/128, 1/64, … 1/2, 1 of the cap. When one is full all are halved, so that old
/// requests are forgotten and a change is learned within some dozens of new ones.
struct OutputShare: Sendable, Hashable {
    /// Fewer than these say nothing.
    static let countMin = 16

    private var counts: UInt64 = 0

    private func count(_ place: Int) -> Int { Int(truncatingIfNeeded: self.counts >> (place * 8) & 0xff) }

    /// - Parameters:
    ///   - used: tokens of output, reasoning included.
    ///   - cap: tokens that were allowed; 0 or less says nothing.
    mutating func note(used: Int64, of cap: Int64) {
        guard cap > 0 else { return }
        var place = 7
        while place > 0, max(used, 0) <= cap >> (8 - place) { place -= 1 }
        if self.count(place) == 0xff { self.counts = self.counts >> 1 & 0x7f7f_7f7f_7f7f_7f7f }
        self.counts += 1 << (place * 8)
    }

    /// The share that 15 of 16 requests stay within, as halvings of the cap: 0 to 7; 0 while too little is known.
    var halvings: Int {
        let total = (0..<8).reduce(0) { $0 + self.count($1) }
        guard total >= Self.countMin else { return 0 }
        var within = 0
        for place in 0..<8 {
            within += self.count(place)
            if within * 16 >= total * 15 { return 7 - place }
        }
        return 0
    }
}

/// What keys and models usually use of their output caps (pitfall B-2): a table of fixed size that belongs to one loop.
///
/// Entries are found by a hash; of two that meet, the newer one takes the place. A lost entry costs nothing but a
/// larger reservation until it has learned again.
public struct CostEstimates {
    private struct Entry {
        var tag: UInt64 = 0
        var share = OutputShare()
    }

    private var entries: [Entry]
    private let mask: Int

    /// - Parameter capacity: entries of 16 bytes, brought to a power of two between 1 and 1,048,576.
    public init(capacity: Int = 8192) {
        var count = 1
        while count < min(max(capacity, 1), 1 << 20) { count *= 2 }
        self.mask = count - 1
        self.entries = Array(repeating: Entry(), count: count)
    }

    /// Names a key and a model for this table: from stable names, so that a reload forgets nothing. While compiling.
    public static func tag(key: KeyName?, model: ModelName) -> UInt64 {
        // FNV-1a over both names and what stands between them.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in Array((key?.text ?? "").utf8) + [0xff] + Array(model.text.utf8) {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return Self.mixed(hash)
    }

    /// The same from two tags that were made before: one multiplication, for the path of a request.
    public static func tag(_ key: UInt64, _ model: UInt64) -> UInt64 {
        Self.mixed(key &* 0x9e37_79b9_7f4a_7c15 ^ model)
    }

    /// 0 marks an empty entry.
    private static func mixed(_ hash: UInt64) -> UInt64 { max(hash ^ hash >> 29, 1) }

    /// At the end of an exchange that got its answer: what it used of its cap.
    public mutating func note(_ tag: UInt64, used: Int64, of cap: Int64) {
        let place = Int(truncatingIfNeeded: tag) & self.mask
        if self.entries[place].tag != tag { self.entries[place] = Entry(tag: tag) }
        self.entries[place].share.note(used: used, of: cap)
    }

    /// The output cap that 15 of 16 such requests keep within; `cap` itself while too little is known.
    ///
    /// To be reserved for instead of `cap` only when the request is spliced to it, or on a stream whose whole output is
    /// visible and which is topped up.
    public func cap(_ tag: UInt64, of cap: Int64) -> Int64 {
        let entry = self.entries[Int(truncatingIfNeeded: tag) & self.mask]
        return entry.tag == tag ? max(cap >> entry.share.halvings, min(cap, 1)) : cap
    }
}

/// How much to reserve for a request, in the order in which to try.
public struct ReservationPlan: Sendable, Hashable {
    /// What to do with what comes back.
    public enum Output: Sendable, Hashable {
        /// Splice the cap: the reservation is the worst case then.
        case capped(Int64)
        /// Splice the client's own bound, price what is delivered and top up: all output is visible.
        case watched(Int64)
    }

    /// An amount to ask for, and what it is worth only together with.
    public struct Choice: Sendable, Hashable {
        /// To be reserved.
        public var amount: PicoAmount
        /// How the output is kept within it.
        public var output: Output
    }

    /// Reserve this first.
    public let first: Choice
    /// When money refuses `first`; `nil`: then the request is refused.
    public let second: Choice?

    /// - Parameters:
    ///   - demand: of the request.
    ///   - deployments: those still reachable.
    ///   - estimates: of this loop, with the tag of key and model.
    ///   - isWatched: a stream all of whose output is visible: no hidden reasoning, no tools of the provider.
    public init(
        _ demand: CostDemand, over deployments: [CostTerms], policy: CostPolicy, estimates: CostEstimates, tag: UInt64,
        isWatched: Bool
    ) throws(CostProblem) {
        let worst = try CostModel.worstCase(demand, over: deployments, policy: policy)
        var cap: Int64 = 0
        for terms in deployments where !terms.isFree { cap = max(cap, CostModel.outputCap(demand, terms, policy)) }
        let full = Choice(amount: worst, output: .capped(cap))
        let likely = estimates.cap(tag, of: cap)
        guard likely < cap else {
            (self.first, self.second) = (full, nil)
            return
        }
        var less = demand
        less.outputCap = likely
        let amount = try CostModel.worstCase(less, over: deployments, policy: policy)
        if isWatched {
            (self.first, self.second) = (Choice(amount: amount, output: .watched(cap)), nil)
        } else {
            (self.first, self.second) = (full, Choice(amount: amount, output: .capped(likely)))
        }
    }
}

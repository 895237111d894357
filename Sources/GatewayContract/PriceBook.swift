import GatewayCore

/// Which deployments an entry of a price book is for.
public enum PriceSelector: Sendable, Hashable {
    /// One deployment by its own name: what `prices.overrides` and a deployment's `price` say.
    case deployment(DeploymentName)
    /// Models by the provider's name for them: a name, or a prefix and `*`. With a provider only at that one.
    case model(String, at: ProviderName?)

    /// How exactly it names something; of all that match, the greatest holds. A deployment comes before every model, a
    /// whole name before a prefix, a longer prefix before a shorter, and of equals the one with a provider.
    fileprivate var rank: (Int, Int, Int) {
        switch self {
        case .deployment: (2, 0, 0)
        case .model(let pattern, let provider):
            (pattern.utf8.last == UInt8(ascii: "*") ? 0 : 1, pattern.utf8.count, provider == nil ? 0 : 1)
        }
    }

    /// Byte for byte. A `*` is one only at the end; `gpt-5` is not the price of `gpt-5-2026-08-07`, `gpt-5*` is.
    fileprivate func matches(_ deployment: DeploymentName, _ provider: ProviderName, _ model: ModelName) -> Bool {
        switch self {
        case .deployment(let name): return name == deployment
        case .model(let pattern, let own):
            guard own == nil || own == provider else { return false }
            guard pattern.utf8.last == UInt8(ascii: "*") else { return ModelName(pattern) == model }
            return model.text.utf8.starts(with: pattern.utf8.dropLast())
        }
    }
}

/// One price, for a while.
public struct PriceEntry: Sendable, Equatable {
    /// What it is the price of.
    public var selector: PriceSelector
    /// The first instant at which it holds; `nil`: since ever.
    public var from: WallTime?
    /// The first instant at which it holds no more; `nil`: for ever.
    public var to: WallTime?
    /// In the currency of the book.
    public var price: ModelPrice
    /// Where it was written.
    public var origin: Origin

    /// Bounds are half-open: `[from, to)`.
    public init(
        _ selector: PriceSelector, _ price: ModelPrice, from: WallTime? = nil, to: WallTime? = nil,
        origin: Origin = .builtIn
    ) {
        self.selector = selector
        self.price = price
        self.from = from
        self.to = to
        self.origin = origin
    }

    fileprivate var start: Int64 { self.from?.nanoseconds ?? .min }
    fileprivate var end: Int64 { self.to?.nanoseconds ?? .max }

    /// The end of time belongs to an entry without an end.
    fileprivate func holds(at time: WallTime) -> Bool {
        time.nanoseconds >= self.start && (self.to == nil || time.nanoseconds < self.end)
    }
}

/// Why a price book was refused.
public enum PriceBookProblem: Error, Sendable, Equatable {
    /// The entry ends before it begins.
    case empty(PriceEntry)
    /// Two entries for the same thing hold at the same time.
    case overlap(PriceEntry, PriceEntry)
}

/// Dated prices in one currency. Immutable: a change is a new book with a new revision, which usage records keep.
public struct PriceBook: Sendable, Equatable {
    /// The name in `prices.book`.
    public let name: String
    /// Which state of it: stands in every usage record that was priced by it.
    public let revision: String
    /// Of every price in it; amounts are never converted.
    public let currency: CurrencyCode
    /// Greatest rank first, and within a selector by time.
    public let entries: [PriceEntry]

    /// A book without prices.
    public static let none = PriceBook(name: "none", revision: "", currency: .usd, sorted: [])

    private init(name: String, revision: String, currency: CurrencyCode, sorted: [PriceEntry]) {
        self.name = name
        self.revision = revision
        self.currency = currency
        self.entries = sorted
    }

    /// Checks that no two entries for the same thing hold at the same time.
    public init(
        name: String, revision: String, currency: CurrencyCode, entries: [PriceEntry]
    ) throws(PriceBookProblem) {
        let ranked = entries.sorted {
            $0.selector.rank == $1.selector.rank ? $0.start < $1.start : $0.selector.rank > $1.selector.rank
        }
        var last: [PriceSelector: PriceEntry] = [:]
        for entry in ranked {
            guard entry.start < entry.end else { throw .empty(entry) }
            if let before = last[entry.selector], before.end > entry.start { throw .overlap(before, entry) }
            last[entry.selector] = entry
        }
        self.init(name: name, revision: revision, currency: currency, sorted: ranked)
    }

    /// All that the book says of one deployment, now and later. While a snapshot is compiled: walks all entries.
    /// - Parameter model: the provider's name for it.
    public func schedule(
        deployment: DeploymentName, provider: ProviderName, model: ModelName
    ) -> PriceSchedule {
        PriceSchedule(self.entries.filter { $0.selector.matches(deployment, provider, model) })
    }
}

/// The prices of one deployment over time.
public struct PriceSchedule: Sendable, Equatable {
    private let entries: [PriceEntry]
    private let always: ModelPrice?

    /// No price at any time. To be told from a price of zero: see `MissingPrice`.
    public static let unpriced = PriceSchedule([])

    /// The same price at any time.
    public init(_ price: ModelPrice) {
        self.init([PriceEntry(.model("*", at: nil), price)])
    }

    fileprivate init(_ entries: [PriceEntry]) {
        self.entries = entries
        let first = entries.first
        self.always = first.flatMap { $0.from == nil && $0.to == nil ? $0.price : nil }
    }

    /// The price in force, by the most exact entry that holds then. A load where the first entry has no dates.
    /// - Returns: `nil` when there is none: the model is unpriced then, not free.
    public func price(at time: WallTime) -> ModelPrice? {
        if let always = self.always { return always }
        return self.entries.first { $0.holds(at: time) }?.price
    }
}

/// What to do, where money is at stake, with a model that has no price (`prices.missing`).
public enum MissingPrice: String, Sendable, CaseIterable {
    /// Refuse it.
    case block
    /// Let it pass as if it were free.
    case zero
    /// Take the dearest price in the book.
    case estimate
}

import GatewayCore

/// A part of an exchange that has a price of its own.
public enum PriceComponent: String, Sendable, Hashable, CaseIterable {
    case input
    case cacheRead = "cache_read"
    case cacheWrite5m = "cache_write_5m"
    case cacheWrite1h = "cache_write_1h"
    case output, reasoning
    case audioInput = "audio_in"
    case audioOutput = "audio_out"
    case image
    /// Calls of the provider's own tools.
    case tool
}

/// What each part costs, in micro-units of the book's currency per 1,000,000 units (`micro_per_million`): 0.15 USD per
/// 1M tokens is 150,000.
///
/// A part without a price of its own takes another one's: reasoning and audio output that of output; cache reads, cache
/// writes, audio input and images that of input, and writes for an hour that of writes for five minutes if there is
/// one. Tool units without a price cost nothing: there is nothing to derive it from.
public struct ModelRates: Sendable, Hashable {
    /// 0 or more each.
    public let input: Int64
    /// Visible output.
    public let output: Int64
    /// Input that was found in the provider's cache.
    public let cacheRead: Int64
    /// Input that was written to the cache for five minutes.
    public let cacheWrite5m: Int64
    /// Input that was written to the cache for an hour.
    public let cacheWrite1h: Int64
    /// Output that is thought and not shown.
    public let reasoning: Int64
    /// Audio in the input.
    public let audioInput: Int64
    /// Audio in the output.
    public let audioOutput: Int64
    /// Images in the input.
    public let image: Int64
    /// Calls of the provider's own tools.
    public let tool: Int64

    /// Negative rates are brought to 0; what reads them from a file refuses them before.
    /// - Parameter own: prices of parts beyond `input` and `output`, which are not looked up in it.
    public init(input: Int64, output: Int64, own: [PriceComponent: Int64] = [:]) {
        func rate(_ component: PriceComponent, else other: Int64) -> Int64 { max(own[component] ?? other, 0) }
        self.input = max(input, 0)
        self.output = max(output, 0)
        self.cacheRead = rate(.cacheRead, else: input)
        self.cacheWrite5m = rate(.cacheWrite5m, else: input)
        self.cacheWrite1h = rate(.cacheWrite1h, else: own[.cacheWrite5m] ?? input)
        self.reasoning = rate(.reasoning, else: output)
        self.audioInput = rate(.audioInput, else: input)
        self.audioOutput = rate(.audioOutput, else: output)
        self.image = rate(.image, else: input)
        self.tool = rate(.tool, else: 0)
    }

    /// The dearest rate that a unit of input can have.
    public var dearestInput: Int64 {
        max(self.input, self.cacheRead, self.cacheWrite5m, self.cacheWrite1h, self.audioInput, self.image)
    }

    /// The dearest rate that a unit of output can have.
    public var dearestOutput: Int64 { max(self.output, self.reasoning, self.audioOutput) }

    var isFree: Bool { self.dearestInput == 0 && self.dearestOutput == 0 && self.tool == 0 }

    /// Rates outside 0.001 to 1,000 units of currency per 1M are doubtful (pitfall M-18); 0 is not.
    public static func isPlausible(_ rate: Int64) -> Bool { rate == 0 || (1000...1_000_000_000).contains(rate) }

    func cost(of units: UsageUnits) throws(AmountProblem) -> PicoAmount {
        var cost = try PicoAmount(units.inputUncached, at: self.input)
        cost = try cost.adding(PicoAmount(units.output, at: self.output))
        // What most exchanges do not have is told from the rest by one test.
        let rest =
            units.cacheRead | units.cacheWrite5m | units.cacheWrite1h | units.reasoning | units.audioInput
            | units.audioOutput | units.imageInput | units.toolUnits
        guard rest != 0 else { return cost }
        cost = try cost.adding(PicoAmount(units.cacheRead, at: self.cacheRead))
        cost = try cost.adding(PicoAmount(units.cacheWrite5m, at: self.cacheWrite5m))
        cost = try cost.adding(PicoAmount(units.cacheWrite1h, at: self.cacheWrite1h))
        cost = try cost.adding(PicoAmount(units.reasoning, at: self.reasoning))
        cost = try cost.adding(PicoAmount(units.audioInput, at: self.audioInput))
        cost = try cost.adding(PicoAmount(units.audioOutput, at: self.audioOutput))
        cost = try cost.adding(PicoAmount(units.imageInput, at: self.image))
        return try cost.adding(PicoAmount(units.toolUnits, at: self.tool))
    }
}

/// The price of one model: rates, and other rates for requests whose input is long.
public struct ModelPrice: Sendable, Hashable {
    /// Rates for every request whose whole input, cached parts included, has at least `inputFrom` tokens.
    public struct Tier: Sendable, Hashable {
        /// Tokens of input from which on it holds; more than 0.
        public let inputFrom: Int64
        /// Hold for the whole request, not only for what is beyond.
        public let rates: ModelRates

        /// Rates from a length of input on.
        public init(inputFrom: Int64, rates: ModelRates) {
            self.inputFrom = inputFrom
            self.rates = rates
        }
    }

    /// For the shortest inputs.
    public let rates: ModelRates
    /// Ascending by `inputFrom`, each more than 0.
    public let tiers: [Tier]

    /// Tiers in any order; of two that begin at the same length the later given one holds.
    public init(_ rates: ModelRates, tiers: [Tier] = []) {
        self.rates = rates
        var kept: [Int64: Tier] = [:]
        for tier in tiers where tier.inputFrom > 0 { kept[tier.inputFrom] = tier }
        self.tiers = kept.values.sorted { $0.inputFrom < $1.inputFrom }
    }

    /// Costs nothing, whatever is used: never stopped by a money budget (pitfall B-6). Not the same as having no price.
    public static let free = ModelPrice(ModelRates(input: 0, output: 0))

    /// Whether nothing that this model does costs anything.
    public var isFree: Bool { self.rates.isFree && self.tiers.allSatisfy(\.rates.isFree) }

    /// The rates that a request with so much input is billed at. The reservation uses the same (pitfall B-4).
    public func rates(forInput tokens: Int64) -> ModelRates {
        guard !self.tiers.isEmpty, let tier = self.tiers.last(where: { $0.inputFrom <= tokens }) else {
            return self.rates
        }
        return tier.rates
    }

    /// The exact cost of what was used. Ten multiplications at most, no allocation; by the terminal transition, on the
    /// exchange's loop.
    /// - Throws: `negative` for a negative count, `overflow` above 9.2 million units of currency.
    public func cost(of units: UsageUnits) throws(AmountProblem) -> PicoAmount {
        guard !self.tiers.isEmpty else { return try self.rates.cost(of: units) }
        var input: Int64 = 0
        for part in [
            units.inputUncached, units.cacheRead, units.cacheWrite5m, units.cacheWrite1h, units.audioInput,
            units.imageInput,
        ] {
            let (sum, overflow) = input.addingReportingOverflow(part)
            guard !overflow else { throw .overflow }
            input = sum
        }
        return try self.rates(forInput: input).cost(of: units)
    }
}

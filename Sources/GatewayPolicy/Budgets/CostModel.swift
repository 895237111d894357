import GatewayContract
import GatewayCore

/// What a request may use at most, as far as the request itself tells.
public struct CostDemand: Sendable, Hashable {
    /// Bytes of the request's body; no text has more tokens than bytes.
    public var inputBytes: Int64
    /// Whether all its parts are text that stands in the body. Images, files and references by URL are not.
    public var isInlineText: Bool
    /// `n`: 1 or more.
    public var choiceCount: Int64
    /// `max_tokens` and its namesakes; `nil`: the request names none.
    public var outputCap: Int64?
    /// Calls of the provider's own tools that the request allows; 0: it names no such tool.
    public var toolCallsMax: Int64

    /// Numbers below their range are brought to its end.
    public init(
        inputBytes: Int64, isInlineText: Bool, choiceCount: Int64 = 1, outputCap: Int64? = nil, toolCallsMax: Int64 = 0
    ) {
        self.inputBytes = max(inputBytes, 0)
        self.isInlineText = isInlineText
        self.choiceCount = max(choiceCount, 1)
        self.outputCap = outputCap
        self.toolCallsMax = max(toolCallsMax, 0)
    }
}

/// What a deployment allows and costs at most: compiled from its price and limits for the time being.
public struct CostTerms: Sendable, Hashable {
    /// The dearest rates of one price tier.
    struct Tier: Sendable, Hashable {
        var inputFrom: Int64
        var input: Int64
        var output: Int64
        var tool: Int64
    }

    /// `nil`: the deployment has no price, and that is not to be ignored.
    let tiers: [Tier]?
    let contextWindow: Int64?
    let outputMax: Int64?
    let isFree: Bool

    /// - Parameters:
    ///   - price: `nil`: unpriced. What `prices.missing` says otherwise is put in its place before.
    ///   - contextWindow: tokens that the model takes in; `nil`: unknown.
    ///   - outputMax: `max_output_tokens`; `nil`: unknown.
    public init(price: ModelPrice?, contextWindow: Int64? = nil, outputMax: Int64? = nil) {
        self.tiers = price.map { price in
            ([ModelPrice.Tier(inputFrom: 0, rates: price.rates)] + price.tiers).map {
                Tier(
                    inputFrom: $0.inputFrom, input: $0.rates.dearestInput, output: $0.rates.dearestOutput,
                    tool: $0.rates.tool)
            }
        }
        self.contextWindow = contextWindow.map { max($0, 0) }
        self.outputMax = outputMax.map { max($0, 0) }
        self.isFree = price?.isFree ?? false
    }
}

/// Bounds for what neither the request nor the deployment bounds.
public struct CostPolicy: Sendable, Hashable {
    /// `policy.max_output_tokens`; `nil`: none.
    public var outputMax: Int64?
    /// The cap that is spliced where there is none at all. It is kept by the provider, so it is a bound, not a guess.
    public var outputCapDefault: Int64
    /// Tokens of input that are reckoned with when neither bytes nor a context window bound them.
    public var contextWindowDefault: Int64

    /// The defaults are those of the configuration.
    public init(outputMax: Int64? = nil, outputCapDefault: Int64 = 32_768, contextWindowDefault: Int64 = 1_048_576) {
        self.outputMax = outputMax
        self.outputCapDefault = outputCapDefault
        self.contextWindowDefault = contextWindowDefault
    }
}

/// Why a request has no worst case.
public enum CostProblem: Error, Sendable, Hashable {
    /// A deployment that it may reach has no price (by its place in the list).
    case unpriced(Int)
    /// Beyond 9.2 million units of currency.
    case overflow

    /// What the client is told.
    public var code: ErrorCode {
        switch self {
        case .unpriced: .priceUnknown
        case .overflow: .costOutOfRange
        }
    }
}

/// What a request may cost at most (control-plane 1.6).
public enum CostModel {
    /// The largest, over the deployments still reachable, of
    /// input bound × dearest input rate + n × output cap × dearest output rate + tool calls × tool rate.
    ///
    /// The input bound is the bytes if all parts are inline text, else the context window. Where prices have tiers by
    /// length of input, every tier that the bound reaches counts (pitfall B-4). A few multiplications per deployment,
    /// no allocation; once per request with money on its path, on its loop.
    /// - Returns: zero when all of them are free.
    public static func worstCase(
        _ demand: CostDemand, over deployments: [CostTerms], policy: CostPolicy
    ) throws(CostProblem) -> PicoAmount {
        var worst = PicoAmount.zero
        for (place, terms) in deployments.enumerated() {
            guard let tiers = terms.tiers else { throw .unpriced(place) }
            if terms.isFree { continue }
            let input = Self.inputBound(demand, terms, policy)
            let (output, overflow) = Self.outputCap(demand, terms, policy)
                .multipliedReportingOverflow(by: demand.choiceCount)
            guard !overflow else { throw .overflow }
            for tier in tiers where tier.inputFrom <= input {
                worst = max(worst, try Self.cost(tier, input: input, output: output, tools: demand.toolCallsMax))
            }
        }
        return worst
    }

    /// The output cap to be spliced into a request for one deployment under a hard budget: tokens of one choice.
    public static func outputCap(_ demand: CostDemand, _ terms: CostTerms, _ policy: CostPolicy) -> Int64 {
        guard let first = demand.outputCap ?? terms.outputMax ?? policy.outputMax else {
            return policy.outputCapDefault
        }
        return max(min(first, terms.outputMax ?? first, policy.outputMax ?? first), 0)
    }

    static func inputBound(_ demand: CostDemand, _ terms: CostTerms, _ policy: CostPolicy) -> Int64 {
        if demand.isInlineText { return min(demand.inputBytes, terms.contextWindow ?? .max) }
        return terms.contextWindow ?? policy.contextWindowDefault
    }

    private static func cost(
        _ tier: CostTerms.Tier, input: Int64, output: Int64, tools: Int64
    ) throws(CostProblem) -> PicoAmount {
        do throws(AmountProblem) {
            return try PicoAmount(input, at: tier.input).adding(PicoAmount(output, at: tier.output))
                .adding(PicoAmount(tools, at: tier.tool))
        } catch {
            throw .overflow
        }
    }
}

/// When a running stream needs more than it has reserved (control-plane 1.6, stream guard).
public enum TopUp {
    /// - Parameters:
    ///   - reserved: what is held now.
    ///   - delivered: what the input and everything delivered so far cost.
    ///   - ahead: what may arrive before this is asked again: the cost of one more read.
    ///   - worst: what the request may cost at most; more than that is never asked for.
    /// - Returns: the amount to ask for once 90 % of the reservation is used, or would be exceeded by `ahead`: as much
    ///   again, so that a stream asks a logarithmic number of times. `nil`: nothing yet, or nothing more.
    public static func amount(
        reserved: PicoAmount, delivered: PicoAmount, ahead: PicoAmount = .zero, worst: PicoAmount
    ) -> PicoAmount? {
        let margin = reserved.pico / 10
        guard reserved < worst, delivered.pico >= reserved.pico - max(margin, ahead.pico) else { return nil }
        let wanted = max(reserved.pico, min(ahead.pico, .max / 2))
        return PicoAmount(pico: min(wanted, worst.pico - reserved.pico))
    }
}

import GatewayContract
import GatewayCore

extension ReportedUsage {
    /// The report as disjoint units. `nil`: nothing usable was reported, so an estimate takes its place (fault 22).
    func units(_ convention: UsageConvention) -> UsageUnits? {
        guard self.isSeen, !self.isBroken else { return nil }
        switch convention {
        case .openai, .openaiImages: return self.openaiUnits()
        case .openaiSpeech:
            guard var units = self.openaiUnits() else { return nil }
            units.audioOutput += units.output
            units.output = 0
            return units
        case .inputOnly: return self.inputOnlyUnits()
        case .anthropic: return self.anthropicUnits()
        case .gemini, .geminiInputOnly: return self.geminiUnits()
        case .nothing: return nil
        }
    }

    /// The input parts alone, for streams that broke off before their output was reported. `nil`: not reported.
    func inputUnits(_ convention: UsageConvention) -> UsageUnits? {
        guard self.isSeen, !self.isBroken, self[.input] != nil else { return nil }
        switch convention {
        case .openai, .openaiSpeech, .openaiImages: return self.inclusiveInput(self[.input] ?? 0)
        case .inputOnly, .anthropic: return self.anthropicInput()
        case .gemini, .geminiInputOnly:
            return self.inclusiveInput(self[.input] ?? 0).map { self.addingToolInput(to: $0) }
        case .nothing: return nil
        }
    }

    // MARK: - OpenAI: inclusive totals

    private func openaiUnits() -> UsageUnits? {
        guard let input = self[.input] ?? self.rest(of: self[.total], without: self[.output]),
            let output = self[.output] ?? self.rest(of: self[.total], without: self[.input]),
            var units = self.inclusiveInput(input)
        else { return nil }
        let reasoning = self[.reasoning] ?? 0
        // Some hosts leave reasoning out of `completion_tokens`; their total gives it away.
        let isExclusive = reasoning > 0 && self[.total] == input + output + reasoning
        guard isExclusive || reasoning <= output else { return nil }
        let visible = isExclusive ? output : output - reasoning
        units.reasoning = reasoning
        units.audioOutput = min(self[.audioOutput] ?? 0, visible)
        units.output = visible - units.audioOutput
        return units
    }

    /// Splits a total that includes cached, written, audio and image tokens. Audio and image counts may themselves be
    /// cached: those tokens are counted once, as cached (M-6). More cached than there are at all is no report (M-7).
    private func inclusiveInput(_ total: Int64) -> UsageUnits? {
        var units = UsageUnits()
        var rest = total
        units.cacheRead = self[.cacheRead] ?? 0
        units.cacheWrite5m = self[.cacheWrite] ?? 0
        guard units.cacheRead <= rest, units.cacheWrite5m <= rest - units.cacheRead else { return nil }
        rest -= units.cacheRead + units.cacheWrite5m
        units.audioInput = min(self[.audioInput] ?? 0, rest)
        rest -= units.audioInput
        units.imageInput = min(self[.imageInput] ?? 0, rest)
        units.inputUncached = rest - units.imageInput
        return units
    }

    private func rest(of total: Int64?, without part: Int64?) -> Int64? {
        guard let total, let part, part <= total else { return nil }
        return total - part
    }

    private func inputOnlyUnits() -> UsageUnits? {
        let input = self[.input] ?? self[.total]
        guard input != nil || self[.toolUnits] != nil else { return nil }
        var units = UsageUnits()
        units.inputUncached = input ?? 0
        units.toolUnits = self[.toolUnits] ?? 0
        return units
    }

    // MARK: - Anthropic: exclusive input parts, output with thinking in it

    private func anthropicUnits() -> UsageUnits? {
        let reasoning = self[.reasoning] ?? 0
        guard self[.input] != nil, let output = self[.output], reasoning <= output else { return nil }
        var units = self.anthropicInput()
        units.output = output - reasoning
        units.reasoning = reasoning
        units.toolUnits = self[.toolUnits] ?? 0
        return units
    }

    /// The split of cache writes is kept (M-9); where it disagrees with the sum, the sum decides.
    private func anthropicInput() -> UsageUnits {
        var units = UsageUnits()
        units.inputUncached = self[.input] ?? 0
        units.cacheRead = self[.cacheRead] ?? 0
        let hour = self[.cacheWrite1h] ?? 0
        guard let written = self[.cacheWrite] else {
            units.cacheWrite5m = self[.cacheWrite5m] ?? 0
            units.cacheWrite1h = hour
            return units
        }
        units.cacheWrite1h = min(hour, written)
        units.cacheWrite5m = written - units.cacheWrite1h
        return units
    }

    // MARK: - Gemini: inclusive input, exclusive output; zeros are left out on the wire

    private func geminiUnits() -> UsageUnits? {
        guard self[.input] != nil || self[.output] != nil || self[.total] != nil,
            let input = self.inclusiveInput(self[.input] ?? 0)
        else { return nil }
        var units = self.addingToolInput(to: input)
        units.output = self[.output] ?? 0
        units.reasoning = self[.reasoning] ?? 0
        return units
    }

    private func addingToolInput(to units: UsageUnits) -> UsageUnits {
        var units = units
        units.inputUncached += self[.toolInput] ?? 0
        return units
    }
}

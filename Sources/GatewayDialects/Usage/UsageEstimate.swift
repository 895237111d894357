import GatewayContract
import GatewayCore

/// What is charged where the provider reported nothing (DESIGN 6).
public enum UsageEstimate {
    /// What one inline image, sound or file of a request counts, whatever its size: of the order that vision models
    /// charge for a picture. Its bytes are not text, and what they cost is known only to the provider (B-13).
    public static let tokensPerMediaPart: Int64 = 1_000

    /// Four bytes of text count as one token, rounded up.
    public static func tokens(ofTextBytes count: Int64) -> Int64 {
        count <= 0 ? 0 : (count - 1) / 4 + 1
    }

    /// Known input parts win over `estimatedInput`; of reported and estimated output the larger counts, because a
    /// report in the middle of a stream may be behind (M-1, M-15).
    /// - Parameter trustsOutput: false while the only report of output is a placeholder.
    static func units(
        reported: ReportedUsage, convention: UsageConvention, estimatedInput: Int64, outputTextBytes: Int64,
        trustsOutput: Bool
    ) -> UsageUnits {
        var units = UsageUnits()
        if let known = reported.inputUnits(convention) {
            units = known
        } else {
            units.inputUncached = max(0, estimatedInput)
        }
        guard convention.hasOutput else { return units }
        units.output = self.tokens(ofTextBytes: outputTextBytes)
        if trustsOutput, let partial = reported.units(convention), partial.outputTotal >= units.output {
            units.output = partial.output
            units.reasoning = partial.reasoning
            units.audioOutput = partial.audioOutput
        }
        return units
    }
}

import GatewayCore

/// Why a peer's bytes were refused. The connection is of no use afterwards.
public struct HTTPFault: Error, Equatable, Sendable {
    /// From requests: `malformedRequest`, `headTooLarge`, `httpVersionNotSupported` or `expectationFailed`.
    /// From answers: `upstreamGarbage` or `upstreamTruncated`.
    public let code: ErrorCode
    /// For the log: a constant text that names the rule; holds nothing that the peer sent.
    public let detail: String

    public init(code: ErrorCode, detail: String) {
        self.code = code
        self.detail = detail
    }

    init(request breach: Breach) {
        let code: ErrorCode =
            switch breach.kind {
            case .malformed: .malformedRequest
            case .tooLarge: .headTooLarge
            case .version: .httpVersionNotSupported
            case .expectation: .expectationFailed
            }
        self.init(code: code, detail: "\(breach.rule)")
    }

    init(answer breach: Breach) {
        self.init(code: .upstreamGarbage, detail: "\(breach.rule)")
    }
}

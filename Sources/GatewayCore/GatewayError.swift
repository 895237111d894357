/// Whose fault a failure is, and so who is asked to mend it: the caller (`client`), Penstock itself (`gateway`), the
/// vendor (`provider`), or whoever runs and configures this gateway (`operatorOfGateway`). Printed in
/// `docs/reference/errors.md`.
public enum Blame: String, Sendable {
    case client, gateway, provider, operatorOfGateway = "operator"
}

/// Whether the same request may be sent again.
public enum RetrySafety: Hashable, Sendable {
    /// It would fail again.
    case never
    /// Nothing of it has taken effect.
    case safe
    /// Safe once that long has passed.
    case after(TimeSpan)
}

/// A failure as a value: what the client is told, what only the log may know, and what to do next.
///
/// Two errors are equal in kind when their `code` is. Status, type and label come from `ErrorCode.row`.
public struct GatewayError: Error, Sendable {
    /// What happened. Through `ErrorCode.row` it decides what goes on the wire, into the log and into metrics.
    public let code: ErrorCode
    /// For the client. Never holds a credential, a URL of a provider or an unescaped byte that a peer sent.
    public let message: String
    /// The request field that is at fault, as the client wrote it (`model`, `previous_response_id`).
    public let parameter: String?
    /// For the log only.
    public let detail: String?
    /// For the client: `.after` becomes the fields `retry-after` and `retry-after-ms` of the answer.
    public let retry: RetrySafety

    /// - Parameters:
    ///   - message: must be fit for the client; `nil`: what the catalogue says of `code`.
    ///   - retry: `nil`: what the catalogue says of `code`.
    public init(
        _ code: ErrorCode, _ message: String? = nil, parameter: String? = nil, detail: String? = nil,
        retry: RetrySafety? = nil
    ) {
        self.code = code
        self.message = message ?? code.row.message
        self.parameter = parameter
        self.detail = detail
        self.retry = retry ?? code.row.retry
    }

    /// HTTP status of the answer; of `clientClosedRequest`, 499, which only log and metrics see.
    public var status: Int { self.code.row.status }
}

import GatewayWire

/// The head of a final answer that passed the whole grammar. It never changes.
///
/// One reference, that of `fields`, and plain numbers: handing it on costs one count.
/// `fields.bytes` is the head as it came, status line included.
public struct ResponseHead: Sendable {
    /// 200 to 599.
    public let status: Int
    /// What the provider speaks. HTTP/1.0 is never kept alive.
    public let version: HTTPVersion
    /// `.none` for an answer that has no body whatever its fields say (to HEAD, 204, 304).
    public let framing: BodyFraming
    /// False on HTTP/1.0, after `Connection: close` and for a body that ends with the connection.
    public let keepAlive: Bool
    public let fields: HeaderFields

    /// For heads made by hand, mostly in tests. Nothing is checked.
    public init(
        status: Int, version: HTTPVersion = .http11, framing: BodyFraming = .none, keepAlive: Bool = true,
        fields: HeaderFields
    ) {
        self.status = status
        self.version = version
        self.framing = framing
        self.keepAlive = keepAlive
        self.fields = fields
    }
}

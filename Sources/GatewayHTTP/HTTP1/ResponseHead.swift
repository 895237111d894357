import GatewayWire

/// The head of a final answer that passed the whole grammar.
///
/// Two allocations, both inside `fields`. `fields.bytes` is the head as it came, status line included.
public struct ResponseHead: Sendable {
    /// 200 to 599.
    public var status: Int
    public var version: HTTPVersion
    /// `.none` for an answer that has no body whatever its fields say (to HEAD, 204, 304).
    public var framing: BodyFraming
    /// False on HTTP/1.0, after `Connection: close` and for a body that ends with the connection.
    public var keepAlive: Bool
    public var fields: HeaderFields

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

import GatewayCore
import GatewayWire

/// The two versions that are spoken on HTTP/1 connections.
public enum HTTPVersion: UInt8, Sendable {
    case http10, http11
}

/// How long the body of a message is (RFC 9112 section 6.3).
public enum BodyFraming: Equatable, Sendable {
    /// No body follows.
    case none
    /// That many bytes follow; may be 0.
    case length(Int64)
    /// Chunks follow; the decoder takes them off.
    case chunked
    /// Everything up to the end of the connection. Answers only.
    case untilClose
}

/// Bounds on one head. A trailer section is held to the same bounds, counted on its own.
public struct HeadLimits: Sendable {
    /// From the first byte of the start line to the empty line's last.
    public var bytesMax: Int
    /// Field lines, repeated ones each counted. Beyond either bound a request is answered with 431 and an answer is
    /// `upstreamGarbage`.
    public var fieldsMax: Int

    public init(bytesMax: Int, fieldsMax: Int) {
        self.bytesMax = bytesMax
        self.fieldsMax = fieldsMax
    }
}

/// A request head that passed the whole grammar: nothing after the decoder checks it again. It never changes.
///
/// One reference, that of `fields`, and plain numbers: handing it on costs one count.
/// `fields.bytes` is the head as it came, request line included.
public struct RequestHead: Sendable {
    /// `other` for a name that the gateway does not know, lower case included (RFC 9110 section 9.1).
    public let method: HTTPMethod
    /// What the client speaks. An answer to HTTP/1.0 is never chunked.
    public let version: HTTPVersion
    /// The request target as it came (origin form or absolute form), a place in `fields.bytes`.
    public let target: Range<Int32>
    /// A place in `fields.bytes`. Never empty, begins with `/`, not unescaped.
    public let path: Range<Int32>
    /// A place in `fields.bytes`, without the question mark; empty without a query.
    public let query: Range<Int32>
    /// `none`, `length` or `chunked`: a request never ends with its connection (RFC 9112 section 6.3).
    public let framing: BodyFraming
    /// False on HTTP/1.0 and after `Connection: close`: nothing that follows on the connection is a request.
    public let keepAlive: Bool
    /// The client waits for `100 Continue` before it sends its body. Never on HTTP/1.0, nor without a body.
    public let expectsContinue: Bool
    public let fields: HeaderFields

    /// For heads made by hand, mostly in tests. Nothing is checked.
    public init(
        method: HTTPMethod, version: HTTPVersion = .http11, target: Range<Int32>, path: Range<Int32>,
        query: Range<Int32>, framing: BodyFraming = .none, keepAlive: Bool = true, expectsContinue: Bool = false,
        fields: HeaderFields
    ) {
        self.method = method
        self.version = version
        self.target = target
        self.path = path
        self.query = query
        self.framing = framing
        self.keepAlive = keepAlive
        self.expectsContinue = expectsContinue
        self.fields = fields
    }
}

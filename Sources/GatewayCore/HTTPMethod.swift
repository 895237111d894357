/// The request methods that the gateway tells apart; everything else is `other` and ends in 405.
public enum HTTPMethod: UInt8, CaseIterable, Sendable {
    case get, head, post, put, delete, patch, options, other

    /// - Parameter text: the token of a request line. Methods are case-sensitive (RFC 9110, 9.1): `get` is `other`.
    public init(_ text: UnsafeRawBufferPointer) {
        self = Self.named.first { $0.0.count == text.count && text.elementsEqual($0.0) }?.1 ?? .other
    }

    private static let named: [([UInt8], HTTPMethod)] = Self.allCases.filter { $0 != .other }.map {
        (Array($0.text.utf8), $0)
    }

    /// As on the wire; empty for `other`.
    public var text: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .patch: "PATCH"
        case .options: "OPTIONS"
        case .other: ""
        }
    }
}

/// The header fields that the gateway itself reads, sets, passes on or strips. Everything else is `other`.
///
/// A parser classifies each field once, while it walks over the name; afterwards a look-up compares one byte per field.
public enum HeaderID: UInt8, CaseIterable, Sendable {
    case other
    // Framing and connection
    case host, contentLength, transferEncoding, connection, keepAlive, te, trailer, upgrade, expect, proxyConnection
    // Content
    case contentType, contentEncoding, contentDisposition, accept, acceptEncoding, acceptLanguage, userAgent, date
    case cacheControl, etag, vary, location, allow
    // Credentials
    case authorization, proxyAuthorization, xAPIKey, apiKey, xGoogAPIKey, cookie, setCookie
    // Identity of a request
    case xRequestID, requestID, traceparent, tracestate, xForwardedFor
    // Dialects
    case anthropicVersion, anthropicBeta, openaiBeta, openaiOrganization, openaiProject, openaiProcessingMs
    case openaiVersion, xGoogAPIClient, idempotencyKey
    // Retry and limits
    case retryAfter, retryAfterMs, xShouldRetry

    /// Its bit in a set of ids.
    @inlinable public var mask: UInt64 { 1 << UInt64(self.rawValue & 63) }

    /// Lower case, as it is written on the wire by us.
    public var name: String {
        switch self {
        case .other: ""
        case .host: "host"
        case .contentLength: "content-length"
        case .transferEncoding: "transfer-encoding"
        case .connection: "connection"
        case .keepAlive: "keep-alive"
        case .te: "te"
        case .trailer: "trailer"
        case .upgrade: "upgrade"
        case .expect: "expect"
        case .proxyConnection: "proxy-connection"
        case .contentType: "content-type"
        case .contentEncoding: "content-encoding"
        case .contentDisposition: "content-disposition"
        case .accept: "accept"
        case .acceptEncoding: "accept-encoding"
        case .acceptLanguage: "accept-language"
        case .userAgent: "user-agent"
        case .date: "date"
        case .cacheControl: "cache-control"
        case .etag: "etag"
        case .vary: "vary"
        case .location: "location"
        case .allow: "allow"
        case .authorization: "authorization"
        case .proxyAuthorization: "proxy-authorization"
        case .xAPIKey: "x-api-key"
        case .apiKey: "api-key"
        case .xGoogAPIKey: "x-goog-api-key"
        case .cookie: "cookie"
        case .setCookie: "set-cookie"
        case .xRequestID: "x-request-id"
        case .requestID: "request-id"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        case .xForwardedFor: "x-forwarded-for"
        case .anthropicVersion: "anthropic-version"
        case .anthropicBeta: "anthropic-beta"
        case .openaiBeta: "openai-beta"
        case .openaiOrganization: "openai-organization"
        case .openaiProject: "openai-project"
        case .openaiProcessingMs: "openai-processing-ms"
        case .openaiVersion: "openai-version"
        case .xGoogAPIClient: "x-goog-api-client"
        case .idempotencyKey: "idempotency-key"
        case .retryAfter: "retry-after"
        case .retryAfterMs: "retry-after-ms"
        case .xShouldRetry: "x-should-retry"
        }
    }
}

import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayWire
import Testing

@Suite struct ForwardedHeadersTests {
    @Test("X-1: no credential, cookie, hop-by-hop or network field of a client reaches a provider")
    func towardsProvider() {
        let stripped: [HeaderID] = [
            .other, .authorization, .proxyAuthorization, .xAPIKey, .apiKey, .xGoogAPIKey, .cookie, .setCookie,
            .connection, .keepAlive, .te, .trailer, .upgrade, .expect, .proxyConnection, .transferEncoding,
            .contentLength, .contentEncoding, .acceptEncoding, .host, .xForwardedFor, .openaiOrganization,
            .openaiProject, .xRequestID, .requestID, .userAgent,
        ]
        for family in DialectFamily.allCases {
            for id in stripped { #expect(!ForwardedHeaders.towardsProvider(id, family: family), "\(id)") }
            for id in [HeaderID.contentType, .accept, .traceparent, .tracestate, .idempotencyKey] {
                #expect(ForwardedHeaders.towardsProvider(id, family: family))
            }
        }
        #expect(ForwardedHeaders.towardsProvider(.anthropicBeta, family: .anthropic))
        #expect(!ForwardedHeaders.towardsProvider(.anthropicBeta, family: .openai))
        #expect(ForwardedHeaders.towardsProvider(.openaiBeta, family: .openai))
        #expect(!ForwardedHeaders.towardsProvider(.openaiBeta, family: .gemini))
    }

    @Test("X-2: nothing that names the operator's account, host or credential reaches a client")
    func towardsClient() {
        for id in HeaderID.allCases {
            let passes = [
                .contentType, .contentDisposition, .cacheControl, .openaiProcessingMs, .openaiVersion, .retryAfter,
                .retryAfterMs, .xShouldRetry,
            ].contains(id)
            #expect(ForwardedHeaders.towardsClient(id) == passes, "\(id)")
        }
        for name in [
            "set-cookie", "server", "via", "openai-organization", "anthropic-organization-id", "x-goog-api-key",
            "x-ratelimit-remaining-requests", "anthropic-ratelimit-tokens-limit", "proxy-authenticate", "forwarded",
        ] {
            #expect(!ForwardedHeaders.towardsClient(HeaderID(name: Array(name.utf8))))
        }
    }

    @Test("fields that Connection names are told")
    func connection() {
        var fields = HeaderFields()
        fields.append("Connection", "close, Cache-Control ,unknown")
        fields.append("connection", "openai-version")
        let named = ForwardedHeaders.namedByConnection(fields)
        #expect(named == 1 << UInt64(HeaderID.cacheControl.rawValue) | 1 << UInt64(HeaderID.openaiVersion.rawValue))
        #expect(ForwardedHeaders.namedByConnection(HeaderFields()) == 0)
        #expect(HeaderID.allCases.count <= 64)
    }
}

import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayWire
import Testing

@Suite struct ErrorBodyTests {
    private let error = GatewayError(.storedObjectField, "No \"such\" thing.", parameter: "conversation")

    @Test("one error in three families")
    func families() {
        func body(_ family: DialectFamily) -> String {
            text(ErrorBody.json(self.error, family: family, requestID: "r-1"))
        }
        #expect(
            body(.openai)
                == #"{"error":{"message":"No \"such\" thing.","type":"invalid_request_error","param":"conversation","#
                + #""code":"stored_object_not_available"}}"#)
        #expect(
            body(.anthropic)
                == #"{"type":"error","error":{"type":"invalid_request_error","message":"No \"such\" thing."},"#
                + #""request_id":"r-1"}"#)
        #expect(body(.gemini) == #"{"error":{"code":400,"message":"No \"such\" thing.","status":"INVALID_ARGUMENT"}}"#)
    }

    @Test("every code is one well-formed body and one stream event in every dialect")
    func all() throws {
        for code in ErrorCode.allCases {
            for family in DialectFamily.allCases {
                #expect(try json(ErrorBody.json(GatewayError(code), family: family, requestID: "r")).object != nil)
            }
            for endpoint in Endpoint.allCases {
                let event = ErrorBody.streamEvent(GatewayError(code), endpoint: endpoint, requestID: "r")
                var watch = StreamWatch(endpoint: endpoint, dropUsageEvent: false)
                var scanner = SSEScanner()
                try event.withUnsafeBytes { bytes in
                    try scanner.feed(bytes) { _ = watch.event(name: $0.name, data: $0.data) }
                }
                #expect(watch.sawError, "\(endpoint)")
                #expect(!text(event).contains("[DONE]"))
            }
        }
    }

    @Test("the types of Anthropic and the statuses of Gemini by HTTP status")
    func tables() {
        let anthropic = [
            400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
            404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 500: "api_error",
            502: "api_error", 504: "timeout_error", 529: "overloaded_error",
        ]
        for (status, type) in anthropic { #expect(ErrorBody.anthropicType(status: status) == type) }
        let gemini = [
            400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
            429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 502: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
        ]
        for (status, name) in gemini { #expect(ErrorBody.geminiStatus(status: status) == name) }
    }

    @Test("a Responses stream ends in an event of its own numbering")
    func responses() {
        let event = ErrorBody.streamEvent(
            GatewayError(.upstreamTruncated), endpoint: .responses, requestID: "r", sequenceNumber: 7)
        #expect(text(event).hasPrefix("event: error\ndata: {\"type\":\"error\",\"code\":\"upstream_truncated\""))
        #expect(text(event).hasSuffix("\"sequence_number\":7}\n\n"))
    }
}

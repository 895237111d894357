import GatewayCore
import Testing

struct ErrorCatalogTests {
    @Test(arguments: ErrorCode.allCases)
    func everyRowIsComplete(_ code: ErrorCode) {
        let row = code.row
        #expect((400...599).contains(row.status))
        #expect(!row.label.isEmpty && row.label.utf8.allSatisfy { (0x61...0x7a).contains($0) || $0 == 0x5f })
        #expect(row.message.last == ".")
        #expect(!row.mend.isEmpty)
        // 505 is about the client's request line, though its number is a server's.
        #expect((row.blame == .client) == (row.status < 500 || row.status == 505))
        let error = GatewayError(code)
        #expect(error.message == row.message)
        #expect(error.status == row.status)
        #expect(error.retry == row.retry)
    }

    /// Guarantee: no code falls into the default branch of another's table: except the two kinds of rate limits and the
    /// provider's generic error, every label belongs to one code.
    @Test func labelsAreDistinct() {
        let labels = Dictionary(grouping: ErrorCode.allCases, by: \.row.label)
        let shared = labels.filter { $1.count > 1 }.mapValues(Set.init)
        #expect(
            shared == [
                "rate_limit_exceeded": [.requestLimit, .tokenLimit],
                "upstream_error": [.upstreamRefusedCredentials, .upstreamError],
            ])
    }

    /// B-18: rate limits are 429. Statuses of reference/wire-formats.md 1.2.
    @Test func statuses() {
        for code in [ErrorCode.requestLimit, .tokenLimit, .concurrencyLimit] {
            #expect(code.row.status == 429)
            #expect(code.row.retry == .after(.seconds(1)))
        }
        #expect(ErrorCode.upstreamRefusedCredentials.row.status == 502)
        #expect(ErrorCode.upstreamTimeout.row.status == 504)
        #expect(ErrorCode.apiVersionSunset.row.status == 410)
        #expect(ErrorCode.clientClosedRequest.row.status == 499)
        #expect(ErrorCode.endpointNotAvailable.row.label == "endpoint_not_available")
        #expect(ErrorCode.modelNotFound.row.label == "model_not_found")
        #expect(ErrorCode.bodyTooLarge.row.label == "request_too_large")
    }

    @Test func anErrorKeepsWhatItIsGiven() {
        let error = GatewayError(
            .storedObjectField, "no", parameter: "conversation", detail: "d", retry: .after(.seconds(3)))
        #expect(error.message == "no")
        #expect(error.parameter == "conversation")
        #expect(error.detail == "d")
        #expect(error.retry == .after(.seconds(3)))
    }
}

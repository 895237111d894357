import GatewayContract
import GatewayCore
import Testing

@testable import GatewayPolicy

struct LimitHeadersTests {
    private static let start = MonotonicTime(nanoseconds: 9_000_000_000)

    private func text(_ headers: LimitHeaders) -> String {
        var text = ""
        headers.render { text += String(decoding: $0, as: UTF8.self) }
        return text
    }

    private func cells(_ slab: LimitSlab, key: LimitSpec, model: LimitSpec) throws -> (LimitCells, LimitCells) {
        (
            try #require(slab.cells(for: key, ofKey: "k")), try #require(slab.cells(for: model, ofModel: "m"))
        )
    }

    /// B-10. Guarantee: "remaining" goes down with each request, and the tighter of two buckets is shown.
    @Test func theMostConstrainedBucketIsShown() throws {
        let slab = LimitSlab(capacity: 2)
        let (key, model) = try self.cells(
            slab, key: .init(requestsPerMinute: 60), model: .init(requestsPerMinute: 100, tokensPerMinute: 6000))
        for expected in [Int64(59), 58, 57] {
            _ = LimitGate.take(key: key, model: model, tokens: 1000, at: Self.start, slab: slab)
            let headers = LimitHeaders.read(key: key, model: model, at: Self.start, slab: slab)
            #expect(headers.requests?.remaining == expected)
            #expect(headers.requests?.limit == 60)
            #expect(headers.tokens?.remaining == 6000 - (60 - expected) * 1000)
        }
        let headers = LimitHeaders.read(key: key, model: model, at: Self.start, slab: slab)
        #expect(
            self.text(headers) == """
                x-ratelimit-limit-requests: 60\r
                x-ratelimit-remaining-requests: 57\r
                x-ratelimit-reset-requests: 3s\r
                x-ratelimit-limit-tokens: 6000\r
                x-ratelimit-remaining-tokens: 3000\r
                x-ratelimit-reset-tokens: 30s\r

                """)
    }

    @Test func withoutLimitsNothingIsWritten() {
        let slab = LimitSlab(capacity: 1)
        let headers = LimitHeaders.read(key: .none, model: .none, at: Self.start, slab: slab)
        #expect(headers.isEmpty)
        #expect(self.text(headers) == "")
    }

    @Test(arguments: [
        (0, "0s"), (1, "1ms"), (12_000_000, "12ms"), (12_000_001, "13ms"), (998_000_001, "999ms"),
        (999_000_001, "1s"), (1_000_000_000, "1s"), (1_000_000_001, "2s"), (59_999_999_999, "1m0s"),
        (360_000_000_000, "6m0s"), (90_000_000_000, "1m30s"), (3_600_000_000_000, "1h0m0s"),
        (7_325_000_000_000, "2h2m5s"), (-5, "0s"),
    ])
    func durations(_ nanoseconds: Int64, _ expected: String) {
        let headers = LimitHeaders(
            requests: LimitState(limit: 1, remaining: 0, reset: .nanoseconds(nanoseconds)), tokens: nil)
        #expect(self.text(headers).hasSuffix("x-ratelimit-reset-requests: \(expected)\r\n"))
    }

    /// Guarantee: every number is written as Swift writes it; a negative one, which no bucket has, as zero.
    @Test func numbers() {
        var numbers: [Int64] = [0, 7, 10, .max, .max - 1]
        var power: Int64 = 1
        for _ in 0..<18 {
            power *= 10
            numbers += [power - 1, power, power + 1, power / 10 * 7 + 34]
        }
        numbers += (0..<1000).map { Int64($0) }
        for number in numbers {
            let state = LimitState(limit: number, remaining: number / 3, reset: .zero)
            #expect(
                self.text(LimitHeaders(requests: nil, tokens: state)) == """
                    x-ratelimit-limit-tokens: \(number)\r
                    x-ratelimit-remaining-tokens: \(number / 3)\r
                    x-ratelimit-reset-tokens: 0s\r

                    """)
        }
        let negative = LimitState(limit: -1, remaining: .min, reset: .nanoseconds(.min))
        #expect(
            self.text(LimitHeaders(requests: negative, tokens: nil)) == """
                x-ratelimit-limit-requests: 0\r
                x-ratelimit-remaining-requests: 0\r
                x-ratelimit-reset-requests: 0s\r

                """)
    }

    /// Guarantee: the longest possible numbers fit the memory that is set aside for them.
    @Test func theLongestTextFits() {
        let state = LimitState(limit: .max, remaining: .max, reset: .nanoseconds(.max))
        let text = self.text(LimitHeaders(requests: state, tokens: state))
        #expect(text.hasSuffix("s\r\n"))
        #expect(text.utf8.count < 512)
        #expect(text.contains("remaining-tokens: 9223372036854775807\r\n"))
    }
}

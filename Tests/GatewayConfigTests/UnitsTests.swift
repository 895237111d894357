import GatewayContract
import GatewayCore
import Testing

@testable import GatewayConfig

@Suite struct UnitsTests {
    @Test(
        arguments: [
            ("0", 0), ("200ms", 200_000_000), ("30s", 30_000_000_000), ("5m", 300_000_000_000),
            ("2h", 7_200_000_000_000),
            ("1h30m", 5_400_000_000_000), ("1d", 86_400_000_000_000), ("1s500ms", 1_500_000_000), ("5us", 5000),
        ] as [(String, Int64)])
    func durations(_ text: String, _ nanoseconds: Int64) {
        #expect(Units.duration(text) == .nanoseconds(nanoseconds))
    }

    /// Guarantee: nothing but the whole text counts, and a number that does not fit is refused, not wrapped.
    @Test(arguments: [
        "", "5", "s", "5 s", " 5s", "-5s", "5S", "1.5s", "5m1h", "5s5s", "99999999999999999999s", "9999999999h", "5sx",
        "٥s",
    ])
    func noDurations(_ text: String) {
        #expect(Units.duration(text) == nil)
    }

    @Test(
        arguments: [0, 1, 200, 999, 1000, 60_000, 61_000, 90_000, 5_400_000, 86_400_000, 90_000_000, 172_800_000]
            as [Int64])
    func durationsReadBack(_ milliseconds: Int64) {
        let span = TimeSpan.milliseconds(milliseconds)
        #expect(Units.duration(Units.text(span)) == span)
    }

    @Test(
        arguments: [
            ("0", 0), ("512", 512), ("64KiB", 65536), ("20MiB", 20 << 20), ("1GiB", 1 << 30), ("5kB", 5000), ("5B", 5),
            ("2GB", 2_000_000_000),
        ] as [(String, Int)])
    func sizes(_ text: String, _ bytes: Int) {
        #expect(Units.size(text) == bytes)
        #expect(Units.size(Units.text(bytes: bytes)) == bytes)
    }

    @Test(arguments: ["", "KiB", "5kb", "5 KiB", "-1", "1.5MiB", "99999999999GiB", "99999999999999999999", "5KiBx"])
    func noSizes(_ text: String) {
        #expect(Units.size(text) == nil)
    }

    @Test func counts() {
        #expect(Units.count("900k") == 900_000 && Units.count("2M") == 2_000_000 && Units.count("7") == 7)
        for text in ["", "k", "2m", "2 M", "-2", "9223372036854775807M"] { #expect(Units.count(text) == nil) }
    }

    @Test func dates() {
        #expect(Units.date("1970-01-02") == WallTime(unixSeconds: 86400))
        #expect(Units.date("2026-12-01") == WallTime(unixSeconds: 1_796_083_200))
        #expect(Units.date("1970-01-01T00:00:05Z") == WallTime(unixSeconds: 5))
        for text in [
            "", "2027-1-31", "2027-02-29", "2027-13-01", "2027-01-31 ", "20270131", "2027-01-31T00:00:00", "0000-01-01",
        ] {
            #expect(Units.date(text) == nil)
        }
        for text in ["2027-01-31", "2027-01-31T12:30:01Z"] { #expect(Units.date(text).map(Units.text(date:)) == text) }
    }

    @Test func listenAddresses() {
        #expect(Units.listenAddress("127.0.0.1:8080") == ListenAddress(host: "127.0.0.1", port: 8080))
        #expect(Units.listenAddress("localhost:0") == ListenAddress(host: "127.0.0.1", port: 0))
        #expect(Units.listenAddress("[::1]:80") == ListenAddress(host: "::1", port: 80))
        for text in [
            "", ":80", "80", "::1:80", "[127.0.0.1]:80", "a.test:80", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
            "[::1]", "[::1]80",
        ] {
            #expect(Units.listenAddress(text) == nil, "\(text)")
        }
    }

    @Test func baseURLs() throws {
        #expect(
            try Units.baseURL("HTTPS://API.test/v1/").get()
                == BaseURL(tls: true, host: "api.test", port: 443, path: "/v1"))
        #expect(try Units.baseURL("http://[::1]:81").get() == BaseURL(tls: false, host: "::1", port: 81, path: ""))
        #expect(
            try Units.baseURL("http://vllm_1:8000").get() == BaseURL(tls: false, host: "vllm_1", port: 8000, path: ""))
        let faults: [(String, Units.URLFault)] = [
            ("", .scheme), ("api.test", .scheme), ("ftp://x", .scheme), ("https://", .host), ("https://a b", .host),
            ("https://u:p@x", .userInfo), ("https://x?y", .query), ("https://x/#", .query), ("https://x:0", .port),
            ("https://x:80a", .port), ("https://x/a//b", .path), ("https://x/../b", .path), ("https://x/%41", .path),
            ("https://x/ä", .path), ("https://[::1", .host), ("https://[1.2.3.4]", .host),
            ("https://x\r\nHost: y", .port),
        ]
        for (text, fault) in faults { #expect(Units.baseURL(text) == .failure(fault), "\(text)") }
    }

    /// Guarantee: no text that could end a header line gets through.
    @Test func fieldTexts() {
        #expect(
            Units.isToken("X-Api-Key") && !Units.isToken("") && !Units.isToken("a b") && !Units.isToken("a:")
                && !Units.isToken("ä"))
        #expect(Units.isFieldValue("a b\tc") && Units.isFieldValue(""))
        for text in ["a\r\nb", "a\n", "\0", " a", "a ", "ä", "\u{7f}"] { #expect(!Units.isFieldValue(text)) }
    }
}

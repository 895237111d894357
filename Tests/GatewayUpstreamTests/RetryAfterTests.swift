import GatewayCore
import GatewayUpstream
import GatewayWire
import Testing

@Suite struct RetryAfterTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT.
    private let now = WallTime(unixSeconds: 784_111_777)

    private func read(_ value: String?, milliseconds: String? = nil) -> TimeSpan? {
        var fields = HeaderFields()
        if let value { fields.append("retry-after", value) }
        if let milliseconds { fields.append("retry-after-ms", milliseconds) }
        return RetryAfter.read(fields, at: self.now)
    }

    @Test func secondsAreReadAndFractionsRoundedUp() {
        #expect(self.read("7") == .seconds(7))
        #expect(self.read("1.2") == .seconds(2))
        #expect(self.read("0.001") == .seconds(1))
        #expect(self.read("3.0") == .seconds(3))
    }

    /// Pitfall B-19: `-1` and `0` come from Azure and mean nothing.
    @Test(arguments: ["-1", "0", "0.0", "", " ", "soon", "1e3", "+5", "5s", "1.2.3", ".", ".5", "0x10", "5, 6", "NaN"])
    func b19NonsenseIsIgnored(value: String) {
        #expect(self.read(value) == nil)
        #expect(self.read(nil, milliseconds: value) == nil)
        #expect(self.read("9", milliseconds: value) == .seconds(9), "the other field still counts")
    }

    @Test func millisecondsGoFirst() {
        #expect(self.read("7", milliseconds: "1500") == .milliseconds(1500))
        #expect(self.read("7", milliseconds: "1500.5") == .milliseconds(1501))
        #expect(self.read(nil, milliseconds: "20") == .milliseconds(20))
    }

    @Test func nothingKeepsAwayForMoreThanTenMinutes() {
        #expect(self.read("601") == .minutes(10))
        #expect(self.read("99999999999999999999999999") == .minutes(10))
        #expect(self.read(nil, milliseconds: "99999999999999999999999999") == .minutes(10))
        #expect(self.read("Fri, 31 Dec 9999 23:59:59 GMT") == .minutes(10))
    }

    /// RFC 9110 section 5.6.7: a recipient accepts all three forms.
    @Test(arguments: [
        "Sun, 06 Nov 1994 08:50:07 GMT", "Sunday, 06-Nov-94 08:50:07 GMT", "Sun Nov  6 08:50:07 1994",
    ])
    func datesAreRead(value: String) {
        #expect(self.read(value) == .seconds(30))
    }

    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:07 GMT", "Sun, 31 Feb 1995 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:50:07 CET", "Sun, 06 Nox 1994 08:50:07 GMT", "Sun, 06 Nov 1994 08:50 GMT",
        "Sun, 06 Nov 94 08:50:07 GMT", "Sunday, 06-Nov-1994 08:50:07 GMT", "Sun, 06 Nov 1994 24:50:07 GMT",
    ])
    func pastAndBrokenDatesAreIgnored(value: String) {
        #expect(self.read(value) == nil)
    }

    @Test func withoutAFieldThereIsNothing() {
        #expect(self.read(nil) == nil)
    }
}

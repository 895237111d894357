import GatewayCore
import Testing

struct MoneyTextTests {
    @Test(
        arguments: [
            ("0.15", 150_000), ("0.0025", 2500), ("5", 5_000_000), ("2000", 2_000_000_000), ("0", 0), ("0.000001", 1),
            ("10.00", 10_000_000), ("007", 7_000_000), ("9223372036854.775807", .max),
        ] as [(String, Int64)])
    func decimalsAreExact(_ text: String, _ millionths: Int64) throws {
        #expect(try MoneyText.millionths(text[...]) == millionths)
    }

    @Test(
        arguments: [
            ("", .notANumber), (".", .notANumber), ("1.", .notANumber), (".5", .notANumber), ("1.2.3", .notANumber),
            ("-1", .notANumber), ("+1", .notANumber), ("1e3", .notANumber), ("1,5", .notANumber), (" 1", .notANumber),
            ("１", .notANumber), ("0.0000001", .tooPrecise), ("9223372036854.775808", .overflow),
            ("99999999999999999999", .overflow),
        ] as [(String, AmountProblem)])
    func anythingElseIsAnError(_ text: String, _ problem: AmountProblem) {
        #expect(throws: problem) { try MoneyText.millionths(text[...]) }
    }

    @Test func amountsHaveACurrency() throws {
        let (amount, currency) = try MoneyText.amount("0.50 USD")
        #expect(amount.micro == 500_000)
        #expect(currency == .usd)
        #expect(throws: AmountProblem.form) { try MoneyText.amount("5USD") }
        #expect(throws: AmountProblem.form) { try MoneyText.amount("5  USD") }
        #expect(throws: AmountProblem.currency) { try MoneyText.amount("5 usd") }
        #expect(throws: AmountProblem.currency) { try MoneyText.amount("5 US") }
        #expect(throws: AmountProblem.notANumber) { try MoneyText.amount("five USD") }
    }
}

import GatewayCore
import Testing

struct SecretTests {
    private struct Holder {
        let name = "n"
        let secret = Secret("sk-test-visible")
    }

    /// Guarantee: a secret shows in no way in which values are usually printed.
    @Test func itNeverPrints() {
        let secret = Secret("sk-test-visible")
        var dumped = ""
        dump(Holder(), to: &dumped)
        dump(secret, to: &dumped)
        let texts = [
            "\(secret)", String(describing: secret), String(reflecting: secret), "\(Holder())", dumped,
            String(reflecting: [secret]), "\(Optional(secret) as Any)", String(describing: ["k": secret]),
        ]
        for text in texts { #expect(!text.contains("visible"), "\(text)") }
        #expect("\(secret)" == "•••")
    }

    @Test func itCanBeUsed() {
        #expect(Secret("sk-test-a").revealed == "sk-test-a")
        #expect(Secret("sk-test-a") == Secret("sk-test-a"))
        #expect(Secret("sk-test-a") != Secret("sk-test-b"))
        #expect(Secret("").isEmpty)
    }
}

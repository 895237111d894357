import GatewayCore
import Testing

struct HTTPMethodTests {
    private func read(_ text: String) -> HTTPMethod {
        Array(text.utf8).withUnsafeBytes { HTTPMethod($0) }
    }

    @Test(arguments: HTTPMethod.allCases)
    func thereAndBack(_ method: HTTPMethod) {
        #expect(self.read(method.text) == method)
    }

    /// Methods are case-sensitive (RFC 9110 section 9.1).
    @Test(arguments: ["get", "GETT", "GE", "", "TRACE", "CONNECT", "POST "])
    func others(_ text: String) {
        #expect(self.read(text) == .other)
    }
}

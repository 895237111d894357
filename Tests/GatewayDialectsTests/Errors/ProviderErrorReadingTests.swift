import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayWire
import Testing

@Suite struct ProviderErrorReadingTests {
    private func read(
        _ status: Int, _ body: String, _ family: DialectFamily = .openai, credential: Secret? = nil
    ) -> ProviderErrorAnswer {
        ProviderErrorReading.read(
            status: status, body: Array(body.utf8), family: family, requestID: "r-1", credential: credential)
    }

    @Test("X-2: a provider's 401 and 402 are 502 without its text; its other statuses stay")
    func credentials() {
        for status in [401, 402] {
            let answer = self.read(status, #"{"error":{"message":"Incorrect API key sk-test-12345678","type":"x"}}"#)
            #expect((answer.status, answer.code) == (502, .upstreamRefusedCredentials))
            #expect(!text(answer.body).contains("Incorrect"))
            #expect(answer.detail == "Incorrect API key [removed]")
        }
        for status in [400, 403, 404, 408, 409, 413, 422, 429, 500, 503, 529] {
            #expect(self.read(status, "{}").status == status)
        }
    }

    @Test("a well-formed error keeps its members and loses URLs, keys and account ids")
    func kept() throws {
        let answer = self.read(
            429,
            #"{"error":{"message":"Limit for org-AbC123456789"#
                + #" (see https://platform.example.com/limits?key=1). Bearer abc123def"#
                + #" AIzaSyTest0123456789 my-credential","type":"tokens","param":null,"#
                + #""code":"rate_limit_exceeded","n":1.50},"x":1}"#,
            credential: Secret("my-credential"))
        #expect(
            text(answer.body)
                == #"{"error":{"message":"Limit for [removed] (see [removed]). Bearer [removed] [removed] [removed]","#
                + #""type":"tokens","param":null,"code":"rate_limit_exceeded","n":1.50}}"#)
    }

    @Test("plain words that look a little like keys stay")
    func words() {
        let message = "Use a token, e.g. sk-learn or key: x; Bearer authentication; 3://4 a.b.c gpt-5 org-chart."
        let answer = self.read(400, #"{"error":{"message":"\#(message)"}}"#)
        #expect(text(answer.body).contains("sk-learn or key: x; Bearer"))
        #expect(text(answer.body).contains("gpt-5"))
    }

    @Test("Anthropic and Gemini errors; the request id is ours")
    func families() {
        let claude = self.read(
            529,
            #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_theirs"}"#,
            .anthropic)
        #expect(
            text(claude.body)
                == #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r-1"}"#)
        let google = self.read(
            429,
            #"[{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED","#
                + #""details":[{"retryDelay":"7s"}]}}]"#,
            .gemini)
        #expect(
            text(google.body)
                == #"{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED","#
                + #""details":[{"retryDelay":"7s"}]}}"#
        )
    }

    @Test("the flat shape of vLLM is put into the family's")
    func flat() {
        let answer = self.read(
            400, #"{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400}"#)
        #expect(
            text(answer.body)
                == #"{"error":{"message":"too long","type":"BadRequestError","param":null,"code":400}}"#)
    }

    @Test(
        "X-6: HTML, empty, broken and foreign bodies are a generic error of the same status",
        arguments: [
            "", "<html><body>nginx</body></html>", "{", #"{"error":"text"}"#, #"{"error":{"code":1}}"#, "null", "[]",
            #"{"error":{"message":"a","message":"b"}}"#, #"{"detail":"x"}"#, "\u{0}\u{1}",
        ])
    func generic(_ body: String) throws {
        for family in DialectFamily.allCases {
            let answer = self.read(503, body, family)
            #expect(answer.status == 503)
            #expect(try json(answer.body)["error"]?["message"]?.string == "The model provider failed.")
        }
        #expect(text(self.read(429, body).body).contains("rate_limit_exceeded"))
    }

    @Test("the detail for the log is bounded")
    func detail() {
        let long = String(repeating: "x ", count: 2000)
        #expect(self.read(400, #"{"error":{"message":"\#(long)"}}"#).detail.utf8.count <= 512)
    }
}

import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayWire
import Testing

@Suite struct PreparedCallTests {
    private func provider(
        _ type: ProviderType, path: String = "", key: String? = "sk-test-1", headers: [(String, String)] = [],
        apiVersion: String? = nil
    ) -> ProviderSpec {
        ProviderSpec(
            name: "p", type: type, baseURL: BaseURL(tls: true, host: "api.example.com", port: 443, path: path),
            apiKey: key.map(Secret.init), headers: headers.map { HeaderSpec(name: $0.0, value: Secret($0.1)) },
            apiVersion: apiVersion)
    }

    private func target(_ provider: ProviderSpec, _ endpoint: Endpoint, model: ModelName = "m-1") -> String? {
        guard let call = PreparedCall.prepare(provider: provider, upstreamModel: model, endpoint: endpoint) else {
            return nil
        }
        return text(call.head).split(separator: " ").dropFirst().first.map(String.init)
    }

    @Test("a whole head, with the credential where the vendor wants it")
    func heads() throws {
        let openai = try #require(
            PreparedCall.prepare(
                provider: self.provider(.openai, path: "/v1"), upstreamModel: "m", endpoint: .chatCompletions))
        #expect(
            text(openai.head)
                == "POST /v1/chat/completions HTTP/1.1\r\nhost: api.example.com\r\naccept-encoding: identity\r\n"
                + "user-agent: penstock\r\nauthorization: Bearer sk-test-1\r\n")
        #expect(openai.fieldWhenAbsent == nil)
        for (type, line, endpoint) in [
            (ProviderType.anthropic, "x-api-key: sk-test-1\r\n", Endpoint.messages),
            (.gemini, "x-goog-api-key: sk-test-1\r\n", .geminiGenerateContent),
            (.azure, "api-key: sk-test-1\r\n", .chatCompletions),
            (.openaiCompatible, "authorization: Bearer sk-test-1\r\n", .rerank),
        ] {
            let call = try #require(
                PreparedCall.prepare(provider: self.provider(type), upstreamModel: "m", endpoint: endpoint))
            #expect(text(call.head).hasSuffix(line))
        }
        let none = try #require(
            PreparedCall.prepare(
                provider: self.provider(.openaiCompatible, key: nil), upstreamModel: "m", endpoint: .completions))
        #expect(!text(none.head).contains("authorization"))
    }

    @Test("DESIGN 13.10: paths follow what the vendor's SDK takes as base URL")
    func paths() {
        let openai = self.provider(.openai, path: "/v1")
        #expect(self.target(openai, .responses) == "/v1/responses")
        #expect(self.target(openai, .audioTranscriptions) == "/v1/audio/transcriptions")
        #expect(self.target(openai, .rerank) == nil)
        #expect(self.target(openai, .messages) == nil)
        #expect(self.target(self.provider(.anthropic), .messages) == "/v1/messages")
        #expect(
            self.target(self.provider(.anthropic, path: "/proxy"), .messagesCountTokens)
                == "/proxy/v1/messages/count_tokens")
        #expect(self.target(self.provider(.anthropic), .chatCompletions) == nil)
        let gemini = self.provider(.gemini)
        #expect(self.target(gemini, .geminiGenerateContent) == "/v1beta/models/m-1:generateContent")
        #expect(self.target(gemini, .geminiStreamGenerateContent) == "/v1beta/models/m-1:streamGenerateContent?alt=sse")
        #expect(self.target(gemini, .geminiCountTokens) == "/v1beta/models/m-1:countTokens")
        #expect(self.target(gemini, .geminiEmbedContent) == "/v1beta/models/m-1:embedContent")
        #expect(self.target(gemini, .geminiBatchEmbedContents) == "/v1beta/models/m-1:batchEmbedContents")
        for model in ["a/b", "..", "a b", "a\r\nb", "a?b", "a%2f", ""] as [ModelName] {
            #expect(self.target(gemini, .geminiGenerateContent, model: model) == nil)
        }
        #expect(self.target(openai, .modelList) == nil)
        #expect(self.target(self.provider(.echo), .chatCompletions) == nil)
    }

    @Test("Azure: deployment paths with an API version, /openai/v1 without")
    func azure() {
        let dated = self.provider(.azure, apiVersion: "2024-10-21")
        #expect(
            self.target(dated, .chatCompletions) == "/openai/deployments/m-1/chat/completions?api-version=2024-10-21")
        #expect(self.target(dated, .responses) == "/openai/responses?api-version=2024-10-21")
        #expect(self.target(dated, .chatCompletions, model: "a/b") == nil)
        #expect(self.target(dated, .moderations) == nil)
        let plain = self.provider(.azure)
        #expect(self.target(plain, .chatCompletions) == "/openai/v1/chat/completions")
        #expect(self.target(self.provider(.azure, path: "/openai/v1"), .embeddings) == "/openai/v1/embeddings")
        #expect(self.target(self.provider(.azure, apiVersion: "a&b"), .chatCompletions) == nil)
    }

    @Test("anthropic-version is the client's, else 2023-06-01, else the operator's")
    func version() throws {
        let plain = try #require(
            PreparedCall.prepare(provider: self.provider(.anthropic), upstreamModel: "m", endpoint: .messages))
        #expect(plain.fieldWhenAbsent == .anthropicVersion)
        #expect(text(plain.lineWhenAbsent) == "anthropic-version: 2023-06-01\r\n")
        #expect(plain.forwards(.anthropicVersion))
        let pinned = try #require(
            PreparedCall.prepare(
                provider: self.provider(.anthropic, headers: [("Anthropic-Version", "2026-10-21")]),
                upstreamModel: "m", endpoint: .messages))
        #expect(pinned.fieldWhenAbsent == nil)
        #expect(!pinned.forwards(.anthropicVersion))
        #expect(pinned.replaces(.anthropicVersion))
        #expect(text(pinned.head).contains("\r\nanthropic-version: 2026-10-21\r\n"))
    }

    @Test("the operator's headers come last and replace the gateway's own credential and agent")
    func headers() throws {
        let call = try #require(
            PreparedCall.prepare(
                provider: self.provider(
                    .openaiCompatible, headers: [("Authorization", "Basic dGVzdA=="), ("X-Team", "a b")]),
                upstreamModel: "m", endpoint: .completions))
        let head = text(call.head)
        #expect(head.hasSuffix("authorization: Basic dGVzdA==\r\nx-team: a b\r\n"))
        #expect(!head.contains("Bearer"))
    }

    @Test("X-1: nothing that would break a line is ever prepared")
    func injection() {
        for bad in ["a\r\nx: y", "a\n", "\ra", "a\u{0}", "é", " a", "a "] {
            #expect(self.target(self.provider(.openai, key: bad), .completions) == nil)
            #expect(self.target(self.provider(.openai, headers: [("x-a", bad)]), .completions) == nil)
            #expect(self.target(self.provider(.openai, path: "/\(bad)"), .completions) == nil)
        }
        for name in ["", "a b", "a:b", "a\r\nb", "host", "Content-Length", "transfer-encoding", "Connection"] {
            #expect(self.target(self.provider(.openai, headers: [(name, "v")]), .completions) == nil)
        }
        #expect(PreparedCall.problem(in: self.provider(.openai, key: "sk-test\n"))?.contains("sk-test") == false)
        #expect(PreparedCall.problem(in: self.provider(.openai)) == nil)
        var hostless = self.provider(.openai)
        hostless.baseURL?.host = "a\r\nb"
        #expect(self.target(hostless, .completions) == nil)
    }

    @Test("every head ends its lines and holds no empty one, for every type and endpoint")
    func shape() {
        for type in ProviderType.allCases {
            for endpoint in Endpoint.allCases {
                guard
                    let call = PreparedCall.prepare(
                        provider: self.provider(type), upstreamModel: "m", endpoint: endpoint)
                else { continue }
                #expect(type.speaks(endpoint.family))
                #expect(text(call.head).hasSuffix("\r\n"))
                #expect(!text(call.head).contains("\r\n\r\n"))
            }
        }
    }
}

import GatewayContract
import GatewayCore
import Testing

@testable import GatewayPolicy

struct BuiltInRoutesTests {
    private let table = Fixture.table().0

    /// Guarantee: without any configuration every endpoint that the gateway implements is reachable.
    @Test(arguments: [
        ("/v1/chat/completions", Endpoint.chatCompletions), ("/v1/completions", .completions),
        ("/v1/responses", .responses), ("/v1/embeddings", .embeddings), ("/v1/moderations", .moderations),
        ("/v1/images/generations", .imagesGenerations), ("/v1/images/edits", .imagesEdits),
        ("/v1/images/variations", .imagesVariations), ("/v1/audio/speech", .audioSpeech),
        ("/v1/audio/transcriptions", .audioTranscriptions), ("/v1/audio/translations", .audioTranslations),
        ("/v1/rerank", .rerank), ("/v2/rerank", .rerank), ("/v1/messages", .messages),
        ("/v1/messages/count_tokens", .messagesCountTokens),
    ])
    func postEndpoints(_ path: String, _ endpoint: Endpoint) {
        #expect(self.table.say(.post, path) == endpoint.rawValue)
        #expect(self.table.say(.get, path) == "405 POST")
        #expect(self.table.say(.delete, path) == "405 POST")
    }

    @Test func everyEndpointHasARoute() {
        let served = Set(self.table.routes.flatMap { $0.versions.map(\.spec.endpoint) })
        #expect(served == Set(Endpoint.allCases))
        #expect(Fixture.table().1.isEmpty)
    }

    @Test func geminiVerbsUnderBothPrefixes() {
        for prefix in ["/v1beta/models/", "/v1/models/"] {
            #expect(self.table.say(.post, prefix + "g-2.5:generateContent") == "geminiGenerateContent g-2.5")
            #expect(self.table.say(.post, prefix + "g:streamGenerateContent") == "geminiStreamGenerateContent g")
            #expect(self.table.say(.post, prefix + "g:countTokens") == "geminiCountTokens g")
            #expect(self.table.say(.post, prefix + "g:embedContent") == "geminiEmbedContent g")
            #expect(self.table.say(.post, prefix + "g:batchEmbedContents") == "geminiBatchEmbedContents g")
            #expect(self.table.say(.post, prefix + "g:asyncBatchEmbedContent") == "404 not available")
            #expect(self.table.say(.post, prefix + "a:b:embedContent") == "geminiEmbedContent a:b")
        }
    }

    /// Guarantee: a model in a path can never be read as anything but one segment of a path.
    @Test(arguments: ["a/b", "a%2Fb", "..", "a..b", ".", "a\\b", "a b", "a?b", "a#b", "", "a\u{0}b", "é"])
    func unsafeGeminiModels(_ model: String) {
        #expect(self.table.say(.post, "/v1beta/models/\(model):generateContent") == "404")
    }

    @Test func modelsAreListedAndRead() {
        #expect(self.table.say(.get, "/v1/models") == "modelList")
        #expect(self.table.say(.get, "/v1beta/models") == "modelList")
        #expect(self.table.say(.get, "/v1/models/gpt-5") == "modelGet gpt-5")
        #expect(self.table.say(.get, "/v1/models/openai/gpt-5") == "modelGet openai/gpt-5")
        #expect(self.table.say(.get, "/v1beta/models/g") == "modelGet g")
        #expect(self.table.say(.get, "/v1/models/ft:gpt-4o:org::id") == "modelGet ft:gpt-4o:org::id")
        #expect(self.table.say(.get, "/v1/models/") == "404")
        #expect(self.table.say(.post, "/v1/models") == "405 GET")
        #expect(self.table.say(.delete, "/v1/models/gpt-5") == "405 GET")
    }

    /// Guarantee (DESIGN 8): nothing that refers to objects stored at the provider's account is ever forwarded.
    @Test(arguments: [
        "/v1/files", "/v1/files/file-1/content", "/v1/uploads", "/v1/batches", "/v1/batches/b/cancel",
        "/v1/vector_stores", "/v1/fine_tuning/jobs", "/v1/conversations", "/v1/assistants", "/v1/threads",
        "/v1/videos", "/v1/realtime", "/v1/realtime/client_secrets", "/v1/containers", "/v1/evals",
        "/v1/responses/resp_1", "/v1/responses/resp_1/cancel", "/v1/responses/input_tokens",
        "/v1/chat/completions/chatcmpl-1", "/v1/messages/batches", "/v1/messages/batches/b/results",
        "/v1beta/cachedContents", "/v1beta/files", "/v1beta/tunedModels", "/v1beta/tunedModels/x:generateContent",
        "/upload/v1beta/files", "/openai/v1/chat/completions", "/anthropic/v1/messages",
        "/v1beta/models/g:batchGenerateContent", "/v1/models/g:predictLongRunning",
    ])
    func storedObjectsAreNotAvailable(_ path: String) {
        #expect(self.table.say(.post, path) == "404 not available")
        if !path.contains("models/g:") { #expect(self.table.say(.get, path) == "404 not available") }
    }

    /// Guarantee: paths are compared byte for byte; what differs only by an escape, a slash or case is another path.
    @Test(arguments: [
        "/v1/chat%2Fcompletions", "/v1//chat/completions", "//v1/chat/completions", "/v1/./chat/completions",
        "/v1/x/../chat/completions", "/v1/chat/completions/", "/V1/chat/completions", "/v1/chat/completion",
        "/v1/filesystem", "/openaix", "v1/chat/completions", "", "*", "/", "/v1/chat/completions\u{0}",
        "/v1/chat/%63ompletions",
    ])
    func otherPathsAreNotFound(_ path: String) {
        let verdict = self.table.say(.post, path)
        #expect(verdict == (path == "/v1/chat/completions/" ? "404 not available" : "404"))
    }

    @Test func builtInRoutesAnnounceNothing() {
        guard case .match(let match) = self.table.find(.post, "/v1/chat/completions") else {
            Issue.record("no match")
            return
        }
        #expect(match.lifecycleHeaders == nil)
    }
}

import GatewayContract
import Testing

struct EndpointTests {
    /// Guarantee: every endpoint has a dialect whose name says its family.
    @Test(arguments: Endpoint.allCases)
    func dialectsAndFamiliesAgree(_ endpoint: Endpoint) {
        switch endpoint.family {
        case .anthropic: #expect(endpoint.dialect.hasPrefix("anthropic."))
        case .gemini: #expect(endpoint.dialect.hasPrefix("gemini."))
        case .openai: #expect(endpoint.dialect.hasPrefix("openai.") || ["rerank", "models"].contains(endpoint.dialect))
        }
    }

    @Test func shapes() {
        #expect(Endpoint.chatCompletions.shape == .json)
        #expect(Endpoint.audioSpeech.shape == .json)
        #expect(Endpoint.audioTranscriptions.shape == .multipart)
        #expect(Endpoint.imagesEdits.shape == .multipart)
        #expect(Endpoint.modelGet.shape == .none)
        for endpoint in Endpoint.allCases {
            #expect((endpoint.shape == .jsonModelInPath) == (endpoint.family == .gemini))
        }
    }

    @Test func providersSpeakTheirOwnFamily() {
        for family in DialectFamily.allCases {
            #expect(ProviderType.echo.speaks(family))
            #expect(ProviderType.anthropic.speaks(family) == (family == .anthropic))
            #expect(ProviderType.gemini.speaks(family) == (family == .gemini))
            #expect(ProviderType.azure.speaks(family) == (family == .openai))
            #expect(ProviderType.openaiCompatible.speaks(family) == (family == .openai))
        }
    }

    /// DESIGN 13.10: what the vendor's official SDK takes; OpenAI's ends in `/v1`, the others do not.
    @Test func baseURLs() {
        #expect(ProviderType.openai.defaultBaseURL?.hasSuffix("/v1") == true)
        #expect(ProviderType.anthropic.defaultBaseURL == "https://api.anthropic.com")
        #expect(ProviderType.gemini.defaultBaseURL == "https://generativelanguage.googleapis.com")
        #expect(ProviderType.azure.defaultBaseURL == nil)
        #expect(ProviderType(rawValue: "openai-compatible") == .openaiCompatible)
    }
}

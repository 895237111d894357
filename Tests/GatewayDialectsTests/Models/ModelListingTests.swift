import GatewayContract
import GatewayDialects
import Testing

@Suite struct ModelListingTests {
    private let models: [(name: String, created: Int64)] = [("fast", 1_700_000_000), ("a\"b", 0)]

    @Test("the list in three shapes")
    func list() {
        #expect(
            text(ModelListing.list(family: .openai, models: self.models))
                == #"{"object":"list","data":[{"id":"fast","object":"model","created":1700000000,"#
                + #""owned_by":"penstock"},"#
                + #"{"id":"a\"b","object":"model","created":0,"owned_by":"penstock"}]}"#)
        #expect(
            text(ModelListing.list(family: .anthropic, models: self.models))
                == #"{"data":[{"type":"model","id":"fast","display_name":"fast","#
                + #""created_at":"2023-11-14T22:13:20Z","lifecycle":"active"},"#
                + #"{"type":"model","id":"a\"b","display_name":"a\"b","created_at":"1970-01-01T00:00:00Z","#
                + #""lifecycle":"active"}],"#
                + #""has_more":false,"first_id":"fast","last_id":"a\"b"}"#)
        #expect(
            text(ModelListing.list(family: .gemini, models: [("fast", 0)]))
                == #"{"models":[{"name":"models/fast","version":"","displayName":"fast","#
                + #""supportedGenerationMethods":["generateContent","countTokens","embedContent","#
                + #""batchEmbedContents"]}]}"#)
    }

    @Test("an empty list, and one model")
    func edges() {
        #expect(
            text(ModelListing.list(family: .anthropic, models: []))
                == #"{"data":[],"has_more":false,"first_id":null,"last_id":null}"#)
        #expect(
            text(ModelListing.one(family: .openai, name: "fast", created: 7))
                == #"{"id":"fast","object":"model","created":7,"owned_by":"penstock"}"#)
        #expect(text(ModelListing.one(family: .gemini, name: "fast", created: 7)).hasPrefix(#"{"name":"models/fast""#))
    }
}

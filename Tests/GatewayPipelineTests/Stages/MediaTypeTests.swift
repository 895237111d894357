import Testing

@testable import GatewayPipeline

/// Guarantee: a media type is known in any case and with any parameters, and nothing that only begins like it is.
@Suite struct MediaTypeTests {
    private static func isMedia(_ value: String, _ type: StaticString) -> Bool {
        Array(value.utf8).withUnsafeBytes { Exchange.hasMediaType($0, type) }
    }

    @Test(arguments: [
        "application/json", "Application/JSON", "APPLICATION/JSON", "application/json; charset=utf-8",
        "application/json;charset=utf-8", "application/json ; a=b", "application/json\t;a=b",
    ])
    func aTypeIsKnown(value: String) {
        #expect(Self.isMedia(value, "application/json"))
    }

    @Test(arguments: [
        "", "a", "application/jso", "application/jsonx", "application/json-patch+json", "application/json,text/html",
        "application-json", "bpplication/json", "application/jsom", "text/event-stream", "applicatioN/Jso\u{6e}x",
    ])
    func anotherTypeIsNot(value: String) {
        #expect(!Self.isMedia(value, "application/json"))
    }

    /// Names whose length is no multiple of a word.
    @Test func everyLengthIsCompared() {
        #expect(Self.isMedia("Text/HTML; charset=utf-8", "text/html"))
        #expect(!Self.isMedia("text/htm1", "text/html"))
        #expect(Self.isMedia("TEXT/Event-Stream", "text/event-stream"))
        #expect(!Self.isMedia("text/event-strean", "text/event-stream"))
        #expect(Self.isMedia("multipart/form-data; boundary=x", "multipart/form-data"))
        #expect(!Self.isMedia("multipart/form-datb", "multipart/form-data"))
    }
}

import GatewayContract
import GatewayCore
import GatewayDialects
import Testing

/// DESIGN 8: stored objects of a shared account are nobody's.
@Suite struct StoredObjectsTests {
    struct Case: Sendable {
        let endpoint: Endpoint
        let parameter: String
        let fields: String

        init(_ endpoint: Endpoint, _ parameter: String, _ fields: String) {
            (self.endpoint, self.parameter, self.fields) = (endpoint, parameter, fields)
        }
    }

    static let refused: [Case] = [
        .init(.responses, "previous_response_id", #""previous_response_id":"resp_1""#),
        .init(.responses, "previous_response_id", #""previous_respons\u0065_id":"resp_1""#),
        .init(.responses, "conversation", #""conversation":{"id":"conv_1"}"#),
        .init(.responses, "background", #""background":true"#),
        .init(.responses, "background", #""background":"true""#),
        .init(.responses, "store", #""store":true"#),
        .init(.responses, "prompt", #""prompt":{"id":"pmpt_1"}"#),
        .init(.responses, "item_reference", #""input":[{"type":"item_reference","id":"msg_1"}]"#),
        .init(.responses, "item_reference", #""input":[{"id":"msg_1"}]"#),
        .init(
            .responses, "file_id", #""input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]"#),
        .init(.responses, "vector_store_ids", #""tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]"#),
        .init(
            .responses, "file_ids",
            #""tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["file-1"]}}]"#),
        .init(.chatCompletions, "store", #""store":true"#),
        .init(
            .chatCompletions, "file_id",
            #""messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]"#),
        .init(.chatCompletions, "file_id", #""messages":[{"content":[{"file":{"file\u005fid":"file-1"}}]}]"#),
        .init(.chatCompletions, "file_id", #""messages":[{"content":[{"file":{"f\u0069le_id" : "file-1"}}]}]"#),
        .init(.chatCompletions, "audio", #""messages":[{"role":"assistant","audio":{"id":"audio_1"}}]"#),
        .init(.messages, "container", #""container":"container_1""#),
        .init(
            .messages, "file_id",
            #""messages":[{"content":[{"type":"document","source":{"type":"file","file_id":"file_1"}}]}]"#),
        .init(.geminiGenerateContent, "cachedContent", #""cachedContent":"cachedContents/1""#),
        .init(.geminiGenerateContent, "cached_content", #""cached_content":"cachedContents/1""#),
        .init(
            .geminiGenerateContent, "fileUri",
            #""contents":[{"parts":[{"fileData":{"fileUri":"#
                + #""https://generativelanguage.googleapis.com/v1beta/files/a"}}]}]"#
        ),
        .init(
            .geminiStreamGenerateContent, "fileUri", #""contents":[{"parts":[{"file_data":{"file_uri":"files/a"}}]}]"#),
        .init(
            .geminiGenerateContent, "fileUri",
            #""contents":[{"parts":[{"fileData":{"fileUri":"#
                + #""HTTPS:\/\/GenerativeLanguage.googleapis.com\/v1beta\/files\/a"}}]}]"#
        ),
    ]

    @Test("a field that names a stored object is 400 and is named", arguments: StoredObjectsTests.refused)
    func refuses(_ given: Case) {
        let isGemini = given.endpoint.family == .gemini
        let body = isGemini ? "{\(given.fields)}" : #"{"model":"m",\#(given.fields)}"#
        let error = refusal(body, given.endpoint, path: isGemini ? "g" : nil)
        #expect(error?.code == .storedObjectField)
        #expect(error?.parameter == given.parameter)
        #expect(error?.status == 400)
    }

    @Test("null, false and empty lists name nothing")
    func nothing() throws {
        _ = try inspect(
            #"{"model":"m","previous_response_id":null,"conversation":null,"background":false,"store":false,"#
                + #""prompt":null,"input":[{"role":"user","content":[{"type":"input_image","file_id":null}]},"#
                + #"{"type":"message","id":"msg_1","role":"assistant","content":[]}],"#
                + #""tools":[{"vector_store_ids":[]}]}"#, .responses)
        _ = try inspect(#"{"model":"m","container":null}"#, .messages)
        _ = try inspect(#"{"cachedContent":null}"#, .geminiGenerateContent, path: "g")
    }

    @Test("the word in a text, as a value, or as a parameter of the client's own tool is no stored object")
    func foreign() throws {
        _ = try inspect(
            #"{"model":"m","messages":[{"role":"user","content":"\"file_id\": \"x\" and file_id"}],"#
                + #""required":["file_id"]}"#,
            .chatCompletions)
        _ = try inspect(
            #"{"model":"m","tools":[{"function":{"parameters":{"properties":{"file_id":{"default":"x"}},"#
                + #""example":{"file_id":"y"}}}}],"metadata":{"file_id":"z"}}"#, .chatCompletions)
        _ = try inspect(
            #"{"model":"m","messages":[{"content":[{"type":"tool_use","input":{"file_id":"7"}}]}],"#
                + #""tools":[{"input_schema":{"properties":{"file_id":{"type":"string"}}}}]}"#, .messages)
        _ = try inspect(
            #"{"contents":[{"parts":[{"functionCall":{"args":{"fileUri":"files/a"}}},"#
                + #"{"fileData":{"fileUri":"https://www.youtube.com/watch?v=1"}}]}]}"#, .geminiGenerateContent,
            path: "g")
        _ = try inspect(#"{"model":"m","audio":{"voice":"alloy","format":"audio_x"}}"#, .chatCompletions)
    }

    @Test("a real field after a schema property of the same name is still found")
    func behindSchema() {
        let body = #"{"model":"m","x":{"file_id":{"type":"string","y":{"file_id":"file-1"}}}}"#
        #expect(refusal(body, .chatCompletions)?.parameter == "file_id")
    }
}

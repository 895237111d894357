import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayWire
import Testing

@Suite struct RequestInspectorTests {
    @Test("what admission reads of a chat request")
    func chat() throws {
        let body = #"{"messages":[],"model":"fast","stream":true,"n":3,"max_tokens":9,"max_completion_tokens":7}"#
        let seen = try inspect(body, .chatCompletions)
        #expect(seen.model == "fast")
        #expect(seen.isStream && !seen.wantsUsage)
        #expect((seen.outputCap, seen.choiceCount, seen.inputBytes) == (7, 3, body.utf8.count))
        let range = try #require(seen.modelRange)
        #expect(text(Array(Array(body.utf8)[range])) == #""fast""#)
    }

    @Test("each endpoint's own output cap, and none that is not a positive whole number")
    func caps() throws {
        #expect(try inspect(#"{"model":"m","max_output_tokens":5}"#, .responses).outputCap == 5)
        #expect(try inspect(#"{"model":"m","max_tokens":5}"#, .messages).outputCap == 5)
        #expect(try inspect(#"{"model":"m","max_tokens":5}"#, .completions).outputCap == 5)
        for cap in ["0", "-1", "null", "\"5\"", "1.5", "1e99"] {
            #expect(try inspect(#"{"model":"m","max_tokens":\#(cap)}"#, .messages).outputCap == nil)
        }
    }

    @Test("names are read after unescaping, values are never trimmed")
    func unescaped() throws {
        #expect(try inspect(#"{"m\u006fdel":"\u0066ast"}"#, .chatCompletions).model == "fast")
        #expect(try inspect(#"{"model":" fast "}"#, .chatCompletions).model == " fast ")
    }

    @Test(
        "a body that is no object, or is cut, is 400 malformedBody",
        arguments: [
            "", " ", "[]", "\"model\"", "null", "{", #"{"model":"a""#, #"{"model":"a"}x"#, #"{"model" "a"}"#, "{]}",
        ])
    func malformed(_ body: String) {
        #expect(refusal(body, .chatCompletions)?.code == .malformedBody)
    }

    @Test("a model that is missing, and one that is no usable name")
    func model() {
        #expect(refusal("{}", .chatCompletions)?.code == .missingModel)
        for value in ["null", "1", "\"\"", "{}", "[\"a\"]", #""\ud800""#] {
            let error = refusal(#"{"model":\#(value)}"#, .chatCompletions)
            #expect(error?.code == .invalidModel)
            #expect(error?.parameter == "model")
        }
    }

    @Test("a model of bytes that are no UTF-8 is refused")
    func notUTF8() {
        let body = Array(#"{"model":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8)
        let error = body.withUnsafeBytes { body in
            #expect(throws: GatewayError.self) { try RequestInspector.inspect(body, endpoint: .chatCompletions) }
        }
        #expect(error?.code == .invalidModel)
    }

    @Test("a field that is read may stand once, one that is passed on as often as it likes")
    func repeated() throws {
        let error = refusal(#"{"model":"a","m\u006fdel":"b"}"#, .chatCompletions)
        #expect(error?.code == .repeatedField)
        #expect(error?.parameter == "model")
        #expect(
            try inspect(#"{"model":"a","x":1,"x":2,"messages":[{"model":1,"model":2}]}"#, .chatCompletions).model == "a"
        )
    }

    @Test("`stream` that is no boolean is 400, where an endpoint streams at all")
    func stream() throws {
        for value in ["\"true\"", "1", "{}"] {
            let error = refusal(#"{"model":"m","stream":\#(value)}"#, .messages)
            #expect(error?.code == .malformedBody)
            #expect(error?.parameter == "stream")
        }
        #expect(try !inspect(#"{"model":"m","stream":null}"#, .chatCompletions).isStream)
        #expect(try !inspect(#"{"model":"m","stream":true}"#, .embeddings).isStream)
        #expect(try inspect(#"{"model":"m","stream_format":"sse"}"#, .audioSpeech).isStream)
        #expect(try inspect("{}", .geminiStreamGenerateContent, path: "g").isStream)
    }

    @Test("Gemini: the model of the path, caps from generationConfig in both spellings")
    func gemini() throws {
        let seen = try inspect(
            #"{"generationConfig":{"maxOutputTokens":8,"candidateCount":2}}"#, .geminiGenerateContent, path: "gem-1.5")
        #expect((seen.model, seen.outputCap, seen.choiceCount) == ("gem-1.5", 8, 2))
        #expect(seen.modelRange == nil)
        let snake = try inspect(
            #"{"generation_config":{"max_output_tokens":8}}"#, .geminiGenerateContent, path: "g")
        #expect(snake.outputCap == 8)
        for path in ["a/b", "a%2fb", "a?b", "a#b", "..", "a..b", "a b", "a\\b", "a\nb", "ü"] {
            #expect(refusal("{}", .geminiGenerateContent, path: path)?.code == .invalidModel)
        }
        #expect(refusal("{}", .geminiGenerateContent)?.code == .missingModel)
    }

    @Test("a batch of embeddings asks for the model of its path, whatever an entry says")
    func batch() throws {
        let seen = try inspect(
            #"{"requests":[{"model":"models/g"},{"model":"\u006dodels/g"},{"content":{}}]}"#,
            .geminiBatchEmbedContents, path: "g")
        #expect((seen.model, seen.isStream, seen.modelRange) == ("g", false, nil))
        for entry in [
            #"{"model":"models/other"}"#, #"{"model":"models/G"}"#, #"{"model":"models/models/g"}"#, #"{"model":""}"#,
            #"{"model":null}"#, #"{"model":["models/g"]}"#, #"{"model":"models/g "}"#, #"{"m\u006fdel":"h"}"#,
        ] {
            let error = refusal(
                #"{"requests":[{"model":"models/g"},\#(entry)]}"#, .geminiBatchEmbedContents, path: "g")
            #expect(error?.code == .invalidModel)
            #expect(error?.parameter == "requests.model")
        }
        let kelvin = refusal(#"{"requests":[{"model":"models/\u212a"}]}"#, .geminiBatchEmbedContents, path: "K")
        #expect(kelvin?.code == .invalidModel)
    }

    @Test("no entry of a batch is missed: `requests` is a list of objects and stands once")
    func batchShape() throws {
        for requests in [
            "{}", "1", #""x""#, "null", "[[]]", "[1]", "[null]", #"[{},,{"model":"h"}]"#, #"[{}:{"model":"h"}]"#,
            #"[,,{"model":"h"}]"#,
        ] {
            let error = refusal(#"{"requests":\#(requests)}"#, .geminiBatchEmbedContents, path: "g")
            #expect(error?.code == .malformedBody)
        }
        #expect(refusal(#"{"requests":[{"a" 1}]}"#, .geminiBatchEmbedContents, path: "g")?.code == .malformedBody)
        #expect(
            refusal(#"{"requests":[],"requests":[]}"#, .geminiBatchEmbedContents, path: "g")?.code == .repeatedField)
        #expect(
            refusal(#"{"requests":[{"model":"g","model":"g"}]}"#, .geminiBatchEmbedContents, path: "g")?.code
                == .repeatedField)
        #expect(
            refusal(
                #"{"requests":[{"content":{"parts":[{"fileData":{"fileUri":"files/x"}}]}}]}"#,
                .geminiBatchEmbedContents, path: "g")?.code == .storedObjectField)
        #expect(try inspect(#"{"requests":[ ]}"#, .geminiBatchEmbedContents, path: "g").model == "g")
        #expect(try inspect("{}", .geminiBatchEmbedContents, path: "g").model == "g")
    }

    @Test("Gemini streams need alt=sse")
    func alt() throws {
        func check(_ query: String, _ endpoint: Endpoint) throws {
            try Array(query.utf8).withUnsafeBytes { try RequestInspector.checkQuery($0, endpoint: endpoint) }
        }
        try check("key=x&alt=sse", .geminiStreamGenerateContent)
        try check("", .geminiGenerateContent)
        #expect(throws: GatewayError.self) { try check("alt=ssex", .geminiStreamGenerateContent) }
        #expect(throws: GatewayError.self) { try check("", .geminiStreamGenerateContent) }
    }

    @Test("an error shows at most 128 bytes of a name, escaped")
    func shownName() {
        #expect(ShownName.of("gpt-5") == "gpt-5")
        #expect(ShownName.of("a\"b\n\u{202E}") == "a\\u{22}b\\u{a}\\u{202e}")
        #expect(ShownName.of(String(repeating: "ü", count: 500)).utf8.count <= 128)
        #expect(ShownName.of(String(repeating: "x", count: 125)).hasSuffix("x"))
        #expect(ShownName.of(String(repeating: "x", count: 126)).hasSuffix("…"))
    }
}

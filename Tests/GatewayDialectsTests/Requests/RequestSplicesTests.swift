import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayWire
import Testing

@Suite struct RequestSplicesTests {
    private func spliced(
        _ body: String, _ endpoint: Endpoint, model: String = "up", addUsage: Bool = true, path: String? = nil
    ) throws -> String {
        let inspection = try inspect(body, endpoint, path: path)
        let splices = RequestSplices.make(
            for: inspection, upstreamModelLiteral: JSONText.quote(model), addUsage: addUsage)
        return Array(body.utf8).withUnsafeBytes { text(splices.applied(to: $0)) }
    }

    @Test("only the model changes; white space, order, numbers, escapes and repeated names stay")
    func modelOnly() throws {
        let body = " {\"a\" : 1.00e+2 ,\t\"model\" : \"f\\u0061st\"\n, \"x\":\"\\/\\u00e9\",\"x\":[ ]} "
        let expected = " {\"a\" : 1.00e+2 ,\t\"model\" : \"up\"\n, \"x\":\"\\/\\u00e9\",\"x\":[ ]} "
        #expect(try self.spliced(body, .chatCompletions) == expected)
    }

    @Test("include_usage is asked for in every form that stream_options can have")
    func usage() throws {
        let cases = [
            (#"{"model":"m","stream":true}"#, #"{"stream_options":{"include_usage":true},"model":"up","stream":true}"#),
            (
                #"{"stream_options":{},"model":"m","stream":true}"#,
                #"{"stream_options":{"include_usage":true},"model":"up","stream":true}"#
            ),
            (
                #"{"stream_options":{ "x":1},"model":"m","stream":true}"#,
                #"{"stream_options":{"include_usage":true, "x":1},"model":"up","stream":true}"#
            ),
            (
                #"{"model":"m","stream":true,"stream_options":{"include_usage": false}}"#,
                #"{"model":"up","stream":true,"stream_options":{"include_usage": true}}"#
            ),
            (
                #"{"model":"m","stream":true,"stream_options":null}"#,
                #"{"model":"up","stream":true,"stream_options":{"include_usage":true}}"#
            ),
            (
                #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
                #"{"model":"up","stream":true,"stream_options":{"include_usage":true}}"#
            ),
        ]
        for (body, expected) in cases {
            #expect(try self.spliced(body, .chatCompletions) == expected)
            #expect(try self.spliced(body, .completions) == expected)
            #expect(try json(Array(expected.utf8))["stream_options"]?["include_usage"]?.bool == true)
        }
        #expect(try inspect(cases[5].0, .chatCompletions).wantsUsage)
        #expect(try !inspect(cases[3].0, .chatCompletions).wantsUsage)
    }

    @Test("nothing is added without a stream, without need, or where there is no such option")
    func noUsage() throws {
        let plain = #"{"model":"m","stream":true}"#
        let expected = #"{"model":"up","stream":true}"#
        #expect(try self.spliced(plain, .responses) == expected)
        #expect(try self.spliced(plain, .messages) == expected)
        #expect(try self.spliced(plain, .chatCompletions, addUsage: false) == expected)
        #expect(try self.spliced(#"{"model":"m"}"#, .chatCompletions) == #"{"model":"up"}"#)
    }

    @Test("an upstream name with quotes stays one JSON string")
    func quoting() throws {
        let result = try self.spliced(#"{"model":"m"}"#, .chatCompletions, model: "a\"b\\c")
        #expect(try json(Array(result.utf8))["model"]?.string == "a\"b\\c")
    }

    @Test("a Gemini body that repeats its model gets the provider's name")
    func gemini() throws {
        #expect(
            try self.spliced(#"{"model":"models/g","content":{}}"#, .geminiEmbedContent, path: "g")
                == #"{"model":"models/up","content":{}}"#)
        #expect(
            try self.spliced(#"{"generateContentRequest":{"model":"models/g"}}"#, .geminiCountTokens, path: "g")
                == #"{"generateContentRequest":{"model":"models/up"}}"#)
        #expect(
            try self.spliced(
                #"{"requests":[{"model":"models/g","content":{}}, {"content":{},"model":"g"},{}],"model":"models/g"}"#,
                .geminiBatchEmbedContents, path: "g")
                == #"{"requests":[{"model":"models/up","content":{}}, {"content":{},"model":"models/up"},{}],"#
                + #""model":"models/up"}"#)
    }

    @Test("the model's part of a multipart body is replaced by bare text")
    func multipart() throws {
        let type = Array("multipart/form-data; boundary=XX".utf8)
        let body =
            "--XX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n"
            + "--XX\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--XX--\r\n"
        var scanner = try #require(type.withUnsafeBytes { MultipartScanner(contentType: $0) })
        Array(body.utf8).withUnsafeBytes { scanner.feed($0) }
        let inspection = try RequestInspector.inspect(
            multipart: scanner, endpoint: .audioTranscriptions, inputBytes: body.utf8.count)
        #expect((inspection.model, inspection.isStream) == ("whisper", true))
        let splices = RequestSplices.make(
            for: inspection, upstreamModelLiteral: JSONText.quote("up"), addUsage: true)
        let result = Array(body.utf8).withUnsafeBytes { text(splices.applied(to: $0)) }
        #expect(result == body.replacing("whisper", with: "up"))
    }
}

import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayWire
import Testing

@Suite struct EchoScriptTests {
    private func echo(
        _ body: String, _ endpoint: Endpoint, isStream: Bool = false, includeUsage: Bool = true,
        faults: EchoFaults = .init()
    ) -> EchoScript {
        Array(body.utf8).withUnsafeBytes { body in
            EchoScript.answer(
                endpoint: endpoint, model: "echo-1", body: body, isStream: isStream, includeUsage: includeUsage,
                faults: faults, requestID: "r1", created: 1_700_000_000)
        }
    }

    private func value(_ script: EchoScript) throws -> JSONValue {
        try json(try #require(script.pieces.first))
    }

    /// One request of 12 bytes of user text for each endpoint that talks: 3 tokens in, 3 out.
    static let talks: [(Endpoint, String)] = [
        (
            .chatCompletions,
            #"{"messages":[{"role":"user","content":"hello wörld"},{"role":"assistant","content":""}],"#
                + #""tools":[{"type":"function"}]}"#
        ),
        (
            .chatCompletions,
            #"{"messages":[{"role":"user","content":[{"type":"text","text":"hello"},{"type":"text","#
                + #""text":" wörld"}]}]}"#
        ),
        (.completions, #"{"prompt":"hello wörld"}"#),
        (.responses, #"{"input":"hello wörld"}"#),
        (.responses, #"{"input":[{"role":"user","content":[{"type":"input_text","text":"hello wörld"}]}]}"#),
        (.messages, #"{"messages":[{"role":"user","content":[{"type":"text","text":"hello wörld"}]}]}"#),
        (.geminiGenerateContent, #"{"contents":[{"parts":[{"text":"hello wörld"}]}]}"#),
    ]

    @Test(
        "a whole answer repeats the user and reports usage by its dialect's convention",
        arguments: EchoScriptTests.talks)
    func whole(_ endpoint: Endpoint, _ body: String) throws {
        let script = self.echo(body, endpoint)
        #expect(
            (script.status, script.contentType, script.isStream, script.pieces.count) == (
                200, "application/json", false, 1
            ))
        #expect(text(script.pieces[0]).contains("hello wörld"))
        var reader = AnswerReader(endpoint: endpoint)
        script.pieces[0].withUnsafeBytes { reader.feed($0) }
        let reading = reader.end()
        #expect(reading.isWholeJSON)
        #expect(reading.usage.map { [$0.inputTotal, $0.outputTotal] } == [3, 3])
    }

    @Test("a stream is watched as whole, with content and the same usage", arguments: EchoScriptTests.talks)
    func stream(_ endpoint: Endpoint, _ body: String) throws {
        let endpoint = endpoint == .geminiGenerateContent ? .geminiStreamGenerateContent : endpoint
        let script = self.echo(body, endpoint, isStream: true)
        #expect((script.contentType, script.isStream) == ("text/event-stream", true))
        let sight = try StreamSight(
            Array(script.pieces.joined()), cuts: [], watch: StreamWatch(endpoint: endpoint, dropUsageEvent: false))
        #expect(sight.verdicts.count == script.pieces.count)
        #expect(sight.end == .complete)
        #expect(sight.sawContent)
        #expect(sight.textBytes == 12)
        #expect(sight.usage.map { [$0.inputTotal, $0.outputTotal] } == [3, 3])
    }

    @Test("usage is left out of every answer on request", arguments: EchoScriptTests.talks)
    func omitted(_ endpoint: Endpoint, _ body: String) throws {
        let script = self.echo(body, endpoint, faults: EchoFaults(omitUsage: true))
        var reader = AnswerReader(endpoint: endpoint)
        script.pieces[0].withUnsafeBytes { reader.feed($0) }
        let reading = reader.end()
        #expect(reading.usage == nil)
        #expect(reading.settlement(estimatedInput: 3).units.output == 3)
        let endpoint = endpoint == .geminiGenerateContent ? .geminiStreamGenerateContent : endpoint
        let stream = self.echo(body, endpoint, isStream: true, faults: EchoFaults(omitUsage: true))
        let sight = try StreamSight(
            Array(stream.pieces.joined()), cuts: [], watch: StreamWatch(endpoint: endpoint, dropUsageEvent: false))
        #expect(sight.usage == nil)
        #expect(sight.end == .complete)
        #expect(sight.settled.output == 3)
    }

    @Test("chat sends the usage chunk only when it is asked for; n choices each have their end")
    func includeUsage() throws {
        let body = #"{"n":2,"messages":[{"role":"user","content":"a b"}]}"#
        let plain = self.echo(body, .chatCompletions, isStream: true, includeUsage: false)
        #expect(!plain.pieces.contains { text($0).contains("usage") })
        let watch = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: true, choiceCount: 2)
        let sight = try StreamSight(Array(plain.pieces.joined()), cuts: [], watch: watch)
        #expect(sight.end == .complete)
        let asked = self.echo(body, .chatCompletions, isStream: true)
        let dropping = try StreamSight(Array(asked.pieces.joined()), cuts: [], watch: watch)
        #expect(dropping.verdicts.filter { $0 == .drop }.count == 1)
        #expect(dropping.usage?.output == 2)
        #expect(try self.value(self.echo(body, .chatCompletions))["choices"]?.array?.count == 2)
    }

    @Test("embeddings depend on nothing but the text, as numbers or as base64")
    func embeddings() throws {
        let one = try self.value(self.echo(#"{"input":["a","b","a"]}"#, .embeddings))
        let vectors = try #require(one["data"]?.array).map { $0["embedding"] }
        #expect(vectors[0] == vectors[2])
        #expect(vectors[0] != vectors[1])
        #expect(vectors[0]?.array?.count == 8)
        let packed = try self.value(self.echo(#"{"input":"a","encoding_format":"base64","dimensions":3}"#, .embeddings))
        // Three 32-bit floats are 12 bytes, 16 letters.
        #expect(packed["data"]?[0]?["embedding"]?.string?.utf8.count == 16)
        #expect(try self.value(self.echo(#"{"input":[[1,2],[3]]}"#, .embeddings))["data"]?.array?.count == 2)
        #expect(try self.value(self.echo(#"{"input":[1,2]}"#, .embeddings))["data"]?.array?.count == 1)
        let google = try self.value(self.echo(#"{"content":{"parts":[{"text":"a"}]}}"#, .geminiEmbedContent))
        #expect(google["embedding"]?["values"] == vectors[0])
        let batch =
            #"{"requests":[{"model":"models/g","content":{"parts":[{"text":"a"}]}},"#
            + #"{"content":{"parts":[{"text":"b"}]}},{}]}"#
        let several = try #require(
            try self.value(self.echo(batch, .geminiBatchEmbedContents))["embeddings"]?.array)
        #expect(several.count == 3)
        #expect(several[0]["values"] == vectors[0])
        #expect(several[1]["values"] == vectors[1])
    }

    @Test("the other endpoints answer in their own shape")
    func others() throws {
        #expect(try self.value(self.echo(#"{"input":"a"}"#, .moderations))["results"]?[0]?["flagged"]?.bool == false)
        let image = try self.value(self.echo(#"{"prompt":"a","n":2}"#, .imagesGenerations))
        #expect(image["data"]?.array?.count == 2)
        #expect(image["data"]?[0]?["b64_json"]?.string?.hasPrefix("iVBORw0KGgo") == true)
        let speech = self.echo(#"{"input":"a"}"#, .audioSpeech)
        #expect(speech.contentType == "audio/wav")
        #expect(speech.pieces[0].starts(with: "RIFF".utf8))
        #expect(speech.pieces[0].count == 844)
        #expect(try self.value(self.echo("--x", .audioTranscriptions))["text"]?.string != nil)
        let ranked = try self.value(self.echo(#"{"query":"q","documents":["a","b","c"],"top_n":2}"#, .rerank))
        #expect(ranked["results"]?.array?.count == 2)
        let claude = #"{"messages":[{"role":"user","content":"12345678"}]}"#
        #expect(try self.value(self.echo(claude, .messagesCountTokens))["input_tokens"]?.integer == 2)
        let google = #"{"contents":[{"parts":[{"text":"12345678"}]}]}"#
        #expect(try self.value(self.echo(google, .geminiCountTokens))["totalTokens"]?.integer == 2)
        for endpoint in [Endpoint.imagesGenerations, .audioSpeech, .audioTranscriptions] {
            let stream = self.echo(#"{"prompt":"p","input":"i"}"#, endpoint, isStream: true)
            let sight = try StreamSight(
                Array(stream.pieces.joined()), cuts: [], watch: StreamWatch(endpoint: endpoint, dropUsageEvent: false))
            #expect(sight.end == .complete)
            #expect(sight.usage != nil)
        }
    }

    @Test(
        "answers and events that have a creation time say when the request came",
        arguments: [
            (Endpoint.chatCompletions, "created"), (.completions, "created"), (.responses, "created_at"),
            (.imagesGenerations, "created"), (.imagesEdits, "created"), (.imagesVariations, "created"),
        ])
    func creationTime(_ endpoint: Endpoint, _ name: String) throws {
        let body = #"{"messages":[{"role":"user","content":"a b"}],"prompt":"a b","input":"a b"}"#
        #expect(try self.value(self.echo(body, endpoint))[name]?.integer == 1_700_000_000)
        let stream = text(Array(self.echo(body, endpoint, isStream: true).pieces.joined()))
        let times = stream.split(separator: ",").filter {
            $0.contains(#""created":"#) || $0.contains(#""created_at":"#)
        }
        #expect(!times.isEmpty && times.allSatisfy { $0.hasSuffix(":1700000000") })
    }

    @Test("an injected status is that dialect's error body")
    func fault() throws {
        let faults = EchoFaults(status: 529, retryAfter: 7)
        let script = self.echo("{}", .messages, isStream: true, faults: faults)
        #expect((script.status, script.retryAfter, script.isStream) == (529, 7, false))
        #expect(try self.value(script)["error"]?["type"]?.string == "overloaded_error")
        #expect(
            try self.value(self.echo("{}", .geminiGenerateContent, faults: faults))["error"]?["code"]?.integer == 529)
        #expect(try self.value(self.echo("{}", .chatCompletions, faults: EchoFaults(status: 429)))["error"] != nil)
    }

    @Test("odd and huge requests stay bounded and never trap")
    func bounds() {
        let long = String(repeating: "a ", count: 200_000)
        let script = self.echo(
            #"{"n":1000000,"messages":[{"role":"user","content":"\#(long)"}]}"#, .completions, isStream: true)
        #expect(script.pieces.count < 2000)
        let words = self.echo(#"{"input":"\#(long)"}"#, .responses, isStream: true)
        #expect(words.pieces.count < 2000)
        for body in [
            "", "[]", "{", "null", #"{"n":-1,"messages":{},"input":{},"prompt":5,"contents":"x","documents":{}}"#,
        ] {
            for endpoint in Endpoint.allCases {
                for isStream in [true, false] {
                    let script = self.echo(body, endpoint, isStream: isStream)
                    #expect(script.status == 200)
                }
            }
        }
        #expect(!self.echo(#"{"input":"x","dimensions":99999999999}"#, .embeddings).pieces.isEmpty)
    }
}

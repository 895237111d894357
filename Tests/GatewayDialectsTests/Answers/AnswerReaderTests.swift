import GatewayContract
import GatewayCore
import GatewayDialects
import Testing

@Suite struct AnswerReaderTests {
    private func read(_ answer: String, _ endpoint: Endpoint, pieceCount: Int = .max) -> AnswerReading {
        var reader = AnswerReader(endpoint: endpoint)
        let bytes = Array(answer.utf8)
        var from = 0
        while from < bytes.count {
            let end = from + min(pieceCount, bytes.count - from)
            bytes[from..<end].withUnsafeBytes { reader.feed($0) }
            from = end
        }
        return reader.end()
    }

    private func units(_ set: (inout UsageUnits) -> Void) -> UsageUnits {
        var units = UsageUnits()
        set(&units)
        return units
    }

    @Test("M-6: the inclusive counts of OpenAI become disjoint")
    func openai() {
        let usage =
            #"{"prompt_tokens":25,"completion_tokens":7,"total_tokens":32,"prompt_tokens_details":{"cached_tokens":5},"#
            + #""completion_tokens_details":{"reasoning_tokens":4}}"#
        let expected = self.units { ($0.inputUncached, $0.cacheRead, $0.output, $0.reasoning) = (20, 5, 3, 4) }
        let answer = #"{"id":"x","choices":[{"message":{"content":"hi"}}],"usage":\#(usage)}"#
        for pieceCount in [1, 2, 3, 7, .max] {
            let reading = self.read(answer, .chatCompletions, pieceCount: pieceCount)
            #expect(reading.usage == expected)
            #expect(reading.isWholeJSON && !reading.isError)
        }
        #expect(self.read(#"{"choices":[],"usage":\#(usage)}"#, .completions).usage == expected)
    }

    @Test("each endpoint's own usage")
    func endpoints() {
        #expect(
            self.read(
                #"{"status":"completed","error":null,"usage":{"input_tokens":9,"#
                    + #""input_tokens_details":{"cached_tokens":2},"#
                    + #""output_tokens":5,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":14}}"#,
                .responses
            ).usage == self.units { ($0.inputUncached, $0.cacheRead, $0.reasoning) = (7, 2, 5) })
        #expect(
            self.read(#"{"data":[],"usage":{"prompt_tokens":6,"total_tokens":6}}"#, .embeddings).usage
                == self.units { $0.inputUncached = 6 })
        #expect(
            self.read(
                #"{"data":[],"usage":{"input_tokens":60,"output_tokens":100,"#
                    + #""input_tokens_details":{"text_tokens":10,"image_tokens":50}}}"#,
                .imagesEdits
            ).usage == self.units { ($0.inputUncached, $0.imageInput, $0.output) = (10, 50, 100) })
        #expect(
            self.read(
                #"{"text":"a","usage":{"type":"tokens","input_tokens":14,"#
                    + #""input_token_details":{"audio_tokens":14},"output_tokens":4}}"#,
                .audioTranscriptions
            ).usage == self.units { ($0.audioInput, $0.output) = (14, 4) })
        #expect(self.read(#"{"text":"a","usage":{"type":"duration","seconds":9}}"#, .audioTranscriptions).usage == nil)
        #expect(
            self.read(#"{"results":[],"usage":{"total_tokens":15}}"#, .rerank).usage
                == self.units { $0.inputUncached = 15 })
        #expect(
            self.read(#"{"results":[],"meta":{"billed_units":{"search_units":1}}}"#, .rerank).usage
                == self.units { $0.toolUnits = 1 })
    }

    @Test("M-9: Anthropic's exclusive counts, cache writes split by price")
    func anthropic() {
        let usage =
            #"{"input_tokens":11,"cache_creation_input_tokens":30,"cache_read_input_tokens":100,"#
            + #""cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":4}"#
        #expect(
            self.read(#"{"type":"message","content":[],"usage":\#(usage)}"#, .messages).usage
                == self.units {
                    ($0.inputUncached, $0.cacheRead, $0.cacheWrite5m, $0.cacheWrite1h, $0.output) = (11, 100, 10, 20, 4)
                })
        #expect(
            self.read(
                #"{"usage":{"input_tokens":1,"cache_creation_input_tokens":8,"output_tokens":0,"#
                    + #""cache_creation":null}}"#,
                .messages
            ).usage == self.units { ($0.inputUncached, $0.cacheWrite5m) = (1, 8) })
        let thinking =
            #"{"usage":{"input_tokens":1,"output_tokens":9,"output_tokens_details":{"thinking_tokens":4}}}"#
        #expect(
            self.read(thinking, .messages).usage
                == self.units { ($0.inputUncached, $0.output, $0.reasoning) = (1, 5, 4) })
        // More than the sum of all writes cannot have been written for an hour.
        let odd = self.read(
            #"{"usage":{"input_tokens":1,"cache_creation_input_tokens":8,"output_tokens":0,"#
                + #""cache_creation":{"ephemeral_1h_input_tokens":9}}}"#, .messages)
        #expect(odd.usage == self.units { ($0.inputUncached, $0.cacheWrite1h) = (1, 8) })
    }

    @Test("Gemini: inclusive input, exclusive output, zeros left out")
    func gemini() {
        #expect(
            self.read(
                #"{"candidates":[],"usageMetadata":{"promptTokenCount":12,"cachedContentTokenCount":4,"#
                    + #""thoughtsTokenCount":9,"#
                    + #""candidatesTokenCount":6,"toolUsePromptTokenCount":2,"totalTokenCount":29}}"#,
                .geminiGenerateContent
            ).usage == self.units { ($0.inputUncached, $0.cacheRead, $0.output, $0.reasoning) = (10, 4, 6, 9) })
        #expect(
            self.read(#"{"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3}}"#, .geminiGenerateContent).usage
                == self.units { $0.inputUncached = 3 })
    }

    @Test("Gemini embeddings have input only, also where it is estimated")
    func geminiEmbeddings() {
        for endpoint in [Endpoint.geminiEmbedContent, .geminiBatchEmbedContents] {
            #expect(
                self.read(#"{"embeddings":[],"usageMetadata":{"promptTokenCount":3}}"#, endpoint).usage
                    == self.units { $0.inputUncached = 3 })
            let silent = self.read(#"{"embeddings":[{"values":[0.25,-0.5]}]}"#, endpoint)
            #expect(silent.usage == nil)
            let settled = silent.settlement(estimatedInput: 5)
            #expect(settled.source == .estimated)
            #expect(settled.units == self.units { $0.inputUncached = 5 })
        }
    }

    @Test(
        "M-7, fault 22: absurd numbers are no report, and nothing becomes negative",
        arguments: [
            (
                Endpoint.messages,
                #"{"usage":{"input_tokens":-5,"output_tokens":1},"content":[{"type":"text","text":"12345678"}]}"#
            ),
            (
                .messages,
                #"{"usage":{"input_tokens":"5","output_tokens":1},"content":[{"type":"text","text":"12345678"}]}"#
            ),
            (.messages, #"{"usage":{"output_tokens":1},"content":[{"type":"text","text":"12345678"}]}"#),
            (.messages, #"{"content":[{"type":"text","text":"12345678"}]}"#),
            (
                .chatCompletions,
                #"{"usage":{"prompt_tokens":1,"completion_tokens":18446744073709551616},"#
                    + #""choices":[{"message":{"content":"12345678"}}]}"#
            ),
            (
                .chatCompletions,
                #"{"usage":{"prompt_tokens":1,"completion_tokens":9007199254740993},"#
                    + #""choices":[{"message":{"content":"12345678"}}]}"#
            ),
            (
                .chatCompletions,
                #"{"usage":{"prompt_tokens":10,"completion_tokens":1,"#
                    + #""prompt_tokens_details":{"cached_tokens":11}},"choices":[{"message":{"content":"12345678"}}]}"#
            ),
            (
                .geminiGenerateContent,
                #"{"usageMetadata":{"promptTokenCount":3,"cachedContentTokenCount":4},"#
                    + #""candidates":[{"content":{"parts":[{"text":"12345678"}]}}]}"#
            ),
            (.responses, #"{"usage":"none","output":[{"content":[{"type":"output_text","text":"12345678"}]}]}"#),
            (.completions, #"{"usage":null,"choices":[{"text":"12345678"}]}"#),
        ])
    func absurd(_ endpoint: Endpoint, _ answer: String) {
        let reading = self.read(answer, endpoint)
        #expect(reading.usage == nil)
        #expect(reading.outputTextBytes == 8)
        let settled = reading.settlement(estimatedInput: 5)
        #expect(settled.source == .estimated)
        #expect(settled.units == self.units { ($0.inputUncached, $0.output) = (5, 2) })
        #expect(reading.settlement(estimatedInput: -5).units.inputUncached == 0)
    }

    @Test("the largest believable report neither traps nor overflows")
    func largest() throws {
        let most = 9_007_199_254_740_992 as Int64
        let reading = self.read(
            #"{"usage":{"input_tokens":\#(most),"cache_read_input_tokens":\#(most),"#
                + #""cache_creation_input_tokens":\#(most),"#
                + #""output_tokens":\#(most)}}"#, .messages)
        #expect(try #require(reading.usage).total == most * 4)
    }

    @Test("M-5: counting tokens uses nothing, whatever the answer holds")
    func counting() {
        let long = String(repeating: "x", count: 4_000)
        for (endpoint, answer) in [
            (Endpoint.messagesCountTokens, #"{"input_tokens":14}"#),
            (.messagesCountTokens, #"{"input_tokens":14,"content":[{"type":"text","text":"\#(long)"}]}"#),
            (.messagesCountTokens, #"{"usage":{"input_tokens":14,"output_tokens":2}}"#),
            (.geminiCountTokens, #"{"totalTokens":31,"promptTokensDetails":[{"modality":"TEXT","tokenCount":31}]}"#),
            (.geminiCountTokens, #"{"usageMetadata":{"promptTokenCount":31}}"#),
        ] {
            let settled = self.read(answer, endpoint).settlement(estimatedInput: 1017)
            #expect(settled.units == UsageUnits())
            #expect(settled.source == .none)
        }
    }

    @Test("M-15: base64 in an answer without a report is no output")
    func images() {
        let picture = String(repeating: "QUJD", count: 50_000)
        for endpoint in [Endpoint.imagesGenerations, .imagesEdits, .imagesVariations, .audioSpeech] {
            for answer in [
                #"{"created":1,"data":[{"b64_json":"\#(picture)"}]}"#, #"{"data":[{"url":"https://a.test/1"}]}"#,
            ] {
                let settled = self.read(answer, endpoint).settlement(estimatedInput: 9)
                #expect(settled.units == self.units { $0.inputUncached = 9 })
                #expect(settled.source == .estimated)
            }
        }
        let audio =
            #"{"choices":[{"message":{"content":"12345678","audio":{"data":"\#(picture)","transcript":"abcd"}}}]}"#
        #expect(self.read(audio, .chatCompletions).outputTextBytes == 12)
        let inline =
            #"{"candidates":[{"content":{"parts":[{"text":"12345678"},{"inlineData":{"data":"\#(picture)"}}]}}]}"#
        #expect(self.read(inline, .geminiGenerateContent).outputTextBytes == 8)
    }

    @Test("M-15: of an answer that is cut or too large to keep, all but its base64 counts")
    func bounded() {
        let head = #"{"candidates":[{"content":{"parts":[{"text":"12345678"},{"inlineData":{"data":""#
        let tail = #""}}]}}]}"#
        for (count, rest) in [(50_000, ""), (100_000, tail), (100_000, "")] {
            let picture = String(repeating: "QUJD", count: count)
            for pieceCount in [1_000, 16_384, .max] {
                let reading = self.read(head + picture + rest, .geminiGenerateContent, pieceCount: pieceCount)
                #expect(reading.outputTextBytes == Int64(head.utf8.count + rest.utf8.count))
            }
        }
        let text = String(repeating: "some words of an answer ", count: 20_000)
        let long = #"{"choices":[{"message":{"content":"\#(text)"}}]}"#
        #expect(self.read(long, .chatCompletions).outputTextBytes == Int64(long.utf8.count))
    }

    @Test("broken, cut and foreign answers are told")
    func whole() {
        #expect(!self.read(#"{"choices":["#, .chatCompletions).isWholeJSON)
        #expect(!self.read("<html>", .chatCompletions).isWholeJSON)
        #expect(!self.read("", .chatCompletions).isWholeJSON)
        #expect(!self.read("{} {}", .chatCompletions).isWholeJSON)
        #expect(self.read("{}", .chatCompletions).isWholeJSON)
        #expect(self.read(#"{"error":{"message":"x"}}"#, .chatCompletions).isError)
    }
}

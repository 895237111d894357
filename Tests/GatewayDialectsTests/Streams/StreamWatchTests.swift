import GatewayContract
import GatewayCore
import GatewayDialects
import Testing

@Suite struct StreamWatchTests {
    private static let finish = #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#

    private static func usage(_ usage: String) -> UsageUnits? {
        var watch = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: true)
        _ = watch.event(Self.finish)
        _ = watch.event(#"{"choices":[],"usage":\#(usage)}"#)
        return watch.usage
    }

    @Test("S-3: role, null, empty strings, pings and foreign events are no content")
    func notContent() {
        var chat = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: false)
        for delta in [
            #"{"role":"assistant"}"#, #"{"role":"assistant","content":""}"#, #"{"content":null}"#, "{}",
            #"{"tool_calls":[]}"#, #"{"tool_calls":null,"function_call":null,"audio":null}"#,
            #"{"reasoning_content":""}"#,
        ] {
            #expect(chat.event(#"{"choices":[{"index":0,"delta":\#(delta),"finish_reason":null}]}"#) == .pass)
        }
        #expect(!chat.sawContent)
        var claude = StreamWatch(endpoint: .messages, dropUsageEvent: false)
        _ = claude.event(#"{"type":"ping"}"#, name: "ping")
        _ = claude.event(#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#)
        _ = claude.event(#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}"#)
        #expect(!claude.sawContent)
        var gemini = StreamWatch(endpoint: .geminiStreamGenerateContent, dropUsageEvent: false)
        _ = gemini.event(#"{"candidates":[{"content":{"parts":[{"text":""}]}}]}"#)
        #expect(!gemini.sawContent)
    }

    @Test(
        "S-3: text, refusal, reasoning, tool calls and audio are content",
        arguments: [
            #"{"content":"a"}"#, #"{"refusal":"no"}"#, #"{"reasoning":"r"}"#, #"{"reasoning_content":"r"}"#,
            #"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":""}}]}"#,
            #"{"function_call":{"name":"f"}}"#, #"{"audio":{"id":"a","data":"AA=="}}"#,
            #"{"content":[{"type":"text","text":"a"}]}"#, #"{"c\u006fntent":"a"}"#,
        ])
    func content(_ delta: String) {
        var watch = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: false)
        _ = watch.event(#"{"choices":[{"index":0,"delta":\#(delta)}]}"#)
        #expect(watch.sawContent)
    }

    @Test(
        "S-3: every event with content is one step of progress, also without text",
        arguments: [
            (
                Endpoint.chatCompletions,
                #"{"choices":[{"index":0,"delta":{"content":"a","refusal":"b","audio":{"data":"QUJD"}}},"#
                    + #"{"index":1,"delta":{"content":"c"}}]}"#, 3
            ),
            (.chatCompletions, #"{"choices":[{"index":0,"delta":{"audio":{"data":"QUJD"}}}]}"#, 0),
            (.chatCompletions, #"{"choices":[{"index":0,"delta":{"images":[{"image_url":{"url":"data:x"}}]}}]}"#, 0),
            (.responses, #"{"type":"response.output_text.delta","delta":"abc"}"#, 3),
            (.responses, #"{"type":"response.output_audio.delta","delta":"QUJD"}"#, 0),
            (.responses, #"{"delta":"QUJD","type":"response.audio.delta"}"#, 0),
            (
                .responses,
                #"{"type":"response.image_generation_call.partial_image","partial_image_b64":"QUJD"}"#, 0
            ),
            (.messages, #"{"type":"content_block_delta","delta":{"type":"signature_delta","signature":"QUJD"}}"#, 0),
            (
                .geminiStreamGenerateContent,
                #"{"candidates":[{"content":{"parts":[{"inlineData":{"data":"QUJD"}},"#
                    + #"{"inlineData":{"data":"QQ"}}]}}]}"#,
                0
            ),
            (.audioSpeech, #"{"type":"speech.audio.delta","audio":"QUJD"}"#, 0),
            (.imagesGenerations, #"{"type":"image_generation.partial_image","b64_json":"QUJD"}"#, 0),
        ])
    func progress(_ endpoint: Endpoint, _ event: String, _ textBytes: Int64) {
        var watch = StreamWatch(endpoint: endpoint, dropUsageEvent: false)
        _ = watch.event("{}")
        #expect(watch.contentEvents == 0)
        for count in 1...3 as ClosedRange<Int64> {
            _ = watch.event(event)
            _ = watch.event(#"{"type":"ping"}"#)
            #expect(watch.contentEvents == count)
            #expect(watch.sawContent)
            #expect(watch.outputTextBytes == count * textBytes)
        }
    }

    @Test("M-5: a stream in answer to counting tokens uses nothing")
    func counting() {
        for endpoint in [Endpoint.messagesCountTokens, .geminiCountTokens] {
            var watch = StreamWatch(endpoint: endpoint, dropUsageEvent: false)
            _ = watch.event(#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"abcd"}}"#)
            _ = watch.event(#"{"candidates":[{"content":{"parts":[{"text":"abcd"}]}}]}"#)
            #expect(watch.sawContent)
            let settled = watch.settlement(estimatedInput: 5)
            #expect(settled.units == UsageUnits())
            #expect(settled.source == .none)
        }
    }

    @Test("S-9: the usage chunk is dropped only when the gateway asked for it")
    func usageChunk() {
        let chunk = #"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#
        var asked = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: false)
        #expect(asked.event(chunk) == .pass)
        var added = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: true)
        #expect(added.event(chunk) == .drop)
        // Azure's first chunk has empty choices too.
        #expect(added.event(#"{"choices":[],"prompt_filter_results":[],"usage":null}"#) == .pass)
        #expect(added.event(#"{"choices":[],"prompt_filter_results":[],"usage":{"prompt_tokens":1}}"#) == .pass)
        #expect(added.event(#"{"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1}}"#) == .pass)
    }

    @Test("M-2: an explicit zero is a value")
    func zero() {
        #expect(Self.usage(#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#) == UsageUnits())
    }

    @Test(
        "M-7, fault 22: numbers that cannot be true are not reported",
        arguments: [
            #"{"prompt_tokens":-1,"completion_tokens":5}"#, #"{"prompt_tokens":"7","completion_tokens":5}"#,
            #"{"prompt_tokens":7,"completion_tokens":9007199254740993}"#,
            #"{"prompt_tokens":1e30,"completion_tokens":5}"#, #"{"prompt_tokens":1.5,"completion_tokens":5}"#,
            #"{"prompt_tokens":7,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":8}}"#,
            #"{"prompt_tokens":7,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":-8}}"#,
            #"{"prompt_tokens":7,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":6}}"#,
            #"{"prompt_tokens":7,"completion_tokens":5,"completion_tokens_details":[]}"#,
            #"{"prompt_tokens":true,"completion_tokens":5}"#, "{}", "null", "[]",
            #"{"prompt_tokens":7}"#, #"{"prompt_tokens":99999999999999999999,"completion_tokens":1}"#,
        ])
    func absurd(_ usage: String) {
        #expect(Self.usage(usage) == nil)
    }

    @Test("M-6: cached, audio and image tokens are counted once")
    func disjoint() throws {
        let units = try #require(
            Self.usage(
                #"{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":80,"#
                    + #""audio_tokens":50,"cache_write_tokens":5},"completion_tokens_details":{"audio_tokens":3}}"#))
        #expect(units.inputTotal == 100)
        #expect(units.outputTotal == 20)
        #expect((units.cacheRead, units.cacheWrite5m, units.audioInput) == (80, 5, 15))
        #expect((units.output, units.audioOutput) == (17, 3))
    }

    @Test("M-7: reasoning beside completion_tokens instead of within is told by the total")
    func exclusiveReasoning() throws {
        let units = try #require(
            Self.usage(
                #"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":35,"#
                    + #""completion_tokens_details":{"reasoning_tokens":20}}"#))
        #expect((units.output, units.reasoning) == (5, 20))
    }

    @Test("fault 22: of two usage reports the last one counts as a whole")
    func twice() {
        var watch = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: false)
        _ = watch.event(Self.finish)
        _ = watch.event(#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":9}}"#)
        _ = watch.event(#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4}}"#)
        #expect(watch.usage?.output == 4)
        _ = watch.event(#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":-4}}"#)
        #expect(watch.usage == nil)
    }

    @Test("M-12: nothing after the end is passed on or counted")
    func afterDone() {
        var watch = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: false)
        _ = watch.event(#"{"choices":[{"index":0,"delta":{"content":"abcd"},"finish_reason":"stop"}]}"#)
        #expect(watch.event("[DONE]") == .pass)
        #expect(watch.event(#"{"choices":[{"index":0,"delta":{"content":"more"}}]}"#) == .drop)
        #expect(watch.event("[DONE]") == .drop)
        #expect(watch.outputTextBytes == 4)
        #expect(watch.end() == .complete)
    }

    @Test("S-4: [DONE] without a finish reason is no end, and is not shown to the client")
    func doneWithoutFinish() {
        var watch = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: false)
        _ = watch.event(#"{"choices":[{"index":0,"delta":{"content":"abcd"},"finish_reason":null}]}"#)
        #expect(watch.event("[DONE]") == .drop)
        #expect(watch.end() == .truncated)
        var empty = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: false)
        #expect(empty.event("[DONE]") == .drop)
        #expect(empty.end() == .truncated)
    }

    @Test("S-4: a missing [DONE] is supplied only if the body ended by its own framing and every choice was there")
    func supplied() {
        var watch = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: false)
        _ = watch.event(Self.finish)
        var closed = watch
        #expect(closed.end(endedByFraming: false) == .truncated)
        #expect(watch.end() == .completeSupplying(Array("data: [DONE]\n\n".utf8)))
        var two = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: false, choiceCount: 2)
        _ = two.event(Self.finish)
        #expect(two.end() == .truncated)
        var far = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: false)
        _ = far.event(Self.finish)
        _ = far.event(#"{"choices":[{"index":4000000000,"delta":{},"finish_reason":"stop"}]}"#)
        #expect(far.end() == .truncated)
    }

    @Test("S-8 X-2: an error event reaches the client without URL, key or the provider's credential")
    func scrubbedError() throws {
        var watch = StreamWatch(
            endpoint: .messages, dropUsageEvent: false, requestID: "r1", credential: Secret("my-own-key-1"))
        let verdict = watch.event(
            #"{"type":"error","error":{"type":"api_error","message":"my-own-key-1 at https:\/\/a.b/c failed"}}"#,
            name: "error")
        guard case .replace(let bytes) = verdict else {
            Issue.record("not replaced: \(verdict)")
            return
        }
        #expect(
            text(bytes) == "event: error\ndata: "
                + #"{"type":"error","error":{"type":"api_error","message":"[removed] at [removed] failed"}}"# + "\n\n")
        #expect(watch.end() == .failed)
    }

    @Test("X-6: an error event that is no JSON becomes a plain one")
    func htmlError() {
        var watch = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: false)
        guard case .replace(let bytes) = watch.event("<html>boom</html>", name: "error") else {
            Issue.record("not replaced")
            return
        }
        #expect(!text(bytes).contains("boom"))
        #expect(text(bytes).hasPrefix(#"data: {"error":{"message":"#))
        #expect(watch.event("[DONE]") == .drop)
    }

    @Test("broken, empty and foreign data neither trap nor count")
    func garbage() {
        for endpoint in Endpoint.allCases {
            var watch = StreamWatch(endpoint: endpoint, dropUsageEvent: true)
            for data in [
                "", "{", "[", "\"", "{\"", "{\"choices\":[{\"delta\":{\"content\":\"", "{\"choices\":[,]}", "[[[[",
                "null",
                "{\"candidates\":[1,[],{}]}", "{\"type\":1}", "{\"usage\":{\"prompt_tokens\":}}", "{}}}}", "\u{0}",
            ] {
                #expect(watch.event(data) == .pass)
            }
            #expect(watch.outputTextBytes == 0)
            #expect(watch.usage == nil)
        }
    }

    @Test("escapes are counted as the bytes they stand for")
    func escapes() {
        var watch = StreamWatch(endpoint: .chatCompletions, dropUsageEvent: false)
        _ = watch.event(#"{"choices":[{"delta":{"content":"a\n\"\u0041\ud83d\ude00"}}]}"#)
        #expect(watch.outputTextBytes == 8)
    }
}

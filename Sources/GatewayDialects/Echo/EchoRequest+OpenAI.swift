import GatewayWire

/// Chat, legacy completions and Responses.
extension EchoRequest {
    private var usage: JSONValue {
        [
            "prompt_tokens": Self.number(self.inputTokens), "completion_tokens": Self.number(self.outputTokens),
            "total_tokens": Self.number(self.inputTokens + self.outputTokens),
            "prompt_tokens_details": ["cached_tokens": 0, "audio_tokens": 0],
            "completion_tokens_details": ["reasoning_tokens": 0, "audio_tokens": 0],
        ]
    }

    // MARK: - Chat

    func chat() -> JSONValue {
        let choices = (0..<self.choiceCount).map { index -> JSONValue in
            [
                "index": Self.number(Int64(index)),
                "message": ["role": "assistant", "content": .string(self.text), "refusal": nil], "logprobs": nil,
                "finish_reason": "stop",
            ]
        }
        var answer: JSONValue = [
            "id": .string("chatcmpl-\(self.requestID)"), "object": "chat.completion", "created": self.created,
            "model": self.model, "choices": .array(choices),
        ]
        if !self.omitUsage { answer["usage"] = self.usage }
        return answer
    }

    func chatStream() -> [[UInt8]] {
        var events: [[UInt8]] = []
        for index in 0..<self.choiceCount {
            events.append(self.chatChunk(index, delta: ["role": "assistant", "content": ""], finish: nil))
        }
        for word in self.words {
            for index in 0..<self.choiceCount {
                events.append(self.chatChunk(index, delta: ["content": .string(word)], finish: nil))
            }
        }
        for index in 0..<self.choiceCount { events.append(self.chatChunk(index, delta: .object([]), finish: "stop")) }
        if self.includeUsage, !self.omitUsage {
            var chunk = self.chunk(object: "chat.completion.chunk", id: "chatcmpl", choices: [])
            chunk["usage"] = self.usage
            events.append(Self.event(chunk))
        }
        return events + [Self.done]
    }

    private func chatChunk(_ index: Int, delta: JSONValue, finish: JSONValue) -> [UInt8] {
        var chunk = self.chunk(
            object: "chat.completion.chunk", id: "chatcmpl",
            choices: [["index": Self.number(Int64(index)), "delta": delta, "logprobs": nil, "finish_reason": finish]])
        if self.includeUsage, !self.omitUsage { chunk["usage"] = .null }
        return Self.event(chunk)
    }

    private func chunk(object: String, id: String, choices: [JSONValue]) -> JSONValue {
        [
            "id": .string("\(id)-\(self.requestID)"), "object": .string(object), "created": self.created,
            "model": self.model, "choices": .array(choices),
        ]
    }

    // MARK: - Completions

    func completion() -> JSONValue {
        let choices = (0..<self.choiceCount).map { self.completionChoice($0, text: self.text, finish: "stop") }
        var answer = self.chunk(object: "text_completion", id: "cmpl", choices: choices)
        if !self.omitUsage { answer["usage"] = self.usage }
        return answer
    }

    func completionStream() -> [[UInt8]] {
        var events: [[UInt8]] = []
        let choices = 0..<self.choiceCount
        for word in self.words {
            for index in choices { events.append(self.completionChunk(index, text: word, finish: nil)) }
        }
        for index in choices { events.append(self.completionChunk(index, text: "", finish: "stop")) }
        if self.includeUsage, !self.omitUsage {
            var chunk = self.chunk(object: "text_completion", id: "cmpl", choices: [])
            chunk["usage"] = self.usage
            events.append(Self.event(chunk))
        }
        return events + [Self.done]
    }

    private func completionChoice(_ index: Int, text: String, finish: JSONValue) -> JSONValue {
        ["text": .string(text), "index": Self.number(Int64(index)), "logprobs": nil, "finish_reason": finish]
    }

    private func completionChunk(_ index: Int, text: String, finish: JSONValue) -> [UInt8] {
        Self.event(
            self.chunk(
                object: "text_completion", id: "cmpl",
                choices: [self.completionChoice(index, text: text, finish: finish)]))
    }

    // MARK: - Responses

    private var itemID: JSONValue { .string("msg_\(self.requestID)") }

    private func textPart(_ text: String) -> JSONValue {
        ["type": "output_text", "text": .string(text), "annotations": [], "logprobs": []]
    }

    func responseMessage(status: String) -> JSONValue {
        [
            "id": self.itemID, "type": "message", "status": .string(status), "role": "assistant",
            "content": status == "completed" ? [self.textPart(self.text)] : [],
        ]
    }

    func response(status: String, output: [JSONValue]) -> JSONValue {
        var usage: JSONValue = nil
        if status == "completed", !self.omitUsage {
            let output = UsageEstimate.tokens(ofTextBytes: Int64(self.text.utf8.count))
            usage = [
                "input_tokens": Self.number(self.inputTokens),
                "input_tokens_details": ["cached_tokens": 0, "cache_write_tokens": 0],
                "output_tokens": Self.number(output), "output_tokens_details": ["reasoning_tokens": 0],
                "total_tokens": Self.number(self.inputTokens + output),
            ]
        }
        return [
            "id": .string("resp_\(self.requestID)"), "object": "response", "created_at": self.created,
            "status": .string(status), "background": false, "error": nil, "incomplete_details": nil,
            "instructions": self.body["instructions"] ?? nil,
            "max_output_tokens": self.body["max_output_tokens"] ?? nil,
            "model": self.model, "output": .array(output), "parallel_tool_calls": true, "previous_response_id": nil,
            "store": false, "temperature": 1, "text": ["format": ["type": "text"]], "tool_choice": "auto",
            "tools": self.body["tools"] ?? [], "top_p": 1, "truncation": "disabled", "usage": usage,
            "metadata": self.body["metadata"] ?? .object([]),
        ]
    }

    func responseStream() -> [[UInt8]] {
        var events: [[UInt8]] = []
        func send(_ type: String, _ members: JSONValue) {
            var all: [JSONValue.Member] = [
                .init("type", .string(type)), .init("sequence_number", Self.number(Int64(events.count))),
            ]
            all += members.object ?? []
            events.append(Self.event(.object(all), name: type))
        }
        let started = self.response(status: "in_progress", output: [])
        let item = self.responseMessage(status: "completed")
        let place: [JSONValue.Member] = [
            .init("item_id", self.itemID), .init("output_index", 0), .init("content_index", 0),
        ]
        send("response.created", ["response": started])
        send("response.in_progress", ["response": started])
        send("response.output_item.added", ["output_index": 0, "item": self.responseMessage(status: "in_progress")])
        send("response.content_part.added", .object(place + [.init("part", self.textPart(""))]))
        for word in self.words {
            send("response.output_text.delta", .object(place + [.init("delta", .string(word)), .init("logprobs", [])]))
        }
        send("response.output_text.done", .object(place + [.init("text", .string(self.text)), .init("logprobs", [])]))
        send("response.content_part.done", .object(place + [.init("part", self.textPart(self.text))]))
        send("response.output_item.done", ["output_index": 0, "item": item])
        send("response.completed", ["response": self.response(status: "completed", output: [item])])
        return events
    }
}

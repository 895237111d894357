import GatewayWire

/// Messages.
extension EchoRequest {
    private var messageID: JSONValue { .string("msg_\(self.requestID)") }

    private func usage(output: Int64) -> JSONValue {
        [
            "input_tokens": Self.number(self.inputTokens), "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0, "output_tokens": Self.number(output),
        ]
    }

    private func envelope(content: JSONValue, stopReason: JSONValue, output: Int64) -> JSONValue {
        var message: JSONValue = [
            "id": self.messageID, "type": "message", "role": "assistant", "model": self.model, "content": content,
            "stop_reason": stopReason, "stop_sequence": nil,
        ]
        if !self.omitUsage { message["usage"] = self.usage(output: output) }
        return message
    }

    func message() -> JSONValue {
        self.envelope(
            content: [["type": "text", "text": .string(self.text)]], stopReason: "end_turn", output: self.outputTokens)
    }

    func messageStream() -> [[UInt8]] {
        var events: [[UInt8]] = []
        func send(_ type: String, _ members: [JSONValue.Member]) {
            events.append(Self.event(.object([.init("type", .string(type))] + members), name: type))
        }
        // The output count of the first event is a placeholder, as at the vendor.
        let start = self.envelope(content: [], stopReason: nil, output: 1)
        send("message_start", [.init("message", start)])
        send(
            "content_block_start",
            [.init("index", 0), .init("content_block", ["type": "text", "text": ""])])
        send("ping", [])
        for word in self.words {
            send(
                "content_block_delta",
                [.init("index", 0), .init("delta", ["type": "text_delta", "text": .string(word)])])
        }
        send("content_block_stop", [.init("index", 0)])
        var end: [JSONValue.Member] = [.init("delta", ["stop_reason": "end_turn", "stop_sequence": nil])]
        if !self.omitUsage { end.append(.init("usage", ["output_tokens": Self.number(self.outputTokens)])) }
        send("message_delta", end)
        send("message_stop", [])
        return events
    }
}

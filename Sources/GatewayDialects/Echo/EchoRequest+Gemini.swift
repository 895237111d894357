import GatewayWire

/// generateContent and its stream, and batches of embeddings.
extension EchoRequest {
    /// One chunk; a whole answer is one chunk that is the last.
    func geminiChunk(text: String, isLast: Bool) -> JSONValue {
        let candidates = (0..<self.choiceCount).map { index -> JSONValue in
            var candidate: JSONValue = [
                "content": ["parts": [["text": .string(text)]], "role": "model"],
                "index": Self.number(Int64(index)),
            ]
            if isLast { candidate["finishReason"] = "STOP" }
            return candidate
        }
        var chunk: JSONValue = ["candidates": .array(candidates)]
        if !self.omitUsage {
            let output = isLast ? self.outputTokens : 0
            var usage: JSONValue = ["promptTokenCount": Self.number(self.inputTokens)]
            if isLast { usage["candidatesTokenCount"] = Self.number(output) }
            usage["totalTokenCount"] = Self.number(self.inputTokens + output)
            chunk["usageMetadata"] = usage
        }
        chunk["modelVersion"] = self.model
        chunk["responseId"] = .string(self.requestID)
        return chunk
    }

    func geminiStream() -> [[UInt8]] {
        let words = self.words.isEmpty ? [""] : self.words
        return words.indices.map { index in
            Self.event(self.geminiChunk(text: words[index], isLast: index == words.count - 1))
        }
    }

    /// One vector for each entry of `requests`.
    func geminiEmbeddings() -> JSONValue {
        let requests = (self.body["requests"]?.array ?? []).prefix(2048)
        let embeddings = requests.map { request -> JSONValue in
            ["values": .array(EchoMedia.vector(of: EchoText.text(request["content"]?["parts"]), count: 8))]
        }
        return ["embeddings": .array(embeddings)]
    }
}

import GatewayContract
import GatewayWire

/// Embeddings, moderation, images, audio and reranking.
extension EchoRequest {
    func embeddings() -> JSONValue {
        let inputs = EchoText.strings(self.body["input"]).prefix(2048)
        let count = Int(min(max(self.body["dimensions"]?.integer ?? 8, 1), 4096))
        let isBase64 = self.body["encoding_format"]?.string == "base64"
        let data = inputs.enumerated().map { index, input -> JSONValue in
            [
                "object": "embedding", "index": Self.number(Int64(index)),
                "embedding": isBase64
                    ? .string(EchoMedia.packedVector(of: input, count: count))
                    : .array(EchoMedia.vector(of: input, count: count)),
            ]
        }
        var answer: JSONValue = ["object": "list", "data": .array(data), "model": self.model]
        if !self.omitUsage {
            answer["usage"] = [
                "prompt_tokens": Self.number(self.inputTokens), "total_tokens": Self.number(self.inputTokens),
            ]
        }
        return answer
    }

    func moderation() -> JSONValue {
        let categories = [
            "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent",
            "self-harm", "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence",
            "violence/graphic",
        ]
        let result: JSONValue = [
            "flagged": false, "categories": .object(categories.map { .init($0, false) }),
            "category_scores": .object(categories.map { .init($0, 0) }),
            "category_applied_input_types": .object(categories.map { .init($0, ["text"]) }),
        ]
        let count = max(1, min(EchoText.strings(self.body["input"]).count, 128))
        return [
            "id": .string("modr-\(self.requestID)"), "model": self.model,
            "results": .array(Array(repeating: result, count: count)),
        ]
    }

    // MARK: - Images

    private var imageUsage: JSONValue {
        let output = Int64(self.choiceCount)
        return [
            "input_tokens": Self.number(self.inputTokens), "output_tokens": Self.number(output),
            "total_tokens": Self.number(self.inputTokens + output),
            "input_tokens_details": ["text_tokens": Self.number(self.inputTokens), "image_tokens": 0],
        ]
    }

    func images() -> JSONValue {
        let image: JSONValue = ["b64_json": .string(EchoMedia.png)]
        var answer: JSONValue = [
            "created": self.created, "data": .array(Array(repeating: image, count: self.choiceCount)),
        ]
        if !self.omitUsage { answer["usage"] = self.imageUsage }
        return answer
    }

    func imageStream() -> [[UInt8]] {
        let name = self.endpoint == .imagesEdits ? "image_edit.completed" : "image_generation.completed"
        var event: JSONValue = [
            "type": .string(name), "b64_json": .string(EchoMedia.png), "created_at": self.created, "size": "1024x1024",
            "quality": "low", "background": "opaque", "output_format": "png",
        ]
        if !self.omitUsage { event["usage"] = self.imageUsage }
        return [Self.event(event, name: name)]
    }

    // MARK: - Audio

    private var audioUsage: JSONValue {
        [
            "type": "tokens", "input_tokens": Self.number(self.inputTokens),
            "output_tokens": Self.number(self.outputTokens),
            "total_tokens": Self.number(self.inputTokens + self.outputTokens),
        ]
    }

    func transcription() -> JSONValue {
        var answer: JSONValue = ["text": .string(self.text)]
        if !self.omitUsage { answer["usage"] = self.audioUsage }
        return answer
    }

    func transcriptionStream() -> [[UInt8]] {
        var events = self.words.map {
            Self.event(["type": "transcript.text.delta", "delta": .string($0)])
        }
        var done: JSONValue = ["type": "transcript.text.done", "text": .string(self.text)]
        if !self.omitUsage { done["usage"] = self.audioUsage }
        events.append(Self.event(done))
        return events
    }

    func speechStream() -> [[UInt8]] {
        var done: JSONValue = ["type": "speech.audio.done"]
        if !self.omitUsage { done["usage"] = self.audioUsage }
        let delta: JSONValue = ["type": "speech.audio.delta", "audio": .string(Base64.encode(EchoMedia.wave))]
        return [Self.event(delta), Self.event(done)]
    }

    // MARK: - Reranking

    /// Documents in the order they came, each a little less relevant than the one before.
    func rerank() -> JSONValue {
        let documents = self.body["documents"]?.array?.count ?? 0
        let top = self.body["top_n"]?.integer ?? Int64(documents)
        let results = (0..<Int(min(max(top, 0), Int64(documents)))).map { index -> JSONValue in
            let score = String(1999 - min(index, 998)).dropFirst()
            return ["index": Self.number(Int64(index)), "relevance_score": .number("0.\(score)")]
        }
        var answer: JSONValue = [
            "id": .string("rerank-\(self.requestID)"), "model": self.model, "results": .array(results),
        ]
        if !self.omitUsage { answer["usage"] = ["total_tokens": Self.number(self.inputTokens)] }
        return answer
    }
}

/// The smallest payloads that real decoders accept.
enum EchoMedia {
    /// One grey pixel.
    static let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="

    /// A tenth of a second of silence: 8 kHz, one channel, 8 bits (RIFF/WAVE, PCM).
    static let wave: [UInt8] = {
        func little(_ value: UInt32, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
        }
        let samples = [UInt8](repeating: 0x80, count: 800)
        let format = Array("WAVEfmt ".utf8) + little(16, 4) + little(1, 2) + little(1, 2)
        let rate = little(8000, 4) + little(8000, 4) + little(1, 2) + little(8, 2)
        let data = Array("data".utf8) + little(UInt32(samples.count), 4) + samples
        return Array("RIFF".utf8) + little(UInt32(format.count + rate.count + data.count), 4) + format + rate + data
    }()

    /// Numbers in -1..<1 that depend on nothing but the text, exact in 32 bits.
    private static func numbers(of text: String, count: Int) -> [Float] {
        // FNV-1a over the text, then one SplitMix64 step per number.
        var state: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return (0..<count).map { _ in
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
            return Float(Int8(truncatingIfNeeded: mixed >> 56)) / 128
        }
    }

    static func vector(of text: String, count: Int) -> [JSONValue] {
        self.numbers(of: text, count: count).map { .number("\($0)") }
    }

    /// Little-endian 32-bit floats in base64, as `encoding_format: base64` wants them.
    static func packedVector(of text: String, count: Int) -> String {
        let bytes = self.numbers(of: text, count: count).flatMap { number in
            withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
        }
        return Base64.encode(bytes)
    }
}

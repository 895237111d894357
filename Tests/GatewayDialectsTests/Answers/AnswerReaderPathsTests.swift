import GatewayContract
import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayDialects

/// An answer that comes in one piece is read in place, one in several by the resumable reader. Which of them it was
/// must not be seen.
@Suite struct AnswerReaderPathsTests {
    private static let endpoints: [Endpoint] = [
        .chatCompletions, .messages, .geminiGenerateContent, .responses, .rerank, .imagesGenerations, .audioSpeech,
        .messagesCountTokens,
    ]

    private static let answers = [
        #"{"id":"x","choices":[{"message":{"content":"some \"words\""}}],"usage":{"prompt_tokens":25,"#
            + #""completion_tokens":7,"total_tokens":32,"prompt_tokens_details":{"cached_tokens":5},"#
            + #""completion_tokens_details":{"reasoning_tokens":4}}}"#,
        #"{ "type":"message", "content":[{"type":"text","text":"12345678"}], "usage":{"input_tokens":11,"#
            + #""cache_creation_input_tokens":30,"cache_read_input_tokens":100,"output_tokens":4}} "#,
        #"{"candidates":[{"content":{"parts":[{"text":"a b"}]}}],"usageMetadata":{"promptTokenCount":12,"#
            + #""candidatesTokenCount":6,"totalTokenCount":18}}"#,
        #"{"usage":{"input_tokens":-1},"output":[{"content":[{"type":"output_text","text":"12345678"}]}]}"#,
        #"{"results":[],"meta":{"billed_units":{"search_units":1}},"error":null}"#,
        #"{"error":{"message":"overloaded"},"text":"a \u00e9 b","us\u0061ge":"none"}"#,
        #"{"text":"\u0041","usage":1,"usage":2}"#, "{}", " \n", "{} {}",
    ]

    /// Everything that can be seen, by one way.
    private func read(
        _ pieces: [[UInt8]], _ endpoint: Endpoint, inPlace: Bool
    ) -> AnswerReading {
        var reader = AnswerReader(endpoint: endpoint, readsInPlace: inPlace)
        for piece in pieces { piece.withUnsafeBytes { reader.feed($0) } }
        return reader.end()
    }

    /// - Returns: whether it was a whole answer.
    @discardableResult
    private func check(_ pieces: [[UInt8]], _ note: Comment) -> Bool {
        var isWhole = false
        for endpoint in Self.endpoints {
            let resumed = self.read(pieces, endpoint, inPlace: false)
            #expect(self.read(pieces, endpoint, inPlace: true) == resumed, "\(endpoint), \(note)")
            isWhole = resumed.isWholeJSON
        }
        return isWhole
    }

    @Test("both ways read alike: whole answers, with space or more behind them, and every cut")
    func cuts() {
        for answer in Self.answers {
            let bytes = Array(answer.utf8)
            self.check([bytes], "\(answer)")
            for rest in [" ", "\r\n\t ", "x", " {", "}"] {
                self.check([bytes, Array(rest.utf8)], "\(answer) + \(rest)")
            }
            self.check([bytes, [0x20], [0x7D], [0x20]], "\(answer) in four")
            self.check([[], bytes, []], "\(answer) with empty pieces")
            for cut in 0...bytes.count {
                self.check([Array(bytes[..<cut]), Array(bytes[cut...])], "\(answer) cut at \(cut)")
            }
        }
    }

    @Test("both ways read alike: every golden event and mutations of it", arguments: GoldenStream.names)
    func goldens(_ name: String) throws {
        let golden = try GoldenStream(name)
        for line in golden.bytes.split(separator: 0x0A) where line.starts(with: Array("data: {".utf8)) {
            let event = Array(line.dropFirst(6))
            self.check([event], "\(name)")
            for seed in 0..<4 as Range<UInt64> {
                var random = SeededRandom(seed: seed)
                self.check([Self.mutated(event, &random)], "\(name), seed \(seed)")
            }
        }
    }

    @Test("both ways read alike: mutated answers, whole and in pieces")
    func mutations() {
        var (whole, count) = (0, 0)
        for (index, answer) in Self.answers.enumerated() {
            for seed in 0..<400 as Range<UInt64> {
                var random = SeededRandom(seed: seed &+ UInt64(index) << 32)
                let bytes = Self.mutated(Array(answer.utf8), &random)
                let note: Comment =
                    "seed \(seed) of \(index): \(String(decoding: bytes, as: UTF8.self).debugDescription)"
                count += 1
                if self.check([bytes], note) { whole += 1 }
                let cut = random.int(0...bytes.count)
                self.check([Array(bytes[..<cut]), Array(bytes[cut...])], note)
            }
        }
        // The mutations are of use only if both verdicts are common.
        #expect(whole * 100 >= count * 15 && whole * 100 <= count * 90, "\(whole) of \(count)")
    }

    @Test("both ways have the same bounds: long names, large members, base64 without text")
    func bounds() {
        for count in [4093, 4094, 4095, 5000] {
            let name = String(repeating: "n", count: count)
            let answer = Array(#"{"\#(name)":1,"usage":{"input_tokens":1,"output_tokens":1}}"#.utf8)
            #expect(self.check([answer], "a name of \(count) bytes") == (count <= 4094))
        }
        for count in [(256 << 10) - 2, (256 << 10) - 1] {
            let text = String(repeating: "w ", count: count / 2) + String(repeating: "w", count: count % 2)
            let answer = Array(#"{"text":"\#(text)"}"#.utf8)
            self.check([answer], "a member of \(count) bytes")
            self.check([answer, [0x20]], "a member of \(count) bytes and space")
            self.check([answer, Array(text.utf8)], "a member of \(count) bytes and more")
        }
        let picture = String(repeating: "QUJD", count: 100_000)
        for answer in [#"{"content":[{"data":"\#(picture)"}]}"#, #"{"data":"\#(picture)"}"#] {
            let bytes = Array(answer.utf8)
            self.check([bytes], "base64")
            self.check([bytes, Array(picture.utf8)], "base64 and more of it")
        }
    }

    @Test("an answer may be asked for before its end, and again")
    func again() {
        let answer = Array(Self.answers[0].utf8)
        for cut in [0, 1, answer.count / 2, answer.count] {
            for inPlace in [false, true] {
                var reader = AnswerReader(endpoint: .chatCompletions, readsInPlace: inPlace)
                answer[..<cut].withUnsafeBytes { reader.feed($0) }
                #expect(reader.end().isWholeJSON == (cut == answer.count))
                answer[cut...].withUnsafeBytes { reader.feed($0) }
                let copy = reader
                #expect(reader.end().usage?.total == 32)
                [UInt8(ascii: "}")].withUnsafeBytes { reader.feed($0) }
                #expect(!reader.end().isWholeJSON)
                var other = copy
                #expect(other.end().isWholeJSON)
            }
        }
    }

    private static func mutated(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<random.int(1...3) where !bytes.isEmpty {
            let place = random.int(0...bytes.count - 1)
            switch random.int(0...4) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[place] = Array("0123456789aeflnrstu \\\"{}[]:,".utf8).randomElement(using: &random) ?? 0
            case 2: bytes.insert(Array("{}[]\",:\\u0-9e \n".utf8).randomElement(using: &random) ?? 0, at: place)
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + random.int(1...20)))
            default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 20)], at: place)
            }
        }
        return bytes
    }
}

import GatewayContract
import GatewayCore
import GatewayWire
import Testing

@testable import GatewayDialects

@Suite struct RequestMediaTests {
    private static let picture = String(repeating: "QUJD", count: 25_000)

    private static func body(_ member: String) -> String { #"{"model":"m",\#(member)}"# }

    /// What the same body counts with nothing in the place of the picture, and one flat number.
    private static func bare(_ member: String, prefix: String) -> Int64 {
        let bytes = Self.body(member.replacing(#""\#(prefix)\#(Self.picture)""#, with: "")).utf8.count
        return UsageEstimate.tokens(ofTextBytes: Int64(bytes)) + UsageEstimate.tokensPerMediaPart
    }

    @Test(
        "B-13: inline media is a flat number per part, not four bytes a token",
        arguments: [
            (
                Endpoint.chatCompletions, "data:image/png;base64,",
                #""messages":[{"role":"user","content":[{"type":"text","text":"what?"},"#
                    + #"{"type":"image_url","image_url":{"url":"@","detail":"low"}}]}]"#
            ),
            (
                .chatCompletions, "",
                #""messages":[{"content":[{"type":"input_audio","input_audio":{"format":"wav","data":"@"}}]}]"#
            ),
            (
                .chatCompletions, "data:application/pdf;base64,",
                #""messages":[{"content":[{"type":"file","file":{"filename":"a.pdf","file_data":"@"}}]}]"#
            ),
            (
                .responses, "data:image/png;base64,",
                #""input":[{"role":"user","content":[{"type":"input_image","image_url":"@"}]}]"#
            ),
            (.responses, "", #""input":[{"role":"user","content":[{"type":"input_file","file_data":"@"}]}]"#),
            (
                .messages, "",
                #""messages":[{"content":[{"type":"image","source":{"type":"base64","media_type":"image/png","#
                    + #""data":"@"}}]}]"#
            ),
            (.messages, "", #""messages":[{"content":[{"source":{"data":"@","type":"base64"},"type":"image"}]}]"#),
            (
                .messages, "",
                #""messages":[{"content":[{"type":"document","source":{"type":"content","content":["#
                    + #"{"type":"image","source":{"type":"base64","data":"@"}}]}}]}]"#
            ),
            (
                .geminiGenerateContent, "",
                #""contents":[{"parts":[{"text":"what?"},{"inlineData":{"mimeType":"image/png","data":"@"}}]}]"#
            ),
            (.geminiGenerateContent, "", #""contents":[{"parts":[{"inline_data":{"data":"@"}}]}]"#),
        ])
    func parts(_ endpoint: Endpoint, _ prefix: String, _ pattern: String) throws {
        let member = pattern.replacing("@", with: prefix + Self.picture)
        let seen = try inspect(Self.body(member), endpoint, path: endpoint.family == .gemini ? "m" : nil)
        #expect(seen.media.partCount == 1)
        #expect(seen.estimatedInput == Self.bare(member, prefix: prefix))
        #expect(seen.inputBytes == Self.body(member).utf8.count)
    }

    @Test(
        "B-13: long strings that are text count all their bytes",
        arguments: [
            (Endpoint.chatCompletions, #""messages":[{"role":"user","content":"@"}]"#),
            (.chatCompletions, #""messages":[{"content":[{"type":"text","text":"data:image/png;base64,@"}]}]"#),
            (.chatCompletions, #""messages":[{"content":[{"image_url":{"url":"https://a.test/@"}}]}]"#),
            (.messages, #""messages":[{"content":[{"type":"document","source":{"type":"text","data":"@"}}]}]"#),
            (.messages, #""messages":[{"content":[{"source":{"data":"@","type":"text"}}]}]"#),
            (.messages, #""messages":[{"content":[{"type":"tool_use","input":{"data":"@"}}]}]"#),
            (.geminiGenerateContent, #""contents":[{"parts":[{"functionResponse":{"response":{"data":"@"}}}]}]"#),
        ])
    func texts(_ endpoint: Endpoint, _ pattern: String) throws {
        let body = Self.body(pattern.replacing("@", with: Self.picture))
        let seen = try inspect(body, endpoint, path: endpoint.family == .gemini ? "m" : nil)
        #expect(seen.media == RequestMedia())
        #expect(seen.estimatedInput == UsageEstimate.tokens(ofTextBytes: Int64(body.utf8.count)))
    }

    @Test("B-13: each part counts, and small bodies are not searched")
    func several() throws {
        let image = #"{"inlineData":{"data":"\#(String(repeating: "A", count: 9_998))"}}"#
        let two = try inspect(
            #"{"contents":[{"parts":[\#(image),\#(image),{"text":"a"}]}]}"#, .geminiGenerateContent, path: "m")
        #expect(two.media == RequestMedia(byteCount: 20_000, partCount: 2))
        let one = try inspect(#"{"contents":[{"parts":[\#(image)]}]}"#, .geminiGenerateContent, path: "m")
        #expect(one.media == RequestMedia())
        #expect(one.estimatedInput > 2_500)
    }

    @Test("objects without an end to their nesting are walked once")
    func nested() throws {
        let depth = 200
        let deep = String(repeating: #"{"source":"#, count: depth) + "1" + String(repeating: "}", count: depth)
        let image = #"{"source":{"type":"base64","data":"\#(Self.picture)"}}"#
        let parts = (Array(repeating: deep, count: 50) + [image]).joined(separator: ",")
        let seen = try inspect(#"{"model":"m","x":[\#(parts)]}"#, .messages)
        #expect(seen.media == RequestMedia(byteCount: 100_002, partCount: 1))
    }

    @Test("B-13: a file of a multipart form is a flat number, its other parts are bytes")
    func multipart() throws {
        let type = Array("multipart/form-data; boundary=XX".utf8)
        func form(_ file: String) -> String {
            "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n\(file)\r\n"
                + "--XX\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nsay it\r\n"
                + "--XX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n--XX--\r\n"
        }
        let body = form(String(repeating: "\r\n--X", count: 20_000))
        for pieceCount in [1, 7, .max / 2] {
            var scanner = try #require(type.withUnsafeBytes { MultipartScanner(contentType: $0) })
            var rest = Array(body.utf8)[...]
            while !rest.isEmpty {
                rest.prefix(pieceCount).withUnsafeBytes { scanner.feed($0) }
                rest = rest.dropFirst(pieceCount)
            }
            #expect((scanner.fileCount, scanner.fileBytes) == (1, 100_000))
            let seen = try RequestInspector.inspect(
                multipart: scanner, endpoint: .audioTranscriptions, inputBytes: body.utf8.count)
            let text = UsageEstimate.tokens(ofTextBytes: Int64(form("").utf8.count))
            #expect(seen.estimatedInput == text + UsageEstimate.tokensPerMediaPart)
        }
    }

    @Test("B-13: of a form that is still coming, the rest is one file, wherever it is cut")
    func unfinishedForm() throws {
        let type = Array("multipart/form-data; boundary=XX".utf8)
        let before =
            "--XX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n"
            + "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n"
        for fileBytes in [0, 1, 50_000] {
            var scanner = try #require(type.withUnsafeBytes { MultipartScanner(contentType: $0) })
            let body = Array(before.utf8) + Array(repeating: 0x78, count: fileBytes)
            body.withUnsafeBytes { scanner.feed($0) }
            #expect(scanner.unfinishedFileBytes == fileBytes)
            let seen = try RequestInspector.inspect(
                multipart: scanner, endpoint: .audioTranscriptions, inputBytes: body.count, isWhole: false)
            let text = UsageEstimate.tokens(ofTextBytes: Int64(before.utf8.count))
            #expect(seen.model == "whisper" && seen.estimatedInput == text + UsageEstimate.tokensPerMediaPart)
            #expect(throws: (any Error).self) {
                try RequestInspector.inspect(
                    multipart: scanner, endpoint: .audioTranscriptions, inputBytes: body.count)
            }
        }
    }
}

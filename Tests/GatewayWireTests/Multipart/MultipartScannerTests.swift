import GatewayTesting
import Testing

@testable import GatewayWire

@Suite struct MultipartScannerTests {
    private struct Reading: Equatable {
        var state: MultipartScanner.State
        var model: String?
        var modelPlace: Range<Int>?
        var stream: Bool?
        var storedObjectField: String?
    }

    private func scanner(_ contentType: String = "multipart/form-data; boundary=XyZ") -> MultipartScanner? {
        bytes(contentType).withUnsafeBytes { MultipartScanner(contentType: $0) }
    }

    private func read(_ chunks: [[UInt8]]) throws -> Reading {
        var scanner = try #require(self.scanner())
        for chunk in chunks { chunk.withUnsafeBytes { scanner.feed($0) } }
        // What came before a refusal is nobody's business.
        if scanner.state == .malformed { return Reading(state: .malformed) }
        return Reading(
            state: scanner.state, model: scanner.model, modelPlace: scanner.modelPlace, stream: scanner.stream,
            storedObjectField: scanner.storedObjectField)
    }

    private func read(_ body: String) throws -> Reading { try self.read([bytes(body)]) }

    private func part(_ name: String, _ value: String, extra: String = "", headers: String = "") -> String {
        "--XyZ\r\nContent-Disposition: form-data; name=\(name)\(extra)\r\n\(headers)\r\n\(value)\r\n"
    }

    private func state(_ parts: String..., end: String = "--XyZ--\r\n") throws -> MultipartScanner.State {
        try self.read(parts.joined() + end).state
    }

    private var sample: String {
        self.part(
            "\"file\"", "ab\r\n--Xy\r\r\n-\0\u{1}\r\n--\r\n", extra: "; filename=\"a;name=model.wav\"",
            headers: "Content-Type: audio/wav\r\n")
            + self.part("\"model\"", "whisper-\r\n--1") + self.part("stream", "true") + self.part("\"other\"", "")
            + self.part("\"input[file_id]\"", "file-1") + "--XyZ--\r\n"
    }

    @Test func everySplitGivesTheSameReading() throws {
        let body = bytes(self.sample)
        let whole = try self.read([body])
        #expect(whole.state == .finished)
        #expect(whole.model == "whisper-\r\n--1")
        #expect(whole.modelPlace.map { text(body[$0]) } == "whisper-\r\n--1")
        #expect(whole.stream == true)
        #expect(whole.storedObjectField == "input[file_id]")
        for cut in 0...body.count {
            #expect(try self.read([Array(body[..<cut]), Array(body[cut...])]) == whole, "cut \(cut)")
        }
        #expect(try self.read(body.map { [$0] }) == whole)
    }

    @Test func theModelIsFoundOnceItsPartHasEnded() throws {
        let head = self.part("model", "m").dropLast()  // CRLF is one character
        #expect(try self.read(String(head)).state == .reading)
        #expect(try self.read(head + "\r\n--Xy").state == .reading)
        let found = try self.read(head + "\r\n--XyZ")
        #expect(found.state == .found && found.model == "m")
        #expect(try self.read(head + "\r\n--XyZ--").state == .finished)
        #expect(try self.read(self.part("file", "x") + "--XyZ--").model == nil)
    }

    @Test(arguments: [
        "multipart/form-data; boundary=XyZ", "Multipart/Form-Data;Boundary=\"XyZ\"",
        "multipart/form-data ; charset=utf-8; boundary=XyZ ;",
    ])
    func contentTypesWithABoundary(contentType: String) throws {
        var scanner = try #require(self.scanner(contentType))
        bytes(self.sample).withUnsafeBytes { scanner.feed($0) }
        #expect(scanner.state == .finished)
    }

    @Test(arguments: [
        "", "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
        "multipart/mixed; boundary=XyZ",
        "application/json", "multipart/form-data; boundary=a; boundary=b", "multipart/form-data; boundary=a b",
        "multipart/form-data; boundary=\"a",
        "multipart/form-data; boundary=\"a \"", "multipart/form-data; boundary=\"a\\b\"",
        "multipart/form-data; boundary=\"a@b\"",
        "multipart/form-data, boundary=a", "multipart/form-data; boundary = a", "multipart/form-data; boundary=\"a\"b",
    ])
    func contentTypesWithoutAUsableBoundary(contentType: String) {
        #expect(self.scanner(contentType) == nil)
    }

    /// RFC 2046, 5.1.1: 1 to 70 characters.
    @Test func theBoundaryHasOneToSeventyBytes() {
        #expect(self.scanner("multipart/form-data; boundary=" + String(repeating: "a", count: 70)) != nil)
        #expect(self.scanner("multipart/form-data; boundary=" + String(repeating: "a", count: 71)) == nil)
        #expect(self.scanner("multipart/form-data; boundary=\"a'()+_,-./:=? b\"") != nil)
    }

    @Test func namesAreReadQuotedAndUnquoted() throws {
        for name in ["model", "\"model\""] { #expect(try self.read(self.part(name, "m") + "--XyZ--").model == "m") }
        for name in ["Model", "\"model \"", "\"model[]\"", "\"mod%65l\"", "models", "\"\""] {
            let reading = try self.read(self.part(name, "m") + "--XyZ--")
            #expect(reading.state == .finished && reading.model == nil, "\(name)")
        }
    }

    @Test func whatRecipientsReadDifferentlyIsRefused() throws {
        let model = self.part("model", "m")
        #expect(try self.state(model, model) == .malformed)
        #expect(try self.state(model, self.part("\"model\"", "n")) == .malformed)
        #expect(try self.state(self.part("model", "m", extra: "; filename=a")) == .malformed)
        #expect(try self.state(self.part("model", "m", extra: "; name=file")) == .malformed)
        #expect(try self.state(self.part("a", "m", extra: "; name*=utf-8''model")) == .malformed)
        #expect(try self.state(self.part("\"mod\\el\"", "m")) == .malformed)
        #expect(try self.state(self.part("a", "m", extra: "; filename=\"x\\\"; name=\\\"model\"")) == .malformed)
        #expect(
            try self.state(self.part("model", "bQ==", headers: "Content-Transfer-Encoding: base64\r\n")) == .malformed)
        #expect(
            try self.state(self.part("model", "m", headers: "Content-Type: text/plain; charset=utf-16\r\n"))
                == .malformed)
        #expect(try self.state(self.part("model", "m", headers: " folded: 1\r\n")) == .malformed)
        #expect(try self.state(self.part("a", "x\n--XyZ\n\(model)")) == .malformed)
        #expect(try self.state(self.part("a", "--XyZ")) == .malformed)
        #expect(try self.state(self.part("a", "x\r\n--XyZa")) == .malformed)
        #expect(try self.state(self.part("a", "x\r\n--XyZ \r\n")) == .malformed)
        #expect(try self.read("preamble\r\n" + model + "--XyZ--").state == .malformed)
        #expect(try self.state(model, end: "--XyZ--\r\nx") == .malformed)
        #expect(try self.state(model, end: "--XyZ--\r\n\r\n") == .malformed)
        #expect(try self.state(model, end: "--XyZ-\r\n") == .malformed)
        #expect(try self.state(model, end: "--XyZ\n") == .malformed)
    }

    @Test func whatIsHarmlessIsAccepted() throws {
        let model = self.part(
            "model", "m",
            headers: "Content-Type: text/plain; charset=\"UTF-8\"\r\nContent-Transfer-Encoding: 8bit\r\nX-A:\r\n")
        #expect(try self.read("\r\n" + model + "--XyZ--").model == "m")
        #expect(try self.state(model, end: "--XyZ--") == .finished)
        #expect(
            try self.state(self.part("a", "x", extra: "; filename=\"C:\\dir\\a.wav\"; filename*=utf-8''b")) == .finished
        )
        #expect(try self.state(self.part("a", "x\r\n--XyA\r\n-- XyZ\r\n--xyz\r\r\n")) == .finished)
        #expect(try self.state() == .finished)
    }

    @Test func brokenHeadersAreRefused() throws {
        for header in [
            "", "Content-Disposition: form-data\r\n", "Content-Disposition: attachment; name=a\r\n",
            "Content-Disposition: form-data; name\r\n",
            "Content-Disposition: form-data; name=\r\n", "Content-Disposition: form-data; name=\"a\r\n",
            "Content-Disposition form-data; name=a\r\n",
            ": x\r\n", "Content-Disposition: form-data; name=a\nX: y\r\n",
            "Content-Disposition: form-data; name=a\u{7f}\r\n",
            "Content-Disposition : form-data; name=a\r\n", "Content-Disposition: form-data name=a\r\n",
            "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n",
        ] {
            #expect(
                try self.read("--XyZ\r\n\(header)\r\nx\r\n--XyZ--").state == .malformed, "\(header.debugDescription)")
        }
    }

    @Test func valuesAreCappedAndMustBeText() throws {
        let longest = String(repeating: "m", count: MultipartScanner.modelBytesMax)
        #expect(try self.read(self.part("model", longest) + "--XyZ--").model == longest)
        #expect(try self.state(self.part("model", longest + "m")) == .malformed)
        #expect(try self.state(self.part("model", "")) == .malformed)
        let garbled = bytes(self.part("model", "m")).map { $0 == UInt8(ascii: "m") ? 0xff : $0 }
        #expect(try self.read([garbled + bytes("--XyZ--")]).state == .malformed)
        for (value, expected) in [("true", true), ("True", true), ("1", true), ("false", false), ("0", false)] {
            #expect(try self.read(self.part("stream", value) + "--XyZ--").stream == expected)
        }
        for value in ["", "yes", " true", "truetruetrue"] {
            #expect(try self.state(self.part("stream", value)) == .malformed)
        }
        #expect(try self.state(self.part("stream", "true"), self.part("stream", "true")) == .malformed)
    }

    @Test func headersAndPartsAreCapped() throws {
        let long = "X: " + String(repeating: "a", count: MultipartScanner.headerBytesMax) + "\r\n"
        #expect(try self.state(self.part("a", "x", headers: long)) == .malformed)
        let many = String(repeating: self.part("a", "x"), count: MultipartScanner.partsMax)
        #expect(try self.read(many + "--XyZ--").state == .finished)
        #expect(try self.read(many + self.part("a", "x") + "--XyZ--").state == .malformed)
    }

    @Test func fieldsThatNameStoredObjectsAreTold() throws {
        for name in ["file_id", "\"file_ids[]\"", "\"image[0][file_id]\"", "\"a.file_id\"", "previous_response_id"] {
            #expect(try self.read(self.part(name, "x") + "--XyZ--").storedObjectField != nil, "\(name)")
        }
        for name in ["file", "profile_id", "\"image[]\"", "background", "file_idx"] {
            #expect(try self.read(self.part(name, "x") + "--XyZ--").storedObjectField == nil, "\(name)")
        }
    }

    /// S-4: garbage and mutated bodies are answered alike however they are split, and never trapped on.
    @Test func mutatedBodiesReadAlikeHoweverTheyAreSplit() throws {
        let alphabet = bytes("\r\n-XyZ\";=: namodel\\\0") + [0xff]
        var (finished, count) = (0, 0)
        for seed in 0..<4000 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let body = random.mutate(bytes(self.sample), alphabet: alphabet)
            let whole = try self.read([body])
            count += 1
            finished += whole.state == .finished ? 1 : 0
            if let place = whole.modelPlace { #expect(text(body[place]) == whole.model, "seed \(seed)") }
            #expect(try self.read(random.chunks(body, every: 6)) == whole, "seed \(seed)")
        }
        print("multipart mutated: \(finished * 100 / count) % accepted")
        #expect(finished * 100 >= count * 15 && finished * 100 <= count * 80)
    }
}

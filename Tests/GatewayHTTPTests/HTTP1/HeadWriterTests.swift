import GatewayHTTP
import GatewayWire
import NIOCore
import Testing

@Suite struct HeadWriterTests {
    private static func written(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return String(buffer: buffer)
    }

    @Test(arguments: [
        (200, "HTTP/1.1 200 OK\r\n"), (429, "HTTP/1.1 429 Too Many Requests\r\n"), (529, "HTTP/1.1 529 \r\n"),
        (499, "HTTP/1.1 499 \r\n"), (100, "HTTP/1.1 100 Continue\r\n"),
        (505, "HTTP/1.1 505 HTTP Version Not Supported\r\n"),
    ])
    func statusLine(_ status: Int, _ line: String) {
        #expect(Self.written { $0.writeStatusLine(status) } == line)
    }

    @Test func fieldsByIdentifierAndByName() {
        let text = Self.written {
            $0.writeField(.contentType, "application/json")
            $0.writeField(.xRequestID, Array("req-1".utf8))
            $0.writeField(.contentLength, decimal: 1184)
            $0.writeField(name: "X-Custom", value: "a\tb")
            $0.writeField(.vary, "")
            $0.writeHeadEnd()
        }
        #expect(
            text
                == "content-type: application/json\r\nx-request-id: req-1\r\ncontent-length: 1184\r\nX-Custom: a\tb\r\n"
                + "vary: \r\n\r\n")
    }

    /// Guarantee: a head in one call is status line, lines, date, framing, connection, empty line.
    @Test(arguments: [
        (AnswerHeadFraming(length: 0), "content-length: 0\r\n"),
        (.init(length: .max), "content-length: 9223372036854775807\r\n"),
        (.init(isChunked: true, connection: .close), "transfer-encoding: chunked\r\nconnection: close\r\n"),
        (.init(connection: .keepAlive), "connection: keep-alive\r\n"),
    ])
    func aWholeHeadIsOneCall(_ framing: AnswerHeadFraming, _ text: String) {
        var fields = FieldLines()
        for _ in 0..<200 { fields.append("x-a: ", "1") }
        let written = Self.written {
            $0.writeHead(status: 431, fields: fields, date: Array("date: d\r\n".utf8), framing: framing)
        }
        #expect(
            written == "HTTP/1.1 431 Request Header Fields Too Large\r\n" + String(repeating: "x-a: 1\r\n", count: 200)
                + "date: d\r\n" + text + "\r\n")
    }

    /// Guarantee: a chunk in one call is size line, bytes, line end.
    @Test(arguments: [1, 15, 16, 255, 256, 70_000])
    func aWholeChunkIsOneCall(_ count: Int) {
        let text = String(repeating: "c", count: count)
        #expect(
            Self.written { $0.writeChunk(ByteBuffer(string: text)) }
                == String(count, radix: 16) + "\r\n" + text + "\r\n")
    }

    /// Guarantee: lines of a head stand as they were written, in the room that was asked for.
    @Test func linesAreWrittenInOrder() {
        let written = Self.written { buffer in
            buffer.writeLines(room: 128) { lines in
                lines.lines(Array("POST / HTTP/1.1\r\n".utf8))
                Array("Accept".utf8).withUnsafeBytes { name in
                    Array("a/b".utf8).withUnsafeBytes { lines.field(name: name, $0) }
                }
                lines.field(.xRequestID, "r-1")
                lines.field(.contentLength, decimal: 90)
                lines.end()
            }
        }
        #expect(written == "POST / HTTP/1.1\r\nAccept: a/b\r\nx-request-id: r-1\r\ncontent-length: 90\r\n\r\n")
    }

    /// Guarantee: each known field goes out under its own name.
    @Test(arguments: HeaderID.allCases.filter { $0 != .other })
    func eachIdentifierHasItsName(_ id: HeaderID) {
        #expect(Self.written { $0.writeField(id, "v") } == "\(id.name): v\r\n")
    }

    /// Guarantee: no value can end its line early, at whatever offset the byte stands.
    @Test func noValueSplitsALine() {
        var buffer = ByteBuffer()
        for bad in ["\r", "\n", "\0"] {
            for offset in 0..<20 {
                let value = String(repeating: "a", count: offset) + bad + "X: y" + String(repeating: "b", count: 9)
                let isWritten = [
                    buffer.writeField(.location, value), buffer.writeField(name: "x-a", value: value),
                ]
                #expect(isWritten == [false, false])
            }
        }
        for name in ["", "a b", "a:", "a\r\nb", "é"] {
            let isWritten = buffer.writeField(name: name, value: "v")
            #expect(!isWritten)
        }
        #expect(buffer.readableBytes == 0)
    }

    @Test(arguments: [0, 1, 9, 10, 99, 100, 65535, Int.max, -1, Int.min])
    func decimal(_ value: Int) {
        #expect(Self.written { $0.writeDecimal(value) } == "\(value)")
        #expect(Self.written { $0.writeField(.retryAfter, decimal: value) } == "retry-after: \(value)\r\n")
    }

    @Test(arguments: [1, 15, 16, 255, 256, 65536, Int.max])
    func chunkHeader(_ count: Int) {
        #expect(Self.written { $0.writeChunkHeader(count) } == String(count, radix: 16) + "\r\n")
    }

    /// Guarantee: what is written is what our own strict decoder reads.
    @Test func decoderReadsWhatIsWritten() {
        var buffer = ByteBuffer()
        buffer.writeStatusLine(200)
        buffer.writeField(.transferEncoding, "chunked")
        buffer.writeHeadEnd()
        for piece in ["data: 1\n\n", String(repeating: "x", count: 300)] {
            buffer.writeChunkHeader(piece.utf8.count)
            buffer.writeString(piece)
            buffer.writeChunkEnd()
        }
        buffer.writeLastChunk()
        let run = DecoderRun.answer(Array(buffer.readableBytesView), toHead: false)
        #expect(run.summary == ["200 keep chunked [data: 1\n\n" + String(repeating: "x", count: 300) + "]"])
        #expect(ByteBuffer.lastChunk == Array("0\r\n\r\n".utf8))
    }
}

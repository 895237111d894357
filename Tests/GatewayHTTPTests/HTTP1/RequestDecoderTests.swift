import GatewayCore
import GatewayHTTP
import GatewayWire
import NIOCore
import Testing

@Suite struct RequestDecoderTests {
    /// Guarantee: well-formed requests are understood, and as the corpus says.
    @Test(arguments: RequestCorpus.accepted)
    func acceptedRequestIsReadAsWritten(_ entry: CorpusCase) {
        let run = DecoderRun.requests(entry.bytes)
        #expect(run.fault == nil)
        #expect(run.summary == entry.summary)
    }

    /// Guarantee: nothing whose framing or meaning is in doubt becomes a whole request (faults 40 and 43).
    @Test(arguments: RequestCorpus.refused)
    func refusedRequestIsAFault(_ entry: CorpusCase) {
        let run = DecoderRun.requests(entry.bytes)
        #expect(run.fault?.code == entry.code)
        #expect(run.summary == entry.summary)
        #expect(!run.hasWholeMessage)
        #expect(!run.isInsideHead)
    }

    /// Guarantee: how the network cuts the bytes changes nothing, neither what is accepted nor what is refused.
    @Test(arguments: RequestCorpus.accepted + RequestCorpus.refused)
    func everyCutGivesTheSame(_ entry: CorpusCase) {
        let bytes = entry.bytes
        let whole = DecoderRun.requests(bytes).withoutPlaces
        for cut in CutPlan.singleCuts(of: bytes.count) {
            let run = DecoderRun.requests(bytes, cuts: [cut]).withoutPlaces
            if run != whole {
                Issue.record("cut at \(cut): \(run.summary) \(String(describing: run.fault))")
                return
            }
        }
        let thin = DecoderRun.requests(bytes, cuts: CutPlan.everyByte(of: bytes.count)).withoutPlaces
        #expect(thin == whole)
    }

    /// Guarantee: after a fault the decoder is silent, whatever comes.
    @Test func nothingComesAfterAFault() {
        var decoder = RequestDecoder(limits: corpusLimits)
        decoder.feed(ByteBuffer(string: "GET / HTTP/1.1\n"))
        guard case .fault = decoder.next() else { return #expect(Bool(false), "a bare LF is a fault") }
        for _ in 0..<3 {
            decoder.feed(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
            guard case .needMore = decoder.next() else { return #expect(Bool(false), "an event after a fault") }
        }
        #expect(!decoder.hasUnreadBytes)
    }

    /// Guarantee: body bytes are handed on in the memory they came in.
    @Test(arguments: ["Content-Length: 4096", "Transfer-Encoding: chunked"])
    func bodiesAreNotCopied(_ framing: String) {
        var input = ByteBuffer(string: "POST / HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n")
        if framing.hasSuffix("chunked") { input.writeString("1000\r\n") }
        let start = input.readableBytes
        input.writeRepeatingByte(0x78, count: 4096)
        input.writeString(framing.hasSuffix("chunked") ? "\r\n0\r\n\r\n" : "GET")
        let expected = input.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) + UInt(start) }
        var decoder = RequestDecoder(limits: corpusLimits)
        decoder.feed(input)
        guard case .head = decoder.next(), case .body(let body) = decoder.next() else {
            return #expect(Bool(false), "no body came")
        }
        #expect(body.readableBytes == 4096)
        #expect(body.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) } == expected)
    }

    /// Guarantee: names are classified whatever their case, and places lead to the bytes.
    @Test func fieldsAreClassifiedInPlace() throws {
        var decoder = RequestDecoder(limits: corpusLimits)
        decoder.feed(
            ByteBuffer(
                string: "POST /v1/x?k=v HTTP/1.1\r\nHOST: a\r\nx-API-key:  sk-test-1 \r\nX-Stainless-Lang: python\r\n"
                    + "openai-processing-ms: 1\r\nX-Very-Long-Name-That-Nobody-Knows: 1\r\nContent-Length: 0\r\n\r\n"))
        guard case .head(let head) = decoder.next() else { return #expect(Bool(false), "no head came") }
        #expect(
            head.fields.fields.map(\.id) == [.host, .xAPIKey, .other, .openaiProcessingMs, .other, .contentLength])
        #expect(head.fields.text(.xAPIKey) == "sk-test-1")
        #expect(head.fields.text(head.fields.fields[2].name) == "X-Stainless-Lang")
        #expect(head.fields.text(head.target) == "/v1/x?k=v")
        #expect(head.fields.text(head.path) == "/v1/x")
        #expect(head.fields.text(head.query) == "k=v")
    }

    /// Guarantee: `isInsideHead` is what the head's deadline needs: true from the first byte to the last, never idle.
    @Test func headIsOpenFromItsFirstByteToItsLast() {
        let head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        var decoder = RequestDecoder(limits: corpusLimits)
        #expect(!decoder.isInsideHead)
        for (index, byte) in head.utf8.enumerated() {
            decoder.feed(ByteBuffer(bytes: [byte]))
            let event = decoder.next()
            if index < head.utf8.count - 1 {
                #expect(decoder.isInsideHead)
            } else if case .head = event {
                #expect(!decoder.isInsideHead)
            } else {
                #expect(Bool(false), "the last byte ends the head")
            }
        }
        guard case .end = decoder.next() else { return #expect(Bool(false), "no end came") }
        #expect(!decoder.isInsideHead)
        #expect(!decoder.hasUnreadBytes)
    }

    /// Guarantee: the bounds are exact: a head of exactly so many bytes and fields passes, one more does not.
    @Test func boundsAreExact() {
        let head = Array("GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nX-Two: 2\r\n\r\n".utf8)
        let exact = HeadLimits(bytesMax: head.count, fieldsMax: 3)
        #expect(DecoderRun.requests(head, limits: exact).isAccepted)
        #expect(DecoderRun.requests(head, cuts: CutPlan.everyByte(of: head.count), limits: exact).isAccepted)
        for limits in [
            HeadLimits(bytesMax: head.count - 1, fieldsMax: 3), HeadLimits(bytesMax: head.count, fieldsMax: 2),
        ] {
            #expect(DecoderRun.requests(head, limits: limits).fault?.code == .headTooLarge)
            #expect(
                DecoderRun.requests(head, cuts: CutPlan.everyByte(of: head.count), limits: limits).fault?.code
                    == .headTooLarge)
        }
    }

    /// Guarantee: a declared body of any size costs nothing until its bytes come (fault 37).
    @Test func declaredLengthReservesNothing() {
        let run = DecoderRun.requests(
            Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1099511627776\r\n\r\n".utf8))
        #expect(run.summary == ["post / keep length(1099511627776) […"])
    }
}

/// Where inputs are cut: everywhere when they are short, in places that spread over them when they are long.
enum CutPlan {
    static func singleCuts(of count: Int) -> [Int] {
        guard count > 1 else { return [] }
        return count <= 600
            ? Array(1..<count) : Array(stride(from: 1, to: count, by: count / 40)) + Array((count - 20)..<count)
    }

    static func everyByte(of count: Int) -> [Int] { count > 1 ? Array(1..<count) : [] }
}

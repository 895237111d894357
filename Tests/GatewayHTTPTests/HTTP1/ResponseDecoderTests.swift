import GatewayCore
import GatewayHTTP
import NIOCore
import Testing

@Suite struct ResponseDecoderTests {
    @Test(arguments: ResponseCorpus.accepted)
    func acceptedAnswerIsReadAsWritten(_ entry: CorpusCase) {
        let run = DecoderRun.answer(entry.bytes, toHead: entry.requestWasHead)
        #expect(run.fault == nil)
        #expect(run.summary == entry.summary)
        #expect(!run.hasUnreadBytes)
    }

    /// Guarantee: an answer that could be read in two ways is never passed on whole (faults 18 and 21).
    @Test(arguments: ResponseCorpus.refused)
    func refusedAnswerIsAFault(_ entry: CorpusCase) {
        let run = DecoderRun.answer(entry.bytes, toHead: entry.requestWasHead)
        #expect(run.fault?.code == entry.code)
        #expect(run.summary == entry.summary)
        #expect(!run.hasWholeMessage)
    }

    @Test(arguments: ResponseCorpus.accepted + ResponseCorpus.refused)
    func everyCutGivesTheSame(_ entry: CorpusCase) {
        let bytes = entry.bytes
        let whole = DecoderRun.answer(bytes, toHead: entry.requestWasHead).withoutPlaces
        for cut in CutPlan.singleCuts(of: bytes.count) {
            let run = DecoderRun.answer(bytes, toHead: entry.requestWasHead, cuts: [cut]).withoutPlaces
            if run != whole {
                Issue.record("cut at \(cut): \(run.summary) \(String(describing: run.fault))")
                return
            }
        }
        let thin = DecoderRun.answer(bytes, toHead: entry.requestWasHead, cuts: CutPlan.everyByte(of: bytes.count))
        #expect(thin.withoutPlaces == whole)
    }

    /// Guarantee: bytes behind an answer are seen, so that its connection serves nobody else (fault 18).
    @Test(arguments: ["x", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
    func surplusBytesAreSeen(_ surplus: String) {
        var decoder = ResponseDecoder(limits: corpusLimits)
        decoder.begin(requestWasHead: false)
        decoder.feed(ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" + surplus))
        while case .some = Self.progress(&decoder) {}
        #expect(decoder.hasSurplusBytes)
        // Begun all the same, they are nobody's answer.
        decoder.begin(requestWasHead: false)
        guard case .fault(let fault) = decoder.next() else { return #expect(Bool(false), "surplus became an answer") }
        #expect(fault.code == .upstreamGarbage)
    }

    /// Guarantee: what comes before anything was asked is never an answer.
    @Test func unaskedBytesAreAFault() {
        var decoder = ResponseDecoder(limits: corpusLimits)
        decoder.feed(ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
        guard case .needMore = decoder.next() else { return #expect(Bool(false), "an event without a question") }
        #expect(decoder.hasSurplusBytes)
        decoder.begin(requestWasHead: false)
        guard case .fault = decoder.next() else { return #expect(Bool(false), "an unasked answer was read") }
    }

    /// Guarantee: one connection carries many answers, and an idle one may end without a fault.
    @Test func answersFollowEachOther() {
        var decoder = ResponseDecoder(limits: corpusLimits)
        for toHead in [false, true, false] {
            decoder.begin(requestWasHead: toHead)
            decoder.feed(ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + (toHead ? "" : "hi")))
            var names: [String] = []
            while let name = Self.progress(&decoder) { names.append(name) }
            #expect(names == (toHead ? ["head", "end"] : ["head", "body", "end"]))
            #expect(!decoder.hasSurplusBytes)
        }
        guard case .needMore = decoder.finish() else { return #expect(Bool(false), "an idle connection may end") }
    }

    /// Guarantee: the count of interim answers starts anew with each question.
    @Test func interimAnswersAreCountedPerAnswer() {
        var decoder = ResponseDecoder(limits: corpusLimits)
        let text = String(repeating: "HTTP/1.1 103 X\r\n\r\n", count: 8) + "HTTP/1.1 204 X\r\n\r\n"
        for _ in 0..<2 {
            decoder.begin(requestWasHead: false)
            decoder.feed(ByteBuffer(string: text))
            var names: [String] = []
            while let name = Self.progress(&decoder) { names.append(name) }
            #expect(names == Array(repeating: "informational", count: 8) + ["head", "end"])
        }
    }

    private static func progress(_ decoder: inout ResponseDecoder) -> String? {
        switch decoder.next() {
        case .needMore: nil
        case .informational: "informational"
        case .head: "head"
        case .body: "body"
        case .end: "end"
        case .fault: "fault"
        }
    }
}

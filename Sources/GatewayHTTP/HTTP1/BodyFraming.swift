/// What the walk over a head noted for the decisions that follow it. Places count from the head's first byte; an empty
/// `0..<0` means that there was no such field.
struct HeadFacts: Sendable {
    var host = 0..<0
    var contentLength = 0..<0
    var transferEncoding = 0..<0
    var expect = 0..<0
    var hasHost = false
    var hasContentLength = false
    var hasTransferEncoding = false
    var hasExpect = false
    /// `close` in any `Connection` field.
    var closes = false
}

extension BodyFraming {
    /// RFC 9112 section 6.3 for requests, narrowed: both fields together, any coding but `chunked`,
    /// a coding on HTTP/1.0 and a length that is no plain number are refused.
    static func ofRequest(
        _ facts: HeadFacts, _ version: HTTPVersion, _ base: UnsafeRawPointer
    ) throws(Breach) -> BodyFraming {
        if facts.hasTransferEncoding {
            try self.checkChunked(facts, version, base)
            return .chunked
        }
        return facts.hasContentLength ? .length(try self.length(facts, base)) : .none
    }

    /// The same for final answers. A 204 that announces a body is refused, as its end would be in doubt.
    static func ofAnswer(
        _ facts: HeadFacts, _ line: StatusLine, requestWasHead: Bool, _ base: UnsafeRawPointer
    ) throws(Breach) -> BodyFraming {
        var framing = BodyFraming.untilClose
        if facts.hasTransferEncoding {
            try self.checkChunked(facts, line.version, base)
            framing = .chunked
        } else if facts.hasContentLength {
            framing = .length(try self.length(facts, base))
        }
        if line.status == 204, framing != .untilClose, framing != .length(0) {
            throw .malformed("204 with a body")
        }
        return requestWasHead || line.status == 204 || line.status == 304 ? .none : framing
    }

    /// An interim answer has neither a length nor a coding (RFC 9110 section 8.6, RFC 9112 section 6.1).
    static func checkInterim(_ facts: HeadFacts) throws(Breach) {
        if facts.hasTransferEncoding || facts.hasContentLength { throw .malformed("interim answer with a body") }
    }

    private static func checkChunked(
        _ facts: HeadFacts, _ version: HTTPVersion, _ base: UnsafeRawPointer
    ) throws(Breach) {
        guard !facts.hasContentLength else { throw .malformed("both Content-Length and Transfer-Encoding") }
        guard version == .http11 else { throw .malformed("Transfer-Encoding on HTTP/1.0") }
        guard HeadGrammar.equals(base, facts.transferEncoding, "chunked") else {
            throw .malformed("Transfer-Encoding is not the one value chunked")
        }
    }

    @inline(__always)
    private static func length(_ facts: HeadFacts, _ base: UnsafeRawPointer) throws(Breach) -> Int64 {
        guard let length = HeadGrammar.decimal(base, facts.contentLength) else {
            throw .malformed("Content-Length is not a number of bytes")
        }
        return length
    }
}

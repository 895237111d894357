import GatewayCore
import GatewayHTTP
import GatewayWire
import NIOCore

/// One message as a decoder told it.
struct DecodedMessage: Equatable {
    /// The start line without what the bytes do not say: `post /a ?b keep length(5)` or `200 keep chunked`.
    var line: String
    var method = ""
    var status = 0
    var target = ""
    /// Names and values as they came.
    var fields: [[String]] = []
    var body: [UInt8] = []
    var isEnded = false
    /// How many bytes had been fed when the head, and when the end, came out. Exact when fed one by one.
    var headAt = 0
    var endAt = 0

    var summary: String {
        "\(self.line) [" + String(String.UnicodeScalarView(self.body.map { Unicode.Scalar($0) }))
            + (self.isEnded ? "]" : "…")
    }
}

/// Everything that a decoder makes of one input, cut in a given way.
struct DecoderRun: Equatable {
    var messages: [DecodedMessage] = []
    var informational: [Int] = []
    var fault: HTTPFault?
    var isInsideHead = false
    var hasUnreadBytes = false

    /// As the corpus writes it.
    var summary: [String] {
        self.informational.map { "\($0)" } + self.messages.map(\.summary)
            + (self.isInsideHead && self.fault == nil ? ["…"] : [])
    }

    /// The same without where in the input the events came.
    var withoutPlaces: DecoderRun {
        var run = self
        for index in run.messages.indices {
            run.messages[index].headAt = 0
            run.messages[index].endAt = 0
        }
        return run
    }

    var hasWholeMessage: Bool { self.messages.contains(where: \.isEnded) }

    /// Has at least one whole message and no fault.
    var isAccepted: Bool { self.fault == nil && self.hasWholeMessage }

    /// - Parameter cuts: ascending offsets at which the input is cut.
    static func requests(_ bytes: [UInt8], cuts: [Int] = [], limits: HeadLimits = corpusLimits) -> DecoderRun {
        var decoder = RequestDecoder(limits: limits)
        var run = DecoderRun()
        for (piece, end) in Self.pieces(bytes, cuts) {
            decoder.feed(piece)
            events: while true {
                switch decoder.next() {
                case .needMore: break events
                case .head(let head): run.begin(Self.message(head), at: end)
                case .body(let body): run.append(body)
                case .end: run.end(at: end)
                case .fault(let fault): run.fault = fault
                }
            }
        }
        run.isInsideHead = decoder.isInsideHead
        run.hasUnreadBytes = decoder.hasUnreadBytes
        return run
    }

    /// One final answer, and the end of the connection behind it.
    static func answer(
        _ bytes: [UInt8], toHead: Bool, cuts: [Int] = [], limits: HeadLimits = corpusLimits
    ) -> DecoderRun {
        var decoder = ResponseDecoder(limits: limits)
        var run = DecoderRun()
        decoder.begin(requestWasHead: toHead)
        for (piece, end) in Self.pieces(bytes, cuts) {
            decoder.feed(piece)
            while run.take(decoder.next(), at: end) {}
        }
        run.hasUnreadBytes = decoder.hasSurplusBytes
        _ = run.take(decoder.finish(), at: bytes.count)
        return run
    }

    private mutating func take(_ event: ResponseEvent, at place: Int) -> Bool {
        switch event {
        case .needMore: return false
        case .informational(let status): self.informational.append(status)
        case .head(let head): self.begin(Self.message(head), at: place)
        case .body(let body): self.append(body)
        case .end: self.end(at: place)
        case .fault(let fault): self.fault = fault
        }
        return true
    }

    private mutating func begin(_ message: DecodedMessage, at place: Int) {
        var message = message
        message.headAt = place
        self.messages.append(message)
    }

    private mutating func append(_ body: ByteBuffer) {
        self.messages[self.messages.count - 1].body += Array(body.readableBytesView)
    }

    private mutating func end(at place: Int) {
        self.messages[self.messages.count - 1].isEnded = true
        self.messages[self.messages.count - 1].endAt = place
    }

    private static func pieces(_ bytes: [UInt8], _ cuts: [Int]) -> [(ByteBuffer, Int)] {
        let ends = cuts + [bytes.count]
        let starts = [0] + cuts
        return zip(starts, ends).map { (ByteBuffer(bytes: bytes[$0..<$1]), $1) }
    }

    private static func message(_ head: RequestHead) -> DecodedMessage {
        let path = head.fields.text(head.path)
        let query = head.query.isEmpty ? "" : " ?" + head.fields.text(head.query)
        let expects = head.expectsContinue ? " continue" : ""
        return DecodedMessage(
            line: "\(head.method) \(path)\(query) \(head.keepAlive ? "keep" : "close")\(expects) \(head.framing)",
            method: head.method.text, target: head.fields.text(head.target), fields: Self.fields(head.fields))
    }

    private static func message(_ head: ResponseHead) -> DecodedMessage {
        DecodedMessage(
            line: "\(head.status) \(head.keepAlive ? "keep" : "close") \(head.framing)", status: head.status,
            fields: Self.fields(head.fields))
    }

    private static func fields(_ fields: HeaderFields) -> [[String]] {
        fields.fields.map { [fields.text($0.name), fields.text($0.value)] }
    }
}

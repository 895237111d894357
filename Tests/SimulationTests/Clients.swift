import GatewayContract
import GatewayCore
import GatewayHTTP
import GatewayTesting
import GatewayWire
import NIOCore

@testable import GatewayPipeline

/// One client with one request: sends its body in pieces, reads at its own pace, may leave at any moment.
///
/// As the sink of its exchange it refuses what no client may ever see: a second head, bytes outside an answer, anything
/// after the end. Refusals are kept in `complaint`.
final class Client: InternalSink {
    enum Ending {
        case open, ended, aborted, left
    }

    let number: Int
    let key: Landscape.Key?
    let model: ModelName
    let isStream: Bool
    let wantsUsage: Bool
    /// It sends a form, which streams through, in place of JSON.
    let form: Form?
    let generation: UInt64
    private(set) var exchange: Exchange?
    /// What of the body has not been sent; then comes the end of the request.
    private(set) var pieces: [ByteBuffer] = []
    private(set) var hasSentEnd = false
    private(set) var sentBytes = 0
    /// It is not read from just now.
    private(set) var isHeldBack = false
    private(set) var hasBeenHeldBack = false

    private(set) var ending = Ending.open
    private(set) var status: Int?
    private(set) var framing = AnswerFraming.none
    private(set) var received: [UInt8] = []
    private(set) var unflushedBytes = 0
    private(set) var complaint: String?
    /// Bytes that it has not read yet.
    private(set) var buffered = 0
    private let window: Int
    private(set) var isWritable = true
    private(set) var hasBeenBehind = false

    // What the checks have noted of it.
    var records: [UsageRecord] = []
    var hasCountedAdmission = false
    var countedAttempts = 0
    /// Answers that providers began for it, in order.
    var answers: [Answer] = []

    var tag: String { "c\(self.number)" }

    init(number: Int, generation: UInt64, random: inout SeededRandom) {
        self.number = number
        self.generation = generation
        self.key = random.oneIn(30) ? nil : Landscape.keys[random.int(0...Landscape.keys.count - 1)]
        self.model = random.oneIn(30) ? "unknown" : Landscape.models[random.int(0...Landscape.models.count - 1)]
        self.form = random.oneIn(4) ? Form(model: self.model, random: &random) : nil
        self.isStream = !random.oneIn(3) && self.form == nil
        self.wantsUsage = random.oneIn(2)
        self.window = random.oneIn(3) ? random.int(200...800) : Int.max
        self.cut(self.form?.text ?? self.json(&random), &random)
    }

    private func json(_ random: inout SeededRandom) -> String {
        var text = #"{"model":"\#(self.model)","messages":[{"role":"user","content":""#
        text += String(repeating: "x", count: random.oneIn(20) ? 2500 : random.int(0...900)) + #""}]"#
        if random.oneIn(2) { text += #","max_tokens":\#(random.int(1...400))"# }
        if self.isStream { text += #","stream":true"# }
        if self.isStream, self.wantsUsage { text += #","stream_options":{"include_usage":true}"# }
        return text + (random.oneIn(40) ? "," : "}")
    }

    private func cut(_ text: String, _ random: inout SeededRandom) {
        var rest = ByteBuffer(string: text)
        while rest.readableBytes > 0, let piece = rest.readSlice(length: min(rest.readableBytes, random.int(1...1200)))
        {
            self.pieces.append(piece)
        }
    }

    var isLive: Bool { self.exchange.map { !$0.machine.isOver } ?? false }
    var isSending: Bool { self.ending == .open && !self.hasSentEnd && !self.isHeldBack }
    var isBehind: Bool { self.ending == .open && !self.isWritable }

    // MARK: What it does

    func connect(to loop: LoopState) {
        let exchange = Exchange(loop: loop, sink: .internal(self))
        self.exchange = exchange
        let secret = self.key?.secret ?? Landscape.unknownSecret
        let count = self.pieces.reduce(0) { $0 + $1.readableBytes }
        let path = self.form == nil ? "chat/completions" : "audio/transcriptions"
        let type = self.form == nil ? "application/json" : "multipart/form-data; boundary=\(Form.boundary)"
        let framing = self.form?.isChunked == true ? "transfer-encoding: chunked" : "content-length: \(count)"
        var decoder = RequestDecoder(limits: HeadLimits(bytesMax: 8192, fieldsMax: 32))
        decoder.feed(
            ByteBuffer(
                string: """
                    POST /v1/\(path) HTTP/1.1\r
                    host: gateway.test\r
                    authorization: Bearer \(secret)\r
                    content-type: \(type)\r
                    x-request-id: \(self.tag)\r
                    \(framing)\r
                    \r\n
                    """))
        guard case .head(let head) = decoder.next() else { return self.complain("its own head is malformed") }
        exchange.requestHead(head)
    }

    /// The next piece of the body, or the end of the request. Nothing after an early answer.
    func sendOn() {
        guard self.isSending else { return }
        if self.pieces.isEmpty {
            self.hasSentEnd = true
            self.exchange?.requestEnd()
        } else {
            let piece = self.pieces.removeFirst()
            self.sentBytes += piece.readableBytes
            self.exchange?.requestBody(piece)
        }
    }

    /// What the connection reports when the body does not come.
    func stall() {
        guard self.isSending else { return }
        self.pieces = []
        self.hasSentEnd = true
        self.exchange?.requestFault(GatewayError(.requestTimeout))
    }

    func leave() {
        guard self.ending == .open else { return }
        self.ending = .left
        self.exchange?.downstreamClosed()
    }

    func shutDown() {
        guard self.ending == .open else { return }
        self.exchange?.downstreamShutdown()
    }

    /// Reads all that waits.
    func read() {
        guard self.ending == .open, !self.isWritable else { return }
        self.buffered = 0
        self.isWritable = true
        self.exchange?.downstreamWritability(true)
    }

    /// After it nothing keeps the exchange.
    func forgetExchange() { self.exchange = nil }

    // MARK: InternalSink

    func head(status: Int, fields: FieldLines, framing: AnswerFraming) {
        guard self.ending == .open, self.status == nil else { return self.complain("head in a wrong place") }
        self.status = status
        self.framing = framing
        if fields.text(named: "x-request-id") != self.tag { self.complain("the head of another request") }
        if fields.text(named: "x-penstock-generation") != String(self.generation) {
            self.complain("another generation than the one it began with")
        }
    }

    func body(_ bytes: ByteBuffer) {
        guard self.ending == .open, self.status != nil else { return self.complain("body in a wrong place") }
        self.received.append(contentsOf: bytes.readableBytesView)
        self.unflushedBytes += bytes.readableBytes
        self.buffered += bytes.readableBytes
        if case .length(let count) = self.framing, self.received.count > count {
            self.complain("more bytes than its head said")
        }
        guard self.isWritable, self.buffered > self.window else { return }
        self.isWritable = false
        self.hasBeenBehind = true
        self.exchange?.downstreamWritability(false)
    }

    func flush() { self.unflushedBytes = 0 }

    func pauseRequest() {
        self.isHeldBack = true
        self.hasBeenHeldBack = true
    }

    func resumeRequest() { self.isHeldBack = false }

    func end() {
        guard self.ending == .open, self.status != nil else { return self.complain("end in a wrong place") }
        self.ending = .ended
        self.unflushedBytes = 0
        if case .length(let count) = self.framing, self.received.count != count {
            self.complain("\(self.received.count) bytes of the \(count) that its head said")
        }
    }

    func abort(_ reason: AbortReason) {
        guard self.ending == .open, self.status != nil else { return self.complain("abort in a wrong place") }
        self.ending = .aborted
        self.unflushedBytes = 0
    }

    private func complain(_ text: String) {
        if self.complaint == nil { self.complaint = text }
    }
}

/// A form with a file, in any order of its parts, sometimes with a fault in it.
struct Form {
    static let boundary = "cut-here"

    let isChunked: Bool
    private let parts: [String]
    private let modelPlace: Int
    private let end: String
    /// No provider may get it as a whole.
    let isFaulty: Bool

    init(model: ModelName, random: inout SeededRandom) {
        let file = String(repeating: "x", count: random.oneIn(20) ? 2500 : random.int(0...1400))
        var parts = [
            Self.part("model", model.text), Self.part("file\"; filename=\"a.wav", file),
            Self.part("prompt", "word"),
        ]
        self.modelPlace = random.int(0...2)
        parts.swapAt(0, self.modelPlace)
        let end = "--\(Self.boundary)--\r\n"
        let fault = random.int(0...40)
        switch fault {
        case 0: parts.append(Self.part("model", "solo"))
        case 1: parts.append(Self.part("file_id", "file-1"))
        default: break
        }
        self.parts = parts
        self.end = fault == 2 ? "" : fault == 3 ? end + "more" : end
        self.isFaulty = fault <= 3
        self.isChunked = random.oneIn(2)
    }

    var text: String { self.parts.joined() + self.end }

    private static func part(_ name: String, _ value: String) -> String {
        "--\(Self.boundary)\r\ncontent-disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
    }

    /// What the provider of a deployment gets.
    func sentOn(as upstream: String) -> String {
        self.parts.map { $0 == self.parts[self.modelPlace] ? Self.part("model", upstream) : $0 }.joined() + self.end
    }
}

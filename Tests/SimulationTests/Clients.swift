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
    let generation: UInt64
    private(set) var exchange: Exchange?
    /// What of the body has not been sent; then comes the end of the request.
    private(set) var pieces: [ByteBuffer] = []
    private(set) var hasSentEnd = false
    private(set) var sentBytes = 0

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
        self.isStream = !random.oneIn(3)
        self.wantsUsage = random.oneIn(2)
        self.window = random.oneIn(3) ? random.int(200...800) : Int.max
        self.cutBody(&random)
    }

    private func cutBody(_ random: inout SeededRandom) {
        var text = #"{"model":"\#(self.model)","messages":[{"role":"user","content":""#
        text += String(repeating: "x", count: random.oneIn(20) ? 2500 : random.int(0...900)) + #""}]"#
        if random.oneIn(2) { text += #","max_tokens":\#(random.int(1...400))"# }
        if self.isStream { text += #","stream":true"# }
        if self.isStream, self.wantsUsage { text += #","stream_options":{"include_usage":true}"# }
        text += random.oneIn(40) ? "," : "}"
        var rest = ByteBuffer(string: text)
        while rest.readableBytes > 0, let piece = rest.readSlice(length: min(rest.readableBytes, random.int(1...1200)))
        {
            self.pieces.append(piece)
        }
    }

    var isLive: Bool { self.exchange.map { !$0.machine.isOver } ?? false }
    var isSending: Bool { self.ending == .open && !self.hasSentEnd }
    var isBehind: Bool { self.ending == .open && !self.isWritable }

    // MARK: What it does

    func connect(to loop: LoopState) {
        let exchange = Exchange(loop: loop, sink: .internal(self))
        self.exchange = exchange
        let secret = self.key?.secret ?? Landscape.unknownSecret
        let count = self.pieces.reduce(0) { $0 + $1.readableBytes }
        var decoder = RequestDecoder(limits: HeadLimits(bytesMax: 8192, fieldsMax: 32))
        decoder.feed(
            ByteBuffer(
                string: """
                    POST /v1/chat/completions HTTP/1.1\r
                    host: gateway.test\r
                    authorization: Bearer \(secret)\r
                    content-type: application/json\r
                    x-request-id: \(self.tag)\r
                    content-length: \(count)\r
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

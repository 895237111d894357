import GatewayCore
import GatewayHTTP
import GatewayWire
import NIOCore

/// What an operator's request is answered with.
///
/// `status` is 200 to 599, `contentType` the value of that field, `body` all of the bytes: they go out with their
/// length and with `cache-control: no-store`.
public struct AdminAnswer: Sendable {
    public var status: Int
    public var contentType: String
    public var body: [UInt8]

    public init(status: Int, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// RFC 9457.
    public static func problem(_ status: Int, _ title: String) -> AdminAnswer {
        let body =
            "{\"type\":\"about:blank\",\"title\":\(String(decoding: JSONText.quote(title), as: UTF8.self)),"
            + "\"status\":\(status)}\n"
        return AdminAnswer(status: status, contentType: "application/problem+json", body: Array(body.utf8))
    }
}

/// Answers operators' requests: method and path in, answer out. Called on the admin connection's loop; the answer may
/// come from any thread.
public protocol AdminResponder: Sendable {
    func answer(_ method: HTTPMethod, path: String, on eventLoop: any EventLoop) -> EventLoopFuture<AdminAnswer>
}

/// The small HTTP responder of the admin listener and of the control socket, in every role.
public final class AdminFactory: ExchangeFactory {
    private let responder: any AdminResponder
    private let eventLoop: any EventLoop

    /// - Parameter eventLoop: the one that its connections live on; answers hop to it.
    public init(responder: any AdminResponder, eventLoop: any EventLoop) {
        self.responder = responder
        self.eventLoop = eventLoop
    }

    /// One operator's request. Called on the connection's loop.
    public func makeExchange(_ sink: DownstreamSink) -> any DownstreamExchange {
        AdminExchange(responder: self.responder, eventLoop: self.eventLoop, sink: sink)
    }

    /// Always: health and metrics are answered through a drain.
    public var acceptsMore: Bool { true }
}

/// One operator's request. Bodies are read and ignored.
final class AdminExchange: DownstreamExchange {
    private let responder: any AdminResponder
    private let eventLoop: any EventLoop
    private let sink: DownstreamSink
    private var method = HTTPMethod.get
    private var path = ""
    private var isOver = false

    init(responder: any AdminResponder, eventLoop: any EventLoop, sink: DownstreamSink) {
        self.responder = responder
        self.eventLoop = eventLoop
        self.sink = sink
    }

    func requestHead(_ head: RequestHead) {
        self.method = head.method
        self.path = head.fields.text(head.path)
    }

    func requestBody(_ bytes: ByteBuffer) {}

    func requestEnd() {
        let exchange = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.responder.answer(self.method == .head ? .get : self.method, path: self.path, on: self.eventLoop)
            .hop(to: self.eventLoop)
            .whenComplete { result in
                switch result {
                case .success(let answer): exchange.value.send(answer)
                case .failure: exchange.value.send(.problem(500, "The gateway made an error"))
                }
            }
    }

    func requestFault(_ error: GatewayError) {
        self.send(.problem(error.status, error.message))
    }

    func downstreamWritability(_ isWritable: Bool) {}

    func downstreamShutdown() {}

    func downstreamClosed() {
        self.isOver = true
    }

    private func send(_ answer: AdminAnswer) {
        guard !self.isOver else { return }
        self.isOver = true
        var fields = FieldLines()
        fields.append(.contentType, answer.contentType)
        fields.append(.cacheControl, "no-store")
        self.sink.head(status: answer.status, fields: fields, framing: .length(answer.body.count))
        self.sink.body(ByteBuffer(bytes: answer.body))
        self.sink.end()
    }
}

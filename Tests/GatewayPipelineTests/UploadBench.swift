import GatewayContract
import GatewayCore
import GatewayHTTP
import GatewayTelemetry
import GatewayWire
import NIOCore
import NIOEmbedded
import Synchronization

@testable import GatewayPipeline
@testable import GatewayPolicy
@testable import GatewayUpstream

/// One loop, one client and a provider in memory; time stands still unless the test moves it.
final class UploadBench {
    static let secret = "sk-test-upload-0000000000000000"
    static let boundary = "cut-here"
    static let replayBytesMax = 1000

    let loop = EmbeddedEventLoop()
    let shared = SharedState(limits: LimitSlab(capacity: 16), pepper: [UInt8](repeating: 7, count: 32))
    let provider: Provider
    let client = Client()
    private let clock = Clock()
    private let state: LoopState
    private(set) var records: [UsageRecord] = []
    private(set) var exchange: Exchange?

    init?() {
        let provider = Provider(loop: self.loop)
        self.provider = provider
        guard let log = try? LogWriter(output: .off) else { return nil }
        let clock = self.clock
        let pool = UpstreamPool(
            loop: self.loop, resolver: NameResolver(threads: 1), tls: TLSContexts(), settings: .init(),
            dialer: UpstreamDialer { _, _, _, prepare in provider.accept(prepare) }, clock: { clock.now })
        self.state = LoopState(
            eventLoop: self.loop, shared: self.shared, pool: pool, accessLog: log, loopCount: 1, seed: 1,
            clock: { clock.now })
        self.state.replayBytesMax = Self.replayBytesMax
        self.state.onRecord = { [unowned self] in self.records.append($0) }
        guard
            let routing = try? SnapshotCompiler.compile(Self.desired, generation: 1, limits: self.shared.limits).get(),
            let keys = try? KeyTable.compile(
                [KeySpec(name: "dev", secret: Secret(Self.secret), limits: LimitSpec(concurrency: 9))],
                pepper: self.shared.pepper, limits: self.shared.limits
            ).get()
        else { return nil }
        self.state.adopt(routing, keys: keys)
    }

    private static var desired: DesiredState {
        DesiredState(
            revision: "test", server: ServerSettings(),
            providers: [
                ProviderSpec(
                    name: "mock", type: .openaiCompatible,
                    baseURL: BaseURL(tls: false, host: "192.0.2.1", port: 80, path: "/v1"),
                    timeouts: UpstreamTimeouts(
                        connect: .seconds(1), head: .seconds(2), firstContent: .seconds(2), interContent: .seconds(3),
                        total: .seconds(60)))
            ],
            deployments: [DeploymentSpec(name: "up", provider: "mock", upstreamModel: "upstream-model")],
            models: [ModelSpec(name: "model", target: .deployments([[Reference<DeploymentKind>("up")]]))])
    }

    // MARK: The client

    /// - Parameter length: `nil` for chunks.
    func begin(length: Int?) {
        self.client.reset()
        let exchange = Exchange(loop: self.state, sink: .internal(self.client))
        self.exchange = exchange
        var decoder = RequestDecoder(limits: HeadLimits(bytesMax: 8192, fieldsMax: 32))
        decoder.feed(
            ByteBuffer(
                string: """
                    POST /v1/audio/transcriptions HTTP/1.1\r
                    host: gateway.test\r
                    authorization: Bearer \(Self.secret)\r
                    content-type: multipart/form-data; boundary=\(Self.boundary)\r
                    \(length.map { "content-length: \($0)" } ?? "transfer-encoding: chunked")\r
                    \r\n
                    """))
        if case .head(let head) = decoder.next() { exchange.requestHead(head) }
        self.loop.run()
    }

    func send(_ text: String) {
        self.exchange?.requestBody(ByteBuffer(string: text))
        self.loop.run()
    }

    func end() {
        self.exchange?.requestEnd()
        self.loop.run()
    }

    func leave() {
        self.exchange?.downstreamClosed()
        self.loop.run()
    }

    // MARK: Time

    func pass(_ span: TimeSpan) {
        self.clock.advance(by: span)
        self.state.tick(at: self.clock.now)
        self.loop.run()
    }

    final class Clock: Sendable {
        private let nanoseconds = Atomic<Int64>(1_000_000_000_000)

        var now: MonotonicTime { MonotonicTime(nanoseconds: self.nanoseconds.load(ordering: .relaxed)) }
        func advance(by span: TimeSpan) { self.nanoseconds.wrappingAdd(span.nanoseconds, ordering: .relaxed) }
    }

    // MARK: Parts of a form

    static func part(_ name: String, _ value: String) -> String {
        "--\(Self.boundary)\r\ncontent-disposition: form-data; name=\(name)\r\n\r\n\(value)\r\n"
    }

    static let model = UploadBench.part("model", "model")
    static let modelSentOn = UploadBench.part("model", "upstream-model")
    static let fileHead = "--\(UploadBench.boundary)\r\ncontent-disposition: form-data; name=file; filename=a\r\n\r\n"
    static let formEnd = "\r\n--\(UploadBench.boundary)--\r\n"
}

/// What the client sees.
final class Client: InternalSink {
    private(set) var status: Int?
    private(set) var body = ""
    private(set) var hasEnded = false
    private(set) var isHeldBack = false
    let isWritable = true

    func reset() {
        self.status = nil
        self.body = ""
        self.hasEnded = false
    }

    func head(status: Int, fields: FieldLines, framing: AnswerFraming) { self.status = status }
    func body(_ bytes: ByteBuffer) { self.body += String(buffer: bytes) }
    func end() { self.hasEnded = true }
    func abort(_ reason: AbortReason) { self.hasEnded = true }
    func pauseRequest() { self.isHeldBack = true }
    func resumeRequest() { self.isHeldBack = false }
}

/// The far ends of all connections that the pool has opened.
final class Provider {
    private let loop: EmbeddedEventLoop
    private(set) var ends: [End] = []
    /// Whether new connections take bytes.
    var readsFromTheStart = true

    init(loop: EmbeddedEventLoop) {
        self.loop = loop
    }

    func accept(_ prepare: UpstreamDialer.Preparation) -> EventLoopFuture<any Channel> {
        let end = End()
        self.ends.append(end)
        let channel = EmbeddedChannel(handlers: [end], loop: self.loop)
        end.channel = channel
        channel.isWritable = self.readsFromTheStart
        _ = prepare(channel)
        if let address = try? SocketAddress(ipAddress: "192.0.2.1", port: 80) {
            channel.connect(to: address, promise: nil)
        }
        return self.loop.makeSucceededFuture(channel)
    }

    /// The last handler before the wire.
    final class End: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        var channel: EmbeddedChannel?
        private(set) var head = ""
        private var written = ""
        private(set) var isClosed = false

        /// What came behind the head since the last call.
        func takeBody() -> String {
            if self.head.isEmpty { (self.head, self.written) = self.written.components("\r\n\r\n") }
            defer { self.written = "" }
            return self.written
        }

        func forgetRequest() {
            _ = self.takeBody()
            self.head = ""
        }

        func setReading(_ reads: Bool) {
            self.channel?.isWritable = reads
            self.channel?.pipeline.fireChannelWritabilityChanged()
        }

        func answer(_ text: String) {
            self.channel?.pipeline.syncOperations.fireChannelRead(NIOAny(ByteBuffer(string: text)))
            self.channel?.pipeline.syncOperations.fireChannelReadComplete()
        }

        func close() { self.channel?.close(promise: nil) }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            self.written += String(buffer: Self.unwrapOutboundIn(data))
            promise?.succeed(())
        }

        func flush(context: ChannelHandlerContext) {}

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            self.isClosed = true
            context.close(mode: mode, promise: promise)
        }
    }
}

extension String {
    /// What stands before and behind the first occurrence of `mark`.
    fileprivate func components(_ mark: String) -> (String, String) {
        let (bytes, mark) = (Array(self.utf8), Array(mark.utf8))
        for place in bytes.indices where bytes[place...].starts(with: mark) {
            return (
                String(decoding: bytes[..<place], as: UTF8.self),
                String(decoding: bytes[(place + mark.count)...], as: UTF8.self)
            )
        }
        return (self, "")
    }
}

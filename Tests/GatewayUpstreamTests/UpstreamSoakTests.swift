import GatewayCore
import GatewayTesting
import NIOCore
import NIOPosix
import Testing

@testable import GatewayUpstream

/// What the server does with a request; the request's path carries it.
private enum Behaviour: Int, CaseIterable {
    case length, chunked, interim, closes, lastOne, surplus, vanishes, cut, garbage, slow
}

/// Answers each request with its own path as the body, in the way the path asks for.
private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var text = ""

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.text += String(buffer: Self.unwrapInboundIn(data))
        while let end = self.text.firstRange(of: "\r\n\r\n") {
            let path = self.text.split(separator: " ")[1]
            self.text.removeSubrange(..<end.upperBound)
            self.answer(String(path), context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ path: String, _ context: ChannelHandlerContext) {
        let whole = "HTTP/1.1 200 OK\r\ncontent-length: \(path.utf8.count)\r\n\r\n\(path)"
        let behaviour = path.split(separator: "-").last.flatMap { Int($0) }.flatMap(Behaviour.init) ?? .length
        switch behaviour {
        case .length: self.send(whole, context)
        case .chunked:
            let size = String(path.utf8.count, radix: 16)
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
            self.send("\(head)\(size)\r\n\(path)\r\n0\r\n\r\n", context)
        case .interim: self.send("HTTP/1.1 100 Continue\r\n\r\n" + whole, context)
        case .closes:
            self.send("HTTP/1.1 200 OK\r\n\r\n\(path)", context)
            context.close(promise: nil)
        case .lastOne:
            self.send(whole, context)
            context.close(promise: nil)
        case .surplus: self.send(whole + whole, context)
        case .vanishes: context.close(promise: nil)
        case .cut:
            self.send(String(whole.dropLast(3)), context)
            context.close(promise: nil)
        case .garbage: self.send("garbage\r\n\r\n", context)
        case .slow:
            let rest = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            self.send(String(whole.prefix(20)), context)
            context.eventLoop.scheduleTask(in: .milliseconds(1)) {
                let (handler, context) = rest.value
                handler.send(String(whole.dropFirst(20)), context)
            }
        }
    }

    private func send(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
}

@Suite struct UpstreamSoakTests {
    /// Many exchanges over few connections to a server that misbehaves in every way it can: each ends exactly once,
    /// nobody gets another's answer (fault 18), no lease is left over.
    @Test(arguments: [UInt64(1), 2, 3]) func everyExchangeEndsOnceWithItsOwnAnswer(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let driver = try await PoolDriver()
        let server = try await ServerBootstrap(group: driver.group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EchoHandler())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let endpoint = UpstreamEndpoint(
            host: "127.0.0.1", port: server.localAddress?.port ?? 0, tls: false, connectionsMax: 4)
        try await driver.adopt(endpoint)
        var running: [(path: String, behaviour: Behaviour, log: TestLog)] = []
        for number in 0..<400 {
            let behaviour = Behaviour(rawValue: random.int(0...(Behaviour.allCases.count - 1))) ?? .length
            let path = "/\(number)-\(behaviour.rawValue)"
            let log = try await driver.start(
                endpoint, request: ["GET \(path) HTTP/1.1\r\nhost: test\r\n\r\n"], fresh: random.oneIn(5),
                connectTimeout: .seconds(30))
            running.append((path, behaviour, log))
            if running.count - running.count(where: { $0.log.now.isOver }) > 24 {
                try await eventually { [running] in running.count(where: { !$0.log.now.isOver }) < 12 }
            }
        }
        for (path, behaviour, log) in running {
            try await eventually { log.now.isOver }
            let transcript = log.now
            #expect(transcript.ends == 1 && transcript.late == 0)
            #expect(transcript.error == nil, "\(path): \(transcript.events)")
            self.check(transcript, path, behaviour)
        }
        try await eventually { try await driver.counts().leased == 0 }
        #expect(try await driver.counts().waiting == 0)
        try await server.close().get()
        try await driver.stop()
    }

    private func check(_ transcript: Transcript, _ path: String, _ behaviour: Behaviour) {
        // The server may have closed while the connection lay in the pool; then nothing at all has come.
        if transcript.events.first == "reused", transcript.fault?.anyByteArrived == false { return }
        switch behaviour {
        case .vanishes: #expect(transcript.fault?.code == .upstreamReset, "\(path)")
        case .cut: #expect(transcript.fault?.code == .upstreamTruncated, "\(path)")
        case .garbage: #expect(transcript.fault?.code == .upstreamGarbage, "\(path)")
        default:
            #expect(transcript.has("end"), "\(path): \(transcript.events) \(String(describing: transcript.fault))")
            #expect(transcript.body == Array(path.utf8), "\(path)")
        }
    }
}

import GatewayHTTP
import Glibc
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

/// Guarantee: bytes arrive whole and in order, whoever sends them, and a socket that takes no more holds the writer
/// back by the channel's own water marks.
@Suite struct SocketWriterTests {
    /// The writer's end of a connection: the test steps it on its loop.
    private final class Writing: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let writer = SocketWriter()
        let isPlain: Bool
        var context: ChannelHandlerContext?

        init(isPlain: Bool) {
            self.isPlain = isPlain
        }

        func handlerAdded(context: ChannelHandlerContext) {
            self.context = context
            self.writer.attach(to: context, isPlain: self.isPlain)
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.writer.detach()
            context.fireChannelInactive()
        }
    }

    /// The peer: a blocking socket of the test's own thread.
    private struct Pair {
        let group: MultiThreadedEventLoopGroup
        let channel: any Channel
        let writing: NIOLoopBound<Writing>
        let peer: CInt

        static func make(isPlain: Bool) throws -> Pair {
            var descriptors: [CInt] = [0, 0]
            #expect(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &descriptors) == 0)
            let own = descriptors[0]
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let loop = group.next()
            let (channel, writing) = try loop.submit { () -> EventLoopFuture<(any Channel, NIOLoopBound<Writing>)> in
                let handler = NIOLoopBound(Writing(isPlain: isPlain), eventLoop: loop)
                return ClientBootstrap(group: loop)
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(handler.value)
                        }
                    }
                    .withConnectedSocket(own)
                    .map { ($0, handler) }
            }.flatMap { $0 }.wait()
            return Pair(group: group, channel: channel, writing: writing, peer: descriptors[1])
        }

        func onLoop<R: Sendable>(_ body: @escaping @Sendable (Writing) -> R) throws -> R {
            let writing = self.writing
            return try self.channel.eventLoop.submit { body(writing.value) }.wait()
        }

        func read(_ count: Int) -> [UInt8] {
            var bytes: [UInt8] = []
            var part = [UInt8](repeating: 0, count: 65536)
            while bytes.count < count {
                let got = Glibc.read(self.peer, &part, min(part.count, count - bytes.count))
                guard got > 0 else { break }
                bytes += part[..<got]
            }
            return bytes
        }

        func end() throws {
            _ = close(self.peer)
            try? self.channel.close().wait()
            try self.group.syncShutdownGracefully()
        }
    }

    private static func pattern(_ count: Int, from start: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 + start) &* 31 >> 3) }
    }

    @Test(arguments: [true, false])
    func piecesArriveInOrder(isPlain: Bool) throws {
        let pair = try Pair.make(isPlain: isPlain)
        let wanted = Self.pattern(600, from: 0)
        try pair.onLoop { writing in
            for start in stride(from: 0, to: 600, by: 100) {
                writing.writer.write(ByteBuffer(bytes: wanted[start..<(start + 100)]))
                if start == 200 { writing.writer.flush() }
            }
            #expect(writing.writer.isUnflushed)
            writing.writer.flush()
            #expect(!writing.writer.isUnflushed)
        }
        #expect(pair.read(600) == wanted)
        try pair.end()
    }

    /// Nothing overtakes what a full socket left to the channel, and later writes are in place again.
    @Test func aFullSocketKeepsTheOrder() throws {
        let pair = try Pair.make(isPlain: true)
        let count = 4 << 20
        let wanted = Self.pattern(count, from: 7)
        let isWritable = try pair.onLoop { writing in
            for start in stride(from: 0, to: count, by: 8192) {
                writing.writer.write(ByteBuffer(bytes: wanted[start..<(start + 8192)]))
                writing.writer.flush()
            }
            return writing.context?.channel.isWritable ?? true
        }
        #expect(!isWritable)
        #expect(pair.read(count) == wanted)
        while try !pair.onLoop({ $0.context?.channel.isWritable ?? true }) {}
        try pair.onLoop { writing in
            writing.writer.write(ByteBuffer(string: "end"))
            writing.writer.flush()
        }
        #expect(pair.read(3) == Array("end".utf8))
        try pair.end()
    }

    /// A peer that is gone closes the channel; no signal ends the process.
    @Test func aGonePeerClosesTheChannel() throws {
        let pair = try Pair.make(isPlain: true)
        _ = close(pair.peer)
        try pair.onLoop { writing in
            for _ in 0..<3 {
                writing.writer.write(ByteBuffer(string: "into the void"))
                writing.writer.flush()
            }
        }
        try pair.channel.closeFuture.wait()
        try pair.onLoop { writing in
            writing.writer.write(ByteBuffer(string: "late"))
            writing.writer.flush()
            #expect(!writing.writer.isUnflushed)
        }
        try pair.group.syncShutdownGracefully()
    }

    /// A channel without a descriptor does all by itself.
    @Test func anEmbeddedChannelIsWrittenTo() throws {
        let writing = Writing(isPlain: true)
        let channel = EmbeddedChannel(handler: writing)
        writing.writer.write(ByteBuffer(string: "one "))
        writing.writer.write(ByteBuffer(string: "two"))
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
        writing.writer.flush()
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "one "))
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "two"))
        _ = try channel.finish()
    }
}

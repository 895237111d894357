import NIOCore

/// Tells a client that speaks HTTP in the clear to a TLS port what is wrong, with a 400 in the clear. It stands before
/// TLS, looks at the first byte and goes.
///
/// TLS begins with a record of type handshake, 22 (RFC 8446 section 5.1); a request begins with a letter. Anything else
/// is left to TLS to refuse.
final class ClearTextRefusal: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What is read and thrown away while the client reads the answer. The time is bounded by that of the handshake.
    private static let discardBytesMax = 64 << 10
    private static let text = "This port speaks HTTPS: write https:// instead of http://.\n"
    private var isRefused = false
    private var discarded = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        guard !self.isRefused else {
            self.discarded += bytes.readableBytes
            if self.discarded > Self.discardBytesMax { context.close(promise: nil) }
            return
        }
        guard let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) else { return }
        guard (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first & ~0x20) else {
            context.fireChannelRead(data)
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
            return
        }
        self.isRefused = true
        let answer = ByteBuffer(
            string: "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\n"
                + "content-length: \(Self.text.utf8.count)\r\nconnection: close\r\n\r\n\(Self.text)")
        // From here outwards: TLS is further in and sees none of it.
        context.writeAndFlush(self.wrapOutboundOut(answer), promise: nil)
        context.close(mode: .output, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !self.isRefused { context.fireChannelReadComplete() }
    }
}

import GatewayCore
import NIOCore
import NIOSSL
import NIOTLS

/// The last handler of a channel: passes its events to the connection, from the moment at which it has one.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var connection: RedisConnection?
    private var context: ChannelHandlerContext?
    private var awaitsTLS: Bool
    private let serverName: String?
    /// The server has spoken before it was asked.
    private var spokeFirst = false
    private var isOver = false
    private var channelError: (any Error)?

    /// - Parameter serverName: the name that the certificate has to have; nil for an address.
    init(awaitsTLS: Bool, serverName: String?) {
        self.awaitsTLS = awaitsTLS
        self.serverName = serverName
    }

    var isWritable: Bool { self.context?.channel.isWritable ?? false }

    /// From now on the connection hears everything, beginning with what has happened already.
    func attach(to connection: RedisConnection) {
        self.connection = connection
        if self.isOver || self.context == nil {
            connection.channelEnded(self, problem: self.problem)
        } else if self.spokeFirst {
            connection.channelSpokeFirst(self)
        } else if !self.awaitsTLS {
            connection.channelStands(self)
        }
    }

    func writeAndFlush(_ bytes: ByteBuffer) {
        self.context?.writeAndFlush(Self.wrapOutboundOut(bytes), promise: nil)
    }

    /// Closes. The connection hears nothing any more.
    func close() {
        self.connection = nil
        self.context?.close(promise: nil)
    }

    private var problem: String { self.channelError.map { "\($0)" } ?? "closed by the server" }

    // MARK: For the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if self.awaitsTLS, case .handshakeCompleted? = event as? TLSUserEvent {
            self.awaitsTLS = false
            if self.isServerNamed(context) {
                self.connection?.channelStands(self)
            } else {
                self.channelError = RedisDialFault(detail: "the certificate is for another name")
                context.close(promise: nil)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// NIOSSL has verified the chain; it accepts a certificate for the address in place of one for the name.
    private func isServerNamed(_ context: ChannelHandlerContext) -> Bool {
        guard let serverName else { return true }
        guard let leaf = try? context.channel.pipeline.syncOperations.nioSSL_peerCertificate() else { return false }
        return leaf._subjectAlternativeNames().contains { name in
            name.nameType == .dnsName && DNSNamePattern.matches(serverName, pattern: Array(name.contents))
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let connection else {
            self.spokeFirst = true
            return
        }
        connection.channelRead(self, Self.unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.connection?.channelReadComplete(self)
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if self.channelError == nil { self.channelError = error }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.isOver = true
        self.connection?.channelEnded(self, problem: self.problem)
        context.fireChannelInactive()
    }
}

import GatewayCore
import NIOCore
import NIOSSL
import NIOTLS

/// Waits for the end of a TLS handshake, and then puts the machine of the protocol that was agreed on (ALPN, RFC 7301)
/// into its own place. A handshake has the time of a request's head.
///
/// HTTP/2 would be one more entry of `protocols`, before the other, and one more `Machine`.
final class ALPNHandler: ChannelInboundHandler, RemovableChannelHandler, DeadlineOwner {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// What drives a connection after its handshake.
    enum Machine: Equatable {
        case http1
    }

    /// What is offered to clients, best first.
    static let protocols = ["http/1.1"]

    private let loop: ServerLoop
    private var context: ChannelHandlerContext?
    private var slot: DeadlineTable.Slot?

    init(loop: ServerLoop) {
        self.loop = loop
    }

    /// - Parameter agreed: `nil` when the client offered nothing, or nothing that is known here: then it is HTTP/1.1.
    /// - Returns: `nil` for what was never offered.
    static func machine(for agreed: String?) -> Machine? {
        switch agreed {
        case nil, "http/1.1": .http1
        default: nil
        }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let slot = self.loop.deadlines.register(self)
        self.slot = slot
        self.loop.deadlines.set(slot, .now() + self.loop.limits.headTimeout)
        self.loop.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.finish()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.finish()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let agreed)? = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        switch Self.machine(for: agreed) {
        case .http1: self.startHTTP1(context)
        case nil: context.close(promise: nil)
        }
    }

    /// A failed handshake: the TLS handler has told the client why, and closes.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func deadlinePassed(at now: MonotonicTime) {
        self.close()
    }

    func close() {
        self.context?.close(promise: nil)
    }

    private func startHTTP1(_ context: ChannelHandlerContext) {
        let operations = context.pipeline.syncOperations
        // With authorities the library has verified it; without, no client is asked for one.
        let certificate = (try? operations.nioSSL_peerCertificate()).flatMap { $0 }.map { ClientCertificate($0) }
        let connection = HTTP1ServerConnection(loop: self.loop, isPlain: false, clientCertificate: certificate)
        do {
            try operations.addHandler(connection, position: .after(self))
            operations.removeHandler(context: context, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    private func finish() {
        guard self.context != nil else { return }
        self.context = nil
        self.loop.remove(self)
        if let slot = self.slot { self.loop.deadlines.release(slot) }
        self.slot = nil
    }
}

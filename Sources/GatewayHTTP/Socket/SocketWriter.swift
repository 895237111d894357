import Glibc
import NIOCore

/// Writes to a plain TCP socket in place, and through the channel whatever the socket does not take at once.
///
/// Nearly every write of the data plane is small and finds room in the socket's buffer. Handing it to the kernel right
/// away saves what a channel does to remember, to look after and to forget it (docs/decisions/0009). Order is kept:
/// while the channel still holds bytes of an earlier write, everything goes behind them. Back-pressure is the
/// channel's: what is not taken counts against its water marks.
///
/// One per connection, on its loop. Not for channels that change bytes on their way (TLS): those are given `isPlain`
/// false, and then every write is the channel's.
public final class SocketWriter {
    private var context: ChannelHandlerContext?
    /// Below 0: there is none to write to in place.
    private var descriptor: CInt = -1
    /// Written last and not sent: with the next write behind it, it need not be a packet of its own.
    private var last: ByteBuffer?
    /// The channel has been given bytes since the last flush.
    private var channelIsUnflushed = false
    /// Flushes of the channel that are not through: until then nothing may overtake them.
    private var channelFlushes = 0

    /// Drops what it is given until `attach`.
    public init() {}

    /// Called once, when the handler is added.
    /// - Parameter isPlain: no other handler of the channel changes what is written.
    public func attach(to context: ChannelHandlerContext, isPlain: Bool) {
        self.context = context
        guard isPlain else { return }
        // A channel without a descriptor (in tests), or one that is closed already, does all by itself.
        let descriptor = try? context.channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { $0 }
        self.descriptor = descriptor.flatMap { $0 } ?? -1
    }

    /// Called as soon as the channel is inactive: its descriptor may be another connection's from then on.
    public func detach() {
        self.context = nil
        self.descriptor = -1
        self.last = nil
    }

    /// Whether bytes were written that no `flush` has sent.
    public var isUnflushed: Bool { self.last != nil || self.channelIsUnflushed }

    /// Adds bytes; they are sent at the latest by `flush`. Nothing after `detach`.
    public func write(_ bytes: ByteBuffer) {
        guard self.context != nil else { return }
        if let before = self.last.take() { self.pass(before, isLast: false) }
        self.last = bytes
    }

    /// The same as `write` and then `flush`.
    public func writeAndFlush(_ bytes: ByteBuffer) {
        guard self.context != nil else { return }
        guard self.last == nil, !self.channelIsUnflushed else {
            self.write(bytes)
            return self.flush()
        }
        self.pass(bytes, isLast: true)
        if self.channelIsUnflushed { self.flush() }
    }

    /// Sends what was written. An error of the socket is left for the channel to find, which closes then.
    public func flush() {
        guard self.context != nil else { return }
        if let bytes = self.last.take() { self.pass(bytes, isLast: true) }
        guard self.channelIsUnflushed else { return }
        self.channelIsUnflushed = false
        self.context?.flush()
    }

    private func pass(_ bytes: ByteBuffer, isLast: Bool) {
        guard self.descriptor >= 0, self.channelFlushes == 0, !self.channelIsUnflushed else {
            return self.passToChannel(bytes, isLast: isLast)
        }
        let count = self.send(bytes, isLast: isLast)
        guard count < bytes.readableBytes else { return }
        self.passToChannel(bytes.dropping(count), isLast: isLast)
    }

    private func passToChannel(_ bytes: ByteBuffer, isLast: Bool) {
        guard let context = self.context else { return }
        self.channelIsUnflushed = true
        guard isLast, self.descriptor >= 0 else {
            return context.write(NIOAny(bytes), promise: nil)
        }
        let written = context.eventLoop.makePromise(of: Void.self)
        self.channelFlushes += 1
        written.futureResult.assumeIsolated().whenComplete { _ in self.channelFlushes -= 1 }
        context.write(NIOAny(bytes), promise: written)
    }

    /// - Returns: how many bytes the socket took: all, some, or 0 when it is full or broken.
    private func send(_ bytes: ByteBuffer, isLast: Bool) -> Int {
        let flags = CInt(MSG_NOSIGNAL | MSG_DONTWAIT | (isLast ? 0 : MSG_MORE))
        return bytes.withUnsafeReadableBytes { raw in
            guard raw.count > 0 else { return 0 }
            while true {
                let count = Glibc.send(self.descriptor, raw.baseAddress, raw.count, flags)
                if count >= 0 { return count }
                if errno != EINTR { return 0 }
            }
        }
    }
}

extension ByteBuffer {
    fileprivate func dropping(_ count: Int) -> ByteBuffer {
        var rest = self
        rest.moveReaderIndex(forwardBy: count)
        return rest
    }
}

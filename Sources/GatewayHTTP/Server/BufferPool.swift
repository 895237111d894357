import NIOCore

/// Output buffers of one loop, lent to a connection from its first byte of output to the flush.
///
/// An idle connection so holds none. A buffer is cleared when it is lent again, when whoever wrote it has let go of it;
/// NIO still owning its bytes then costs one fresh allocation, never a wrong byte.
public final class BufferPool {
    private var buffers: [ByteBuffer] = []
    private let allocator = ByteBufferAllocator()
    private static let keptMax = 16
    private static let initialBytes = 4096
    private static let keptBytesMax = 64 << 10

    /// Keeps nothing yet; up to 16 buffers come back to it.
    public init() {}

    /// An empty buffer: the one that came back last, or a new one of 4 KiB.
    public func take() -> ByteBuffer {
        guard var buffer = self.buffers.popLast() else {
            return self.allocator.buffer(capacity: Self.initialBytes)
        }
        buffer.clear()
        return buffer
    }

    /// Takes a buffer back, whatever is in it. One that has grown beyond 64 KiB, or finds the pool full, is let go.
    public func give(_ buffer: consuming ByteBuffer) {
        guard self.buffers.count < Self.keptMax, buffer.capacity <= Self.keptBytesMax else { return }
        self.buffers.append(buffer)
    }
}

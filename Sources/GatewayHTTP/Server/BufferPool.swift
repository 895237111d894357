import NIOCore

/// Output buffers of one loop, lent to a connection from its first byte of output to the flush.
///
/// An idle connection so holds none. A buffer that is given back is cleared; NIO still owning its bytes then costs one
/// fresh allocation, never a wrong byte.
public final class BufferPool {
    private var buffers: [ByteBuffer] = []
    private let allocator = ByteBufferAllocator()
    private static let keptMax = 16
    private static let initialBytes = 4096
    private static let keptBytesMax = 64 << 10

    public init() {}

    public func take() -> ByteBuffer {
        self.buffers.popLast() ?? self.allocator.buffer(capacity: Self.initialBytes)
    }

    public func give(_ buffer: consuming ByteBuffer) {
        guard self.buffers.count < Self.keptMax, buffer.capacity <= Self.keptBytesMax else { return }
        buffer.clear()
        self.buffers.append(buffer)
    }
}

import NIOCore

/// The body of one message: lengths, chunks with their trailer section, or everything up to the end of the connection.
struct BodyReader: Sendable {
    enum Step: Sendable {
        case needMore
        case bytes(ByteBuffer)
        case end
    }

    private enum Phase: Sendable {
        case length(Int64)
        case chunks
        case trailers
        case untilClose
    }

    private var phase: Phase
    private var chunked = ChunkedBody()

    init(_ framing: BodyFraming) {
        switch framing {
        case .none: self.phase = .length(0)
        case .length(let count): self.phase = .length(count)
        case .chunked: self.phase = .chunks
        case .untilClose: self.phase = .untilClose
        }
    }

    var isUntilClose: Bool {
        if case .untilClose = self.phase { true } else { false }
    }

    /// Takes the next piece off `pending`. Data is a slice of it, never a copy.
    ///
    /// - Parameter parser: the one of the head, which is done; it reads the trailer section if there is one.
    mutating func next(
        _ pending: inout ByteBuffer, _ limits: HeadLimits, _ parser: inout HeadParser
    ) throws(Breach) -> Step {
        switch self.phase {
        case .length(let remaining):
            guard remaining > 0 else { return .end }
            guard let bytes = Self.slice(&pending, atMost: remaining) else { return .needMore }
            self.phase = .length(remaining - Int64(bytes.readableBytes))
            return .bytes(bytes)
        case .untilClose:
            guard let bytes = Self.slice(&pending, atMost: .max) else { return .needMore }
            return .bytes(bytes)
        case .chunks:
            return try self.nextOfChunks(&pending, limits, &parser)
        case .trailers:
            return try self.nextOfTrailers(&pending, limits, &parser)
        }
    }

    private mutating func nextOfChunks(
        _ pending: inout ByteBuffer, _ limits: HeadLimits, _ parser: inout HeadParser
    ) throws(Breach) -> Step {
        guard pending.readableBytes > 0 else { return .needMore }
        switch try Self.read(pending, { bytes throws(Breach) in try self.chunked.step(bytes) }) {
        case .needMore:
            pending = ByteBuffer()
            return .needMore
        case .data(let framing):
            pending.moveReaderIndex(forwardBy: framing)
            if let bytes = self.lastChunkOfRead(&pending) { return .bytes(bytes) }
            guard let bytes = Self.slice(&pending, atMost: self.chunked.dataRemaining) else { return .needMore }
            self.chunked.take(bytes.readableBytes)
            return .bytes(bytes)
        case .lastChunk(let framing):
            pending.moveReaderIndex(forwardBy: framing)
            self.phase = .trailers
            parser = HeadParser(.trailers)
            return try self.nextOfTrailers(&pending, limits, &parser)
        }
    }

    /// A chunk that is the last of what came, as the events of a stream mostly are: handed over whole, without a slice.
    @inline(__always)
    private mutating func lastChunkOfRead(_ pending: inout ByteBuffer) -> ByteBuffer? {
        let count = Int(truncatingIfNeeded: self.chunked.dataRemaining)
        guard count > 0, count == pending.readableBytes &- 2 else { return nil }
        let end = pending.readerIndex &+ count
        guard let carriageReturn = pending.getInteger(at: end, as: UInt8.self),
            let lineFeed = pending.getInteger(at: end &+ 1, as: UInt8.self)
        else { return nil }
        self.chunked.take(count)
        // Another end is found to be wrong once the data is handed on, as everywhere.
        guard self.chunked.takeLineEnd((carriageReturn, lineFeed)) else { return pending.readSlice(length: count) }
        var bytes = ByteBuffer()
        swap(&bytes, &pending)
        bytes.moveWriterIndex(to: end)
        return bytes
    }

    private mutating func nextOfTrailers(
        _ pending: inout ByteBuffer, _ limits: HeadLimits, _ parser: inout HeadParser
    ) throws(Breach) -> Step {
        let count = try Self.read(pending) { bytes throws(Breach) in try parser.advance(bytes, limits) }
        guard count >= 0 else { return .needMore }
        pending.moveReaderIndex(forwardBy: count)
        self.phase = .length(0)
        return .end
    }

    @inline(__always)
    private static func slice(_ pending: inout ByteBuffer, atMost count: Int64) -> ByteBuffer? {
        let available = pending.readableBytes
        guard available > 0 else { return nil }
        if Int64(available) > count { return pending.readSlice(length: Int(count)) }
        let all = pending
        pending = ByteBuffer()
        return all
    }

    /// `withUnsafeReadableBytes` with the error's type kept.
    @inline(__always)
    static func read<Result>(
        _ buffer: ByteBuffer, _ body: (UnsafeRawBufferPointer) throws(Breach) -> Result
    ) throws(Breach) -> Result {
        let outcome = buffer.withUnsafeReadableBytes { bytes -> Swift.Result<Result, Breach> in
            do throws(Breach) {
                return .success(try body(bytes))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}

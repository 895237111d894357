import CZlib

/// Why an encoded body cannot be decoded. Every later `feed` fails alike.
public enum InflateFault: Error, Equatable, Sendable {
    /// Not the format it claims to be, a wrong checksum, a preset dictionary, or bytes after the end.
    case malformed
    /// More bytes than `outputBytesMax`, or more than `ratioMax` times the bytes fed.
    case tooLarge
    /// zlib cannot serve this format or has no memory.
    case unsupported
}

/// The content codings that are decoded.
public enum InflateFormat: Sendable, Equatable {
    /// RFC 1952; several members in a row are one body.
    case gzip
    /// RFC 1950 (zlib), or bare RFC 1951 as some senders do, told apart by the first two bytes.
    case deflate

    /// By the value of a `Content-Encoding` field with one coding; `nil` for any other coding or a list.
    public init?(contentEncoding: UnsafeRawBufferPointer) {
        switch String(decoding: contentEncoding, as: UTF8.self).lowercased() {
        case "gzip", "x-gzip": self = .gzip
        case "deflate": self = .deflate
        default: return nil
        }
    }
}

/// Decodes one body that comes in chunks, in bounded memory (about 80 KiB).
///
/// Used by one exchange on one loop. A truncated body is no fault of `feed`: ask `isFinished` at its end.
public final class Inflater {
    /// Below this many bytes of output the ratio is not judged: short texts of one letter compress well.
    private static let ratioFreeBytes = 64 << 10
    private static let bufferBytes = 32 << 10

    private let format: InflateFormat
    private let outputBytesMax: Int
    private let ratioMax: Int
    /// zlib keeps its address, so it never moves.
    private let stream: UnsafeMutablePointer<z_stream>
    private let buffer: UnsafeMutableRawBufferPointer
    private var isOpen = false
    private var fault: InflateFault?
    /// A first byte that waits for the second one, by which the kind of `deflate` is told.
    private var firstByte: UInt8?
    private var inputBytes = 0
    private var outputBytes = 0

    /// Whether the input so far is complete: at least one member came and none is unfinished.
    public private(set) var isFinished = false

    /// - Parameters:
    ///   - outputBytesMax: the most bytes ever handed out.
    ///   - ratioMax: the most bytes of output per byte of input, judged beyond 64 KiB of output.
    public init(format: InflateFormat, outputBytesMax: Int, ratioMax: Int = 200) {
        self.format = format
        self.outputBytesMax = outputBytesMax
        self.ratioMax = max(1, ratioMax)
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        self.buffer = .allocate(byteCount: Self.bufferBytes, alignment: 16)
        if format == .gzip { self.open(windowBits: 15 + 16) }
    }

    deinit {
        if self.isOpen { inflateEnd(self.stream) }
        self.stream.deinitialize(count: 1)
        self.stream.deallocate()
        self.buffer.deallocate()
    }

    /// Decodes one chunk. `out` gets the bytes piece by piece, each at most 32 KiB and alive as long as its call.
    /// Pieces handed out before a fault are part of no trustworthy body.
    public func feed(
        _ chunk: UnsafeRawBufferPointer, _ out: (UnsafeRawBufferPointer) -> Void
    ) throws(InflateFault) {
        if let fault = self.fault { throw fault }
        do {
            try self.begin(chunk, out)
        } catch {
            self.fault = error
            self.isFinished = false
            throw error
        }
    }

    /// Opens the decoder once it is known which one.
    private func begin(
        _ chunk: UnsafeRawBufferPointer, _ out: (UnsafeRawBufferPointer) -> Void
    ) throws(InflateFault) {
        guard !self.isOpen else { return try self.decode(chunk, out) }
        guard let first = self.firstByte ?? chunk.first else { return }
        guard let second = self.firstByte == nil ? chunk.dropFirst().first : chunk.first else {
            self.firstByte = first
            return
        }
        self.open(windowBits: Self.isZlib(first, second) ? 15 : -15)
        if let fault = self.fault { throw fault }
        if let held = self.firstByte {
            self.firstByte = nil
            try withUnsafeBytes(of: held) { bytes throws(InflateFault) in try self.decode(bytes, out) }
        }
        try self.decode(chunk, out)
    }

    private func decode(
        _ chunk: UnsafeRawBufferPointer, _ out: (UnsafeRawBufferPointer) -> Void
    ) throws(InflateFault) {
        var at = 0
        while at < chunk.count {
            // zlib counts in 32 bits.
            let count = min(chunk.count - at, 1 << 30)
            try self.decodePart(UnsafeRawBufferPointer(rebasing: chunk[at..<at + count]), out)
            at += count
        }
    }

    private func decodePart(
        _ part: UnsafeRawBufferPointer, _ out: (UnsafeRawBufferPointer) -> Void
    ) throws(InflateFault) {
        self.inputBytes += part.count
        // zlib does not write to its input; the pointer is not const for C's sake.
        self.stream.pointee.next_in = UnsafeMutablePointer(
            mutating: part.baseAddress?.assumingMemoryBound(to: UInt8.self))
        self.stream.pointee.avail_in = UInt32(truncatingIfNeeded: part.count)
        var isFull = false
        while self.stream.pointee.avail_in > 0 || isFull {
            if self.isFinished { try self.beginNextMember() }
            self.stream.pointee.next_out = self.buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            self.stream.pointee.avail_out = UInt32(truncatingIfNeeded: self.buffer.count)
            let status = inflate(self.stream, Z_NO_FLUSH)
            try self.handOut(self.buffer.count - Int(self.stream.pointee.avail_out), out)
            switch status {
            case Z_OK: isFull = self.stream.pointee.avail_out == 0
            case Z_STREAM_END:
                self.isFinished = true
                isFull = false
            case Z_BUF_ERROR: return  // No progress without further input.
            case Z_MEM_ERROR: throw .unsupported
            default: throw .malformed
            }
        }
    }

    private func handOut(_ count: Int, _ out: (UnsafeRawBufferPointer) -> Void) throws(InflateFault) {
        guard count > 0 else { return }
        self.outputBytes += count
        guard self.outputBytes <= self.outputBytesMax else { throw .tooLarge }
        if self.outputBytes > Self.ratioFreeBytes, self.outputBytes / self.ratioMax >= self.inputBytes {
            throw .tooLarge
        }
        out(UnsafeRawBufferPointer(rebasing: self.buffer[..<count]))
    }

    /// Bytes follow the end: another member of gzip, or surplus.
    private func beginNextMember() throws(InflateFault) {
        guard self.format == .gzip, inflateReset(self.stream) == Z_OK else { throw .malformed }
        self.isFinished = false
    }

    private func open(windowBits: Int32) {
        let size = Int32(MemoryLayout<z_stream>.size)
        if inflateInit2_(self.stream, windowBits, ZLIB_VERSION, size) == Z_OK {
            self.isOpen = true
        } else {
            self.fault = .unsupported
        }
    }

    /// RFC 1950, 2.2: method 8, a window of at most 32 KiB, and a checksum over both bytes.
    private static func isZlib(_ first: UInt8, _ second: UInt8) -> Bool {
        first & 0x0f == 8 && first >> 4 <= 7 && (UInt16(first) << 8 | UInt16(second)) % 31 == 0
    }
}

import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayHTTP
import GatewayWire
import NIOCore

/// How the bytes of an answer are passed on.
enum Relay {
    case none
    /// A whole answer: its bytes pass; of JSON the usage is read on the way (`PendingAnswer.feed`).
    case whole
    /// Server-sent events: whole events pass as they come.
    case stream(StreamRelay)
    /// An error answer (status 400 and above): kept, then told in the client's dialect.
    case error(status: Int, body: ByteBuffer)
}

/// An answer's head that waits for the first bytes of its body. Until then nothing has reached the client, so that
/// another attempt is possible and a short answer can still be a 502. An object, so that looking at it copies nothing.
final class PendingAnswer {
    let head: ResponseHead
    let framing: AnswerFraming
    let inflater: Inflater?
    /// Settles a whole answer, by its usage if it is JSON; `nil` for streams and errors.
    private var reader: AnswerReader?
    let isJSON: Bool
    private(set) var heldBytes = 0
    /// Most answers hold one piece.
    private var firstHeld: ByteBuffer?
    private var laterHeld: [ByteBuffer] = []

    init(
        head: ResponseHead, framing: AnswerFraming, inflater: Inflater? = nil, reader: AnswerReader? = nil,
        isJSON: Bool = false
    ) {
        self.head = head
        self.framing = framing
        self.inflater = inflater
        self.reader = reader
        self.isJSON = isJSON
    }

    /// Bytes of a whole answer, before they are held or passed on.
    func feed(_ bytes: ByteBuffer) {
        if self.isJSON { bytes.withUnsafeReadableBytes { self.reader?.feed($0) } }
    }

    /// What a whole answer has told so far; may be asked again after more bytes. `nil` for streams and errors.
    func reading() -> AnswerReading? { self.reader?.end() }

    func hold(_ bytes: ByteBuffer) {
        self.heldBytes += bytes.readableBytes
        if self.firstHeld == nil { self.firstHeld = bytes } else { self.laterHeld.append(bytes) }
    }

    /// Hands out what was held, in order, and forgets it.
    func releaseHeld(_ body: (ByteBuffer) -> Void) {
        self.heldBytes = 0
        if let first = self.firstHeld.take() { body(first) }
        let later = self.laterHeld
        self.laterHeld = []
        for bytes in later { body(bytes) }
    }
}

/// Passes whole events on and watches them. What is held back is the rest of an event that has not ended, never more.
final class StreamRelay {
    var watch: StreamWatch
    private var scanner = SSEScanner()
    /// The beginning of an event whose end has not come.
    private var tail = ByteBuffer()

    init(watch: StreamWatch) {
        self.watch = watch
    }

    /// One piece that is not passed on as it came.
    private struct Cut {
        var start: Int
        var end: Int
        var replacement: [UInt8]?
    }

    /// - Parameter emit: gets what may be passed on, in order.
    func feed(_ bytes: ByteBuffer, _ emit: (ByteBuffer) -> Void) throws(SSEFault) {
        var cuts: [Cut] = []
        var lastEnd = 0
        try bytes.withUnsafeReadableBytesTyped { raw throws(SSEFault) in
            try self.scanner.feed(raw) { event in
                switch self.watch.event(name: event.name, data: event.data) {
                case .pass: break
                case .drop: cuts.append(Cut(start: lastEnd, end: event.end, replacement: nil))
                case .replace(let other): cuts.append(Cut(start: lastEnd, end: event.end, replacement: other))
                }
                lastEnd = event.end
            }
        }
        self.pass(bytes, upTo: self.scanner.boundary, cuts, emit)
    }

    private func pass(_ bytes: ByteBuffer, upTo boundary: Int, _ cuts: [Cut], _ emit: (ByteBuffer) -> Void) {
        if cuts.isEmpty, boundary == bytes.readableBytes, self.tail.readableBytes == 0 { return emit(bytes) }
        var position = 0
        for cut in cuts {
            if cut.start == 0 {
                self.tail.clear()
            } else {
                self.emitTail(emit)
                Self.emitSlice(bytes, position, cut.start, emit)
            }
            if let replacement = cut.replacement { emit(ByteBuffer(bytes: replacement)) }
            position = cut.end
        }
        if boundary > position {
            self.emitTail(emit)
            Self.emitSlice(bytes, position, boundary, emit)
            position = boundary
        }
        if bytes.readableBytes > position,
            let rest = bytes.getSlice(
                at: bytes.readerIndex + position, length: bytes.readableBytes - position)
        {
            self.tail.writeImmutableBuffer(rest)
        }
    }

    private func emitTail(_ emit: (ByteBuffer) -> Void) {
        guard self.tail.readableBytes > 0 else { return }
        emit(self.tail)
        self.tail = ByteBuffer()
    }

    private static func emitSlice(_ bytes: ByteBuffer, _ start: Int, _ end: Int, _ emit: (ByteBuffer) -> Void) {
        guard end > start, let slice = bytes.getSlice(at: bytes.readerIndex + start, length: end - start) else {
            return
        }
        emit(slice)
    }
}

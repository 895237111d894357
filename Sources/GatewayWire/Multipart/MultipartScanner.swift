/// Finds the parts `model` and `stream` in a `multipart/form-data` body (RFC 7578, RFC 2046 5.1) that comes in chunks
/// of any size, and keeps nothing else.
///
/// Strict where recipients are known to differ, because the model decides what a key may use: no preamble but one empty
/// line, no padding after a boundary, no boundary after a bare line feed, no folded header line, no escaped quote, no
/// transfer encoding on a part that is read, nothing but one CRLF after the end. The verdict does not depend on the
/// splits. File contents are searched 16 bytes at a time.
public struct MultipartScanner: Sendable {
    /// How far the form has been read. Only `malformed` is final: after `finished` one CRLF may come, and any other
    /// byte makes it `malformed`.
    public enum State: Sendable, Equatable {
        /// The model has not come yet.
        case reading
        /// The model has come as a whole; more parts follow.
        case found
        /// The closing boundary has come. With `model == nil`: there was none.
        case finished
        /// Not acceptable; further bytes are not read.
        case malformed
    }

    static let headerBytesMax = 16 << 10
    static let modelBytesMax = 1024
    static let partsMax = 1024
    private static let streamBytesMax = 8

    private enum Place: Sendable {
        /// Before and within the first boundary.
        case opening
        /// Just after a boundary: CRLF or two hyphens.
        case afterBoundary, afterBoundaryCR, closingHyphen
        case header
        case content
        /// After the closing boundary: nothing or one CRLF.
        case end, endCR, endLF
    }

    /// Only CRLF makes what follows a boundary; after any other one a boundary is refused, since recipients differ.
    private enum LineBreak: Sendable {
        case none, contentStart, cr, lf, crlf

        var bytes: StaticString {
            switch self {
            case .none, .contentStart: ""
            case .cr: "\r"
            case .lf: "\n"
            case .crlf: "\r\n"
            }
        }
    }

    private enum Field: Sendable {
        case other, model, stream
    }

    /// What the bytes fed so far come to.
    public private(set) var state = State.reading
    /// The value of the part `model`: not empty, valid UTF-8, at most 1,024 bytes.
    public private(set) var model: String?
    /// Where that value stands in the body.
    public private(set) var modelPlace: Range<Int>?
    /// The value of the part `stream`.
    public private(set) var stream: Bool?
    /// The name of the first part that names an object stored at the provider (`file_id` and its like, also in
    /// brackets).
    public private(set) var storedObjectField: String?
    /// How many parts with a file name have come as a whole.
    public private(set) var fileCount = 0
    /// How many bytes the contents of these parts have together, without headers and boundaries.
    public private(set) var fileBytes = 0
    /// Of a file whose end has not come, the bytes so far.
    public var unfinishedFileBytes: Int {
        self.isFile && self.place == .content ? max(0, self.bytesBefore - self.contentStart) : 0
    }

    /// Two hyphens and the boundary. It holds no line end, so a failed match starts anew at the byte that failed.
    private let dashBoundary: [UInt8]
    private var place = Place.opening
    /// What stands before a possible boundary in a content, not captured yet.
    private var lineBreak = LineBreak.none
    /// How many bytes of `dashBoundary` have matched after it.
    private var matched = 0
    private var header: [UInt8] = []
    private var field = Field.other
    private var isFile = false
    private var captured: [UInt8] = []
    private var contentStart = 0
    private var partsCount = 0
    /// Bytes in earlier chunks.
    private var bytesBefore = 0

    /// - Parameter contentType: the value of the request's `Content-Type` field.
    /// - Returns: `nil` unless it is `multipart/form-data` with one boundary of 1 to 70 bytes that RFC 2046 allows.
    public init?(contentType: UnsafeRawBufferPointer) {
        guard let parsed = MIMEParameters(contentType), parsed.isType("multipart/form-data"),
            let boundary = parsed["boundary"]?.value, (1...70).contains(boundary.count),
            boundary.allSatisfy(Self.isBoundaryByte), boundary.last != 0x20
        else { return nil }
        self.dashBoundary = Array("--".utf8) + boundary
    }

    /// RFC 2046, 5.1.1: `bchars`.
    private static func isBoundaryByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x27, 0x28, 0x29, 0x2b, 0x5f, 0x2c, 0x2d, 0x2e, 0x2f, 0x3a, 0x3d,
            0x3f, 0x20:
            true
        default: false
        }
    }

    /// Reads one chunk.
    public mutating func feed(_ chunk: UnsafeRawBufferPointer) {
        guard let base = chunk.baseAddress else { return }
        var at = 0
        while at < chunk.count, self.state != .malformed {
            if self.place == .content, self.lineBreak == .none {
                let stop = SSEBytes.lineEnd(base, from: at, to: chunk.count)
                self.capture(UnsafeRawBufferPointer(rebasing: chunk[at..<stop]))
                at = stop
                guard at < chunk.count, self.state != .malformed else { break }
            }
            self.step(chunk[at], at: self.bytesBefore + at)
            at += 1
        }
        self.bytesBefore += chunk.count
    }

    private mutating func step(_ byte: UInt8, at offset: Int) {
        switch self.place {
        case .opening: self.stepOpening(byte, isFirst: offset == 0)
        case .content: self.stepContent(byte, at: offset)
        case .header: self.stepHeader(byte, at: offset)
        case .afterBoundary:
            switch byte {
            case 0x0d: self.place = .afterBoundaryCR
            case UInt8(ascii: "-"): self.place = .closingHyphen
            default: self.refuse()
            }
        case .afterBoundaryCR:
            self.partsCount += 1
            guard byte == 0x0a, self.partsCount <= Self.partsMax else { return self.refuse() }
            self.header.removeAll(keepingCapacity: true)
            self.place = .header
        case .closingHyphen:
            guard byte == UInt8(ascii: "-") else { return self.refuse() }
            self.place = .end
            self.state = .finished
        case .end: byte == 0x0d ? self.place = .endCR : self.refuse()
        case .endCR: byte == 0x0a ? self.place = .endLF : self.refuse()
        case .endLF: self.refuse()
        }
    }

    /// The first boundary stands at the start of the body, or after one CRLF.
    private mutating func stepOpening(_ byte: UInt8, isFirst: Bool) {
        if isFirst, byte == 0x0d {
            self.lineBreak = .cr
        } else if self.lineBreak == .cr {
            guard byte == 0x0a else { return self.refuse() }
            self.lineBreak = .none
        } else {
            guard byte == self.dashBoundary[self.matched] else { return self.refuse() }
            self.matched += 1
            if self.matched == self.dashBoundary.count { self.endBoundary() }
        }
    }

    private mutating func endBoundary() {
        self.matched = 0
        self.lineBreak = .none
        self.place = .afterBoundary
    }

    private mutating func stepContent(_ byte: UInt8, at offset: Int) {
        if self.lineBreak == .cr, self.matched == 0, byte == 0x0a {
            self.lineBreak = .crlf
        } else if self.lineBreak != .none, byte == self.dashBoundary[self.matched] {
            self.matched += 1
            guard self.matched == self.dashBoundary.count else { return }
            guard self.lineBreak == .crlf else { return self.refuse() }
            self.endPart(at: offset - 1 - self.matched)
            self.endBoundary()
        } else {
            self.captureWithheld()
            switch byte {
            case 0x0d: self.lineBreak = .cr
            case 0x0a: self.lineBreak = .lf
            default: withUnsafeBytes(of: byte) { self.capture($0) }
            }
        }
    }

    /// What looked like the start of a boundary is content.
    private mutating func captureWithheld() {
        let before = self.lineBreak.bytes
        self.capture(UnsafeRawBufferPointer(start: before.utf8Start, count: before.utf8CodeUnitCount))
        if self.matched > 0 {
            self.dashBoundary.withUnsafeBytes { self.capture(UnsafeRawBufferPointer(rebasing: $0[..<self.matched])) }
        }
        self.lineBreak = .none
        self.matched = 0
    }

    private mutating func capture(_ bytes: UnsafeRawBufferPointer) {
        guard self.field != .other else { return }
        let max = self.field == .model ? Self.modelBytesMax : Self.streamBytesMax
        guard self.captured.count + bytes.count <= max else { return self.refuse() }
        self.captured.append(contentsOf: bytes)
    }

    private mutating func stepHeader(_ byte: UInt8, at offset: Int) {
        guard self.header.count < Self.headerBytesMax else { return self.refuse() }
        self.header.append(byte)
        guard byte == 0x0a, self.header.count == 2 || self.header.suffix(4).elementsEqual([0x0d, 0x0a, 0x0d, 0x0a]),
            self.header[self.header.count - 2] == 0x0d
        else { return }
        let part = self.header.withUnsafeBytes {
            MultipartPart(header: UnsafeRawBufferPointer(rebasing: $0.dropLast(2)))
        }
        guard let part else { return self.refuse() }
        self.beginPart(part)
        self.contentStart = offset + 1
        self.captured.removeAll(keepingCapacity: true)
        self.lineBreak = .contentStart
        self.place = .content
    }

    private mutating func beginPart(_ part: MultipartPart) {
        self.isFile = part.isFile
        if part.namesStoredObject, self.storedObjectField == nil {
            self.storedObjectField = String(decoding: part.name, as: UTF8.self)
        }
        if part.name.elementsEqual("model".utf8) {
            self.field = .model
        } else if part.name.elementsEqual("stream".utf8) {
            self.field = .stream
        } else {
            self.field = .other
            return
        }
        let isRepeated = self.field == .model ? self.model != nil : self.stream != nil
        if isRepeated || part.isFile || !part.isPlainText { self.refuse() }
    }

    private mutating func endPart(at offset: Int) {
        if self.isFile {
            self.fileCount += 1
            self.fileBytes += max(0, offset - self.contentStart)
        }
        switch self.field {
        case .other: break
        case .model:
            guard !self.captured.isEmpty, let text = String(validating: self.captured, as: UTF8.self) else {
                return self.refuse()
            }
            self.model = text
            self.modelPlace = self.contentStart..<offset
            self.state = .found
        case .stream:
            switch String(decoding: self.captured, as: UTF8.self).lowercased() {
            case "true", "1": self.stream = true
            case "false", "0": self.stream = false
            default: self.refuse()
            }
        }
        self.field = .other
    }

    private mutating func refuse() {
        self.state = .malformed
        self.captured = []
        self.header = []
    }
}

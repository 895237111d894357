/// Takes the framing off a chunked body (RFC 9112 section 7.1), byte by byte and without keeping any byte.
///
/// Strict: hexadecimal digits right up to the line end or a semicolon, extensions as `name`, `name=token` or
/// `name="text"` without white space, CRLF everywhere. Extensions are checked and dropped.
struct ChunkedBody: Sendable {
    enum Step: Sendable {
        /// All bytes were framing and are used up.
        case needMore
        /// That many bytes were framing; behind them stands data, `dataRemaining` bytes of it in all.
        case data(Int)
        /// That many bytes were framing; behind them stands the trailer section.
        case lastChunk(Int)
    }

    private enum Place: Sendable {
        case size, lineEnd, extensionName, extensionNameFirst, extensionValueFirst, extensionToken
        case extensionText, extensionEscape, extensionTextEnd, data, dataEnd, dataLineFeed
    }

    /// With line end. The sizes of our own clients take 3 to 10.
    static let lineBytesMax = 4096
    /// Leading zeros included. 16 digits hold more than `Int64.max`, which is checked on its own.
    static let sizeDigitsMax = 16

    private var place = Place.size
    private var size: UInt64 = 0
    private var digits = 0
    private var lineBytes = 0
    /// Bytes of the current chunk that are still to come. The caller takes them off with `take`.
    private(set) var dataRemaining: Int64 = 0

    /// The caller has handed on that many bytes of data.
    mutating func take(_ count: Int) {
        self.dataRemaining -= Int64(count)
        if self.dataRemaining <= 0 { self.place = .dataEnd }
    }

    /// Reads framing until data, the trailer section or the end of `bytes`.
    mutating func step(_ bytes: UnsafeRawBufferPointer) throws(Breach) -> Step {
        if self.place == .data { return .data(0) }
        guard let base = bytes.baseAddress else { return .needMore }
        var at = self.passLineEnd(base, bytes.count)
        if self.place == .size, self.digits == 0 {
            let data = self.passSizeLine(base, at, bytes.count)
            if data > 0 { return .data(data) }
        }
        while at < bytes.count {
            let byte = HeadGrammar.byte(base, at)
            at &+= 1
            switch self.place {
            case .size:
                try self.readSize(byte)
            case .lineEnd:
                guard byte == HeadGrammar.lineFeed else { throw .malformed("bare CR in a chunk line") }
                self.lineBytes = 0
                if self.size == 0 { return .lastChunk(at) }
                self.beginData()
                return .data(at)
            case .dataEnd:
                guard byte == HeadGrammar.carriageReturn else {
                    throw .malformed("no line end behind the data of a chunk")
                }
                self.place = .dataLineFeed
                continue
            case .dataLineFeed:
                guard byte == HeadGrammar.lineFeed else { throw .malformed("no line end behind the data of a chunk") }
                self.place = .size
                continue
            case .data:
                return .data(at &- 1)
            default:
                try self.readExtension(byte)
            }
            self.lineBytes &+= 1
            if self.lineBytes >= Self.lineBytesMax { throw .malformed("chunk line is too long") }
        }
        return .needMore
    }

    /// The line end behind data, when both of its bytes are there; everything else is left to the walk by bytes.
    ///
    /// - Returns: how many bytes it took.
    @inline(__always)
    private mutating func passLineEnd(_ base: UnsafeRawPointer, _ count: Int) -> Int {
        guard self.place == .dataEnd, count >= 2, HeadGrammar.byte(base, 0) == HeadGrammar.carriageReturn,
            HeadGrammar.byte(base, 1) == HeadGrammar.lineFeed
        else { return 0 }
        self.place = .size
        return 2
    }

    /// A size line without extension, other than that of the last chunk, when the whole of it is there; everything else
    /// is left to the walk by bytes.
    ///
    /// - Returns: the offset of the data; 0 when nothing was taken.
    @inline(__always)
    private mutating func passSizeLine(_ base: UnsafeRawPointer, _ start: Int, _ count: Int) -> Int {
        // Fifteen digits stay under `Int64.max`.
        let end = min(count, start &+ 15)
        var size: UInt64 = 0
        var at = start
        while at < end {
            let byte = HeadGrammar.byte(base, at)
            guard HeadGrammar.isHexDigit(byte) else { break }
            size = size &<< 4 | UInt64(byte &- 0x30 < 10 ? byte &- 0x30 : (byte | 0x20) &- 0x57)
            at &+= 1
        }
        guard size > 0, at &+ 1 < count, HeadGrammar.byte(base, at) == HeadGrammar.carriageReturn,
            HeadGrammar.byte(base, at &+ 1) == HeadGrammar.lineFeed
        else { return 0 }
        self.size = size
        self.beginData()
        return at &+ 2
    }

    /// The data is the last that came but for its line end: takes that with it.
    ///
    /// - Parameter rest: the bytes behind the data that `take` was told of.
    /// - Returns: whether `rest` was that line end and nothing else.
    @inline(__always)
    mutating func takeLineEnd(_ rest: (UInt8, UInt8)) -> Bool {
        guard self.place == .dataEnd, rest == (HeadGrammar.carriageReturn, HeadGrammar.lineFeed) else { return false }
        self.place = .size
        return true
    }

    private mutating func beginData() {
        self.dataRemaining = Int64(self.size)
        self.size = 0
        self.digits = 0
        self.place = .data
    }

    private mutating func readSize(_ byte: UInt8) throws(Breach) {
        if HeadGrammar.isHexDigit(byte) {
            guard self.digits < Self.sizeDigitsMax else { throw .malformed("chunk size has too many digits") }
            self.size = self.size &<< 4 | UInt64(byte &- 0x30 < 10 ? byte &- 0x30 : (byte | 0x20) &- 0x57)
            self.digits &+= 1
            guard self.size <= UInt64(Int64.max) else { throw .malformed("chunk size is too large") }
            return
        }
        guard self.digits > 0 else { throw .malformed("chunk size is not hexadecimal") }
        try self.readEndOfPart(byte, "chunk size is not hexadecimal")
    }

    /// Behind a size, a name or a value: the line end or the next extension.
    private mutating func readEndOfPart(_ byte: UInt8, _ rule: StaticString) throws(Breach) {
        switch byte {
        case HeadGrammar.carriageReturn: self.place = .lineEnd
        case 0x3b: self.place = .extensionNameFirst
        default: throw .malformed(rule)
        }
    }

    private mutating func readExtension(_ byte: UInt8) throws(Breach) {
        let isToken = ByteSet.token.contains(byte)
        switch self.place {
        case .extensionNameFirst:
            guard isToken else { throw .malformed("chunk extension without a name") }
            self.place = .extensionName
        case .extensionName:
            if isToken { return }
            if byte == 0x3d {
                self.place = .extensionValueFirst
            } else {
                try self.readEndOfPart(byte, "byte not allowed in the name of a chunk extension")
            }
        case .extensionValueFirst:
            guard isToken || byte == 0x22 else { throw .malformed("chunk extension without a value") }
            self.place = isToken ? .extensionToken : .extensionText
        case .extensionToken:
            if !isToken { try self.readEndOfPart(byte, "byte not allowed in the value of a chunk extension") }
        case .extensionTextEnd:
            try self.readEndOfPart(byte, "byte behind the quoted value of a chunk extension")
        default:
            try self.readExtensionText(byte)
        }
    }

    /// Inside quotes: tab, space, visible ASCII and bytes from 0x80 up, with a backslash before the next of them.
    private mutating func readExtensionText(_ byte: UInt8) throws(Breach) {
        guard byte >= 0x20 && byte != 0x7f || byte == HeadGrammar.tab else {
            throw .malformed("control byte in the quoted value of a chunk extension")
        }
        if self.place == .extensionEscape {
            self.place = .extensionText
        } else if byte == 0x22 {
            self.place = .extensionTextEnd
        } else if byte == 0x5c {
            self.place = .extensionEscape
        }
    }
}

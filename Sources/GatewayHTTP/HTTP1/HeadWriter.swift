import GatewayCore
import GatewayWire
import NIOCore

/// Heads and chunk framing written into a connection's output buffer. Names go out in lower case.
///
/// Each call makes room once and copies; nothing is allocated while the buffer has room.
extension ByteBuffer {
    /// `HTTP/1.1 200 OK` and the line end. The phrase is that of RFC 9110 section 15, empty for a status it does not
    /// know.
    ///
    /// - Parameter status: 100 to 599; anything else is our own mistake and goes out as 500.
    public mutating func writeStatusLine(_ status: Int) {
        let status = Self.checked(status)
        let phrase = Self.phrase(of: status)
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: 15 + phrase.utf8CodeUnitCount) { space in
            var writer = HeadSpace(space)
            writer.write(status: status, phrase)
            return writer.count
        }
    }

    /// A whole head: status line, the fields' lines, the fields of framing and connection, the empty line.
    ///
    /// - Parameters:
    ///   - status: as for `writeStatusLine`.
    ///   - date: a whole line.
    public mutating func writeHead(status: Int, fields: FieldLines, date: [UInt8], framing: AnswerHeadFraming) {
        let status = Self.checked(status)
        let phrase = Self.phrase(of: status)
        // 15 bytes of the status line, 38 of a length, 28 of chunks, 24 of the connection, 2 of the empty line.
        let room = 128 &+ phrase.utf8CodeUnitCount &+ fields.count &+ date.count
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { space in
            var writer = HeadSpace(space)
            writer.write(status: status, phrase)
            fields.withUnsafeBytes { writer.write($0) }
            date.withUnsafeBytes { writer.write($0) }
            if let length = framing.length {
                writer.write("content-length: ")
                writer.write(decimal: length)
                writer.write("\r\n")
            }
            if framing.isChunked { writer.write("transfer-encoding: chunked\r\n") }
            switch framing.connection {
            case .unsaid: break
            case .close: writer.write("connection: close\r\n")
            case .keepAlive: writer.write("connection: keep-alive\r\n")
            }
            writer.write("\r\n")
            return writer.count
        }
    }

    private static func checked(_ status: Int) -> Int {
        always((100...599).contains(status), "a status has three digits") ? status : 500
    }

    /// One field line.
    ///
    /// - Parameter id: not `other`, which has no name: nothing is written for it.
    /// - Returns: false, with nothing written, if the value holds CR, LF or NUL: no value can end its line early.
    @discardableResult
    public mutating func writeField(_ id: HeaderID, _ value: UnsafeRawBufferPointer) -> Bool {
        guard always(id != .other, "a field that is written has a name"), FieldText.isOneLine(value) else {
            return false
        }
        let name = id.linePrefix
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: name.count &+ value.count &+ 2) { space in
            var writer = HeadSpace(space)
            writer.write(name)
            writer.write(value)
            writer.write("\r\n")
            return writer.count
        }
        return true
    }

    /// One field line whose value is that text in UTF-8; `id` and result as above.
    @discardableResult
    public mutating func writeField(_ id: HeaderID, _ value: String) -> Bool {
        var value = value
        return value.withUTF8 { self.writeField(id, UnsafeRawBufferPointer($0)) }
    }

    /// One field line whose value is at hand as an array; `id` and result as above.
    @discardableResult
    public mutating func writeField(_ id: HeaderID, _ value: [UInt8]) -> Bool {
        value.withUnsafeBytes { self.writeField(id, $0) }
    }

    /// One field line whose value is a number.
    public mutating func writeField(_ id: HeaderID, decimal value: Int) {
        guard always(id != .other, "a field that is written has a name") else { return }
        let name = id.linePrefix
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: name.count + 22) { space in
            var writer = HeadSpace(space)
            writer.write(name)
            writer.write(decimal: value)
            writer.write("\r\n")
            return writer.count
        }
    }

    /// One field line under a name that the gateway does not know, as it is.
    ///
    /// - Returns: false, with nothing written, if the name is no token or the value holds CR, LF or NUL.
    @discardableResult
    public mutating func writeField(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool {
        guard FieldText.isToken(name), FieldText.isOneLine(value) else { return false }
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: name.count &+ value.count &+ 4) { space in
            var writer = HeadSpace(space)
            writer.write(name)
            writer.write(": ")
            writer.write(value)
            writer.write("\r\n")
            return writer.count
        }
        return true
    }

    /// One field line of texts, in UTF-8; the result as above.
    @discardableResult
    public mutating func writeField(name: String, value: String) -> Bool {
        var name = name
        var value = value
        return name.withUTF8 { name in
            value.withUTF8 { self.writeField(name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer($0)) }
        }
    }

    /// Several lines of a head with one look at the room.
    ///
    /// - Parameter room: no fewer bytes than `write` fills.
    public mutating func writeLines(room: Int, _ write: (inout HeadSpace) -> Void) {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: max(0, room)) { space in
            var lines = HeadSpace(space)
            write(&lines)
            return lines.count
        }
    }

    /// The empty line that ends a head.
    public mutating func writeHeadEnd() { self.writeStaticString("\r\n") }

    /// The digits of a number, with a minus sign if need be.
    public mutating func writeDecimal(_ value: Int) {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: 20) { space in
            var writer = HeadSpace(space)
            writer.write(decimal: value)
            return writer.count
        }
    }

    /// The size line before that many bytes of a chunk: `1a` and the line end. `writeChunkEnd` follows the bytes.
    ///
    /// - Parameter count: above 0. A chunk of no bytes would end the body, so nothing is written for it.
    public mutating func writeChunkHeader(_ count: Int) {
        guard always(count > 0, "a chunk has bytes") else { return }
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: 18) { space in
            var writer = HeadSpace(space)
            writer.write(hexadecimal: UInt64(count))
            writer.write("\r\n")
            return writer.count
        }
    }

    /// One whole chunk: its size line, a copy of the readable bytes, the line end.
    ///
    /// - Parameter bytes: not empty. A chunk of no bytes would end the body, so nothing is written for it.
    public mutating func writeChunk(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard always(count > 0, "a chunk has bytes") else { return }
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: count &+ 20) { space in
            var writer = HeadSpace(space)
            writer.write(hexadecimal: UInt64(count))
            writer.write("\r\n")
            bytes.withUnsafeReadableBytes { writer.write($0) }
            writer.write("\r\n")
            return writer.count
        }
    }

    /// The line end behind the bytes of a chunk.
    public mutating func writeChunkEnd() { self.writeStaticString("\r\n") }

    /// The last chunk and an empty trailer section.
    public mutating func writeLastChunk() { self.writeStaticString("0\r\n\r\n") }

    /// What `writeLastChunk` writes.
    public static let lastChunk: [UInt8] = Array("0\r\n\r\n".utf8)

    private static func phrase(of status: Int) -> StaticString {
        switch status {
        case 100: "Continue"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400...499: self.phraseOfClientError(status)
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }

    private static func phraseOfClientError(_ status: Int) -> StaticString {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 402: "Payment Required"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 424: "Failed Dependency"
        case 425: "Too Early"
        case 426: "Upgrade Required"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        default: ""
        }
    }
}

/// Checks of field lines.
enum FieldText {
    /// Eight bytes at a time while they are letters, digits and hyphens, as those of nearly all names are.
    static func isToken(_ name: UnsafeRawBufferPointer) -> Bool {
        guard let base = name.baseAddress, name.count > 0 else { return false }
        var at = 0
        while at &+ 8 <= name.count {
            if HeadGrammar.uncommonBytes(HeadGrammar.word(base, at)) != 0 { break }
            at &+= 8
        }
        while at < name.count {
            if !ByteSet.token.contains(HeadGrammar.byte(base, at)) { return false }
            at &+= 1
        }
        return true
    }

    /// No CR, LF or NUL. Eight bytes at a time; a word with any control byte is looked at closely.
    static func isOneLine(_ value: UnsafeRawBufferPointer) -> Bool {
        guard let base = value.baseAddress else { return true }
        var at = 0
        while at &+ 8 <= value.count {
            if HeadGrammar.controlBytes(HeadGrammar.word(base, at)) != 0 { break }
            at &+= 8
        }
        while at < value.count {
            let byte = HeadGrammar.byte(base, at)
            if byte == 0 || byte == HeadGrammar.lineFeed || byte == HeadGrammar.carriageReturn { return false }
            at &+= 1
        }
        return true
    }
}

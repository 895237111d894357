extension JSONValue {
    /// Reads one whole value of any kind, strictly by RFC 8259: nothing but white space around it, valid UTF-8, no half
    /// surrogate pair, no name twice in one object, at most `JSONTopLevel.depthMax` levels.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(JSONFault) {
        guard let base = bytes.baseAddress else { throw .malformed(at: 0) }
        var reader = JSONValueReader(walk: JSONWalk(base: base, end: bytes.count, at: 0))
        self = try reader.readWhole()
    }

    /// The same over an array.
    public init(parsing bytes: [UInt8]) throws(JSONFault) {
        self = try bytes.withUnsafeBufferPointer { bytes throws(JSONFault) in
            try JSONValue(parsing: UnsafeRawBufferPointer(bytes))
        }
    }
}

/// Recursive, bounded by `JSONTopLevel.depthMax`.
private struct JSONValueReader {
    var walk: JSONWalk

    mutating func readWhole() throws(JSONFault) -> JSONValue {
        self.walk.skipSpace()
        let value = try self.readValue(depth: 0)
        self.walk.skipSpace()
        guard self.walk.at == self.walk.end else { throw .malformed(at: self.walk.at) }
        return value
    }

    private mutating func readValue(depth: Int) throws(JSONFault) -> JSONValue {
        switch self.walk.byte {
        case JSONBytes.quote: return .string(try self.readString())
        case JSONBytes.openBrace:
            guard depth < JSONTopLevel.depthMax else { throw .tooDeep(at: self.walk.at) }
            return .object(try self.readObject(depth: depth + 1))
        case UInt8(ascii: "["):
            guard depth < JSONTopLevel.depthMax else { throw .tooDeep(at: self.walk.at) }
            return .array(try self.readArray(depth: depth + 1))
        default: return try self.readScalar()
        }
    }

    private mutating func readScalar() throws(JSONFault) -> JSONValue {
        let start = self.walk.at
        switch try self.walk.skipScalar() {
        case .true: return .bool(true)
        case .false: return .bool(false)
        case .null: return .null
        default: return .number(String(decoding: self.bytes(start..<self.walk.at), as: UTF8.self))
        }
    }

    private mutating func readString() throws(JSONFault) -> String {
        let start = self.walk.at
        _ = try self.walk.skipString()
        guard let text = JSONText.string(self.bytes(start..<self.walk.at)) else { throw .invalidText(at: start) }
        return text
    }

    private mutating func readArray(depth: Int) throws(JSONFault) -> [JSONValue] {
        var elements: [JSONValue] = []
        self.walk.at += 1
        self.walk.skipSpace()
        if self.walk.byte == UInt8(ascii: "]") {
            self.walk.at += 1
            return elements
        }
        while true {
            elements.append(try self.readValue(depth: depth))
            self.walk.skipSpace()
            if self.walk.byte == UInt8(ascii: "]") { break }
            try self.walk.expect(JSONBytes.comma)
            self.walk.skipSpace()
        }
        self.walk.at += 1
        return elements
    }

    private mutating func readObject(depth: Int) throws(JSONFault) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        self.walk.at += 1
        self.walk.skipSpace()
        if self.walk.byte == JSONBytes.closeBrace {
            self.walk.at += 1
            return members
        }
        var seen: Set<[UInt8]> = []
        while true {
            guard self.walk.byte == JSONBytes.quote else { throw .malformed(at: self.walk.at) }
            let name = try self.readString()
            guard seen.insert(Array(name.utf8)).inserted else { throw .repeated(name: name) }
            self.walk.skipSpace()
            try self.walk.expect(JSONBytes.colon)
            self.walk.skipSpace()
            members.append(JSONValue.Member(name, try self.readValue(depth: depth)))
            self.walk.skipSpace()
            if self.walk.byte == JSONBytes.closeBrace { break }
            try self.walk.expect(JSONBytes.comma)
            self.walk.skipSpace()
        }
        self.walk.at += 1
        return members
    }

    private func bytes(_ place: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: self.walk.base + place.lowerBound, count: place.count)
    }
}

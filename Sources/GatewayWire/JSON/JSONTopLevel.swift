/// Where the members that a caller looks for stand in one JSON object: one pass, nothing decoded, nothing copied.
///
/// What is judged: the object itself strictly by RFC 8259 (names, colons, commas, numbers, words, escapes of its names
/// and strings; its names are valid UTF-8 without half surrogate pairs). What is not judged: the UTF-8 of string values
/// (`JSONText.string` does that for the one that is read), and the inside of nested objects and arrays beyond brackets
/// that match by type, at most `depthMax` levels, and strings that end and hold no raw control byte. Names are compared
/// after unescaping; names that nobody looks for may repeat.
///
/// Cost: about 2,200 instructions for a chat request of 600 bytes; no allocation for up to eight members.
public struct JSONTopLevel: Sendable {
    /// Levels of brackets that a text may have, the outermost object included.
    public static let depthMax = 512

    /// One per looked-for name, in the order of `JSONNames.names`; `nil`: not in the object.
    public private(set) var members: JSONMembers
    /// Offset just after the opening brace, where a new first member goes.
    public private(set) var objectOpen: Int
    /// Whether the object has no member at all, so that a new one needs no comma.
    public private(set) var isEmptyObject: Bool
    /// Bytes of the longest name as it is written, with its quotes, looked for or not; 0 without any.
    public private(set) var longestName = 0

    /// Scans a whole body, which must be one object with nothing but white space around it.
    public static func scan(
        _ body: UnsafeRawBufferPointer, for names: JSONNames
    ) throws(JSONFault) -> JSONTopLevel {
        try self.scan(body, in: 0..<body.count, for: names)
    }

    /// Scans the object at `place` of a body, for instance the value of a member that was found; places in the result
    /// and in faults stay offsets into `body`. A place outside of the body, or beyond 4 GiB, is `notAnObject`.
    public static func scan(
        _ body: UnsafeRawBufferPointer, in place: Range<Int>, for names: JSONNames
    ) throws(JSONFault) -> JSONTopLevel {
        guard let base = body.baseAddress, place.lowerBound >= 0, place.upperBound <= body.count,
            place.upperBound <= UInt32.max
        else {
            throw .notAnObject
        }
        var walk = JSONWalk(base: base, end: place.upperBound, at: place.lowerBound)
        walk.skipSpace()
        guard walk.byte == JSONBytes.openBrace else { throw .notAnObject }
        walk.at &+= 1
        var result = JSONTopLevel(
            members: JSONMembers(nameCount: names.count), objectOpen: walk.at, isEmptyObject: false)
        let first = walk.skipSpace()
        if first == JSONBytes.closeBrace {
            walk.at &+= 1
            result.isEmptyObject = true
        } else {
            try result.readMembers(&walk, first, names)
        }
        walk.skipSpace()
        guard walk.at == walk.end else { throw .malformed(at: walk.at) }
        return result
    }

    /// From the first name to after the closing brace.
    @inline(__always)
    private mutating func readMembers(
        _ start: inout JSONWalk, _ first: UInt8, _ names: JSONNames
    ) throws(JSONFault) {
        var walk = start
        var byte = first
        var longest = 0
        while true {
            guard byte == JSONBytes.quote else { throw .malformed(at: walk.at) }
            let keyStart = walk.at
            let isEscaped = try walk.skipString()
            let key = keyStart..<walk.at
            longest = max(longest, key.upperBound &- key.lowerBound)
            let index = try names.find(walk.base, key, end: walk.end, isEscaped: isEscaped)
            guard walk.skipSpace() == JSONBytes.colon else { throw .malformed(at: walk.at) }
            walk.at &+= 1
            byte = walk.skipSpace()
            let valueStart = walk.at
            let kind = try walk.skipValue(byte, depthMax: Self.depthMax - 1)
            if index >= 0 {
                guard self.members.insert(index, JSONMember(kind: kind, key: key, value: valueStart..<walk.at)) else {
                    throw .repeated(name: names.names[index])
                }
            }
            byte = walk.skipSpace()
            if byte == JSONBytes.closeBrace { break }
            guard byte == JSONBytes.comma else { throw .malformed(at: walk.at) }
            walk.at &+= 1
            byte = walk.skipSpace()
        }
        self.longestName = longest
        start.at = walk.at &+ 1
    }
}

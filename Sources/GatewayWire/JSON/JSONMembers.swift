/// What a scan found: one element per looked-for name, in the order of `JSONNames.names`; `nil`: not in the object.
///
/// One allocation, of plain words: an array of optional members would look up its type at run time for each scan.
public struct JSONMembers: Sendable, RandomAccessCollection {
    /// Four per name: start and end of the name, start of the value, and its end times eight with its kind in the low
    /// bits. A member that was found ends after 0.
    @usableFromInline var words: [Int]

    @inline(__always)
    init(count: Int) {
        self.words = [Int](repeating: 0, count: 4 &* count)
    }

    @inlinable public var startIndex: Int { 0 }
    @inlinable public var endIndex: Int { self.words.count / 4 }

    @inlinable
    public subscript(index: Int) -> JSONMember? {
        let end = self.words[4 &* index &+ 3]
        guard end != 0, let kind = JSONKind(rawValue: UInt8(truncatingIfNeeded: end & 7)) else { return nil }
        return JSONMember(
            kind: kind, key: Range(uncheckedBounds: (self.words[4 &* index], self.words[4 &* index &+ 1])),
            value: Range(uncheckedBounds: (self.words[4 &* index &+ 2], end &>> 3)))
    }

    /// - Returns: false if there is one already.
    @inline(__always)
    mutating func insert(_ index: Int, key: Range<Int>, kind: JSONKind, value: Range<Int>) -> Bool {
        self.words.withUnsafeMutableBufferPointer { words in
            guard words[4 &* index &+ 3] == 0 else { return false }
            words[4 &* index] = key.lowerBound
            words[4 &* index &+ 1] = key.upperBound
            words[4 &* index &+ 2] = value.lowerBound
            words[4 &* index &+ 3] = value.upperBound &<< 3 | Int(kind.rawValue)
            return true
        }
    }
}

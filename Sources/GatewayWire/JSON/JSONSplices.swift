import GatewayCore

/// Edits of a body, sorted and not overlapping. Everything outside of them stays byte for byte as it came.
public struct JSONSplices: Sendable, Equatable {
    /// `replacement` stands for the bytes at `range` (offsets into the body before any edit); an empty range inserts.
    public struct Edit: Sendable, Equatable {
        public var range: Range<Int>
        public var replacement: [UInt8]

        public init(range: Range<Int>, replacement: [UInt8]) {
            self.range = range
            self.replacement = replacement
        }
    }

    /// In the order of the body.
    public private(set) var edits: [Edit]

    /// No edit: the body stays as it is.
    public init() {
        self.edits = []
    }

    /// Whether the body stays as it is.
    public var isEmpty: Bool { self.edits.isEmpty }

    /// Replaces the bytes at `range`. An edit that overlaps an earlier one is a mistake of the caller and is left out.
    public mutating func replace(_ range: Range<Int>, with replacement: [UInt8]) {
        var index = self.edits.count
        while index > 0, Self.isAfter(self.edits[index - 1].range, range) { index -= 1 }
        let overlapsBefore = index > 0 && self.edits[index - 1].range.upperBound > range.lowerBound
        let overlapsAfter = index < self.edits.count && self.edits[index].range.lowerBound < range.upperBound
        guard always(!overlapsBefore && !overlapsAfter, "edits of one body do not overlap") else { return }
        self.edits.insert(Edit(range: range, replacement: replacement), at: index)
    }

    /// Inserts before the byte at `offset`. Insertions at one offset stand in the order of the calls.
    public mutating func insert(_ bytes: [UInt8], at offset: Int) {
        self.replace(offset..<offset, with: bytes)
    }

    /// How many bytes the edited body has.
    public func resultCount(of bodyCount: Int) -> Int {
        var count = bodyCount
        for edit in self.edits { count += edit.replacement.count - edit.range.clamped(to: 0..<bodyCount).count }
        return count
    }

    /// Hands out the edited body piece by piece, in order: bytes of `body` in place and replacements. A piece lives as
    /// long as the call.
    @inlinable
    public func forEachPiece(of body: UnsafeRawBufferPointer, _ write: (UnsafeRawBufferPointer) -> Void) {
        var from = 0
        for edit in self.edits {
            let range = edit.range.clamped(to: 0..<body.count)
            if range.lowerBound > from { write(UnsafeRawBufferPointer(rebasing: body[from..<range.lowerBound])) }
            if !edit.replacement.isEmpty { edit.replacement.withUnsafeBytes { write($0) } }
            from = max(from, range.upperBound)
        }
        if from < body.count { write(UnsafeRawBufferPointer(rebasing: body[from...])) }
    }

    /// The edited body as one array. Off the hot path.
    public func applied(to body: UnsafeRawBufferPointer) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(self.resultCount(of: body.count))
        self.forEachPiece(of: body) { result.append(contentsOf: $0) }
        return result
    }

    private static func isAfter(_ one: Range<Int>, _ other: Range<Int>) -> Bool {
        (one.lowerBound, one.upperBound) > (other.lowerBound, other.upperBound)
    }
}

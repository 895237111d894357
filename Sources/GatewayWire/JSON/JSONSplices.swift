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

        func growth(in bodyCount: Int) -> Int {
            self.replacement.count - self.range.clamped(to: 0..<bodyCount).count
        }

        /// What stands before it, from `from` on, and what it puts in.
        @inlinable
        func write(of body: UnsafeRawBufferPointer, from: inout Int, _ write: (UnsafeRawBufferPointer) -> Void) {
            let range = self.range.clamped(to: 0..<body.count)
            if range.lowerBound > from { write(UnsafeRawBufferPointer(rebasing: body[from..<range.lowerBound])) }
            if !self.replacement.isEmpty { self.replacement.withUnsafeBytes { write($0) } }
            from = max(from, range.upperBound)
        }
    }

    /// Most bodies have one edit, which needs no array; it stands here, and then `several` is empty.
    @usableFromInline var only: Edit?
    @usableFromInline var several: [Edit] = []

    /// In the order of the body.
    public var edits: [Edit] { self.only.map { [$0] } ?? self.several }

    /// No edit: the body stays as it is.
    public init() {}

    /// Whether the body stays as it is.
    public var isEmpty: Bool { self.only == nil && self.several.isEmpty }

    /// Replaces the bytes at `range`. An edit that overlaps an earlier one is a mistake of the caller and is left out.
    public mutating func replace(_ range: Range<Int>, with replacement: [UInt8]) {
        if self.isEmpty {
            self.only = Edit(range: range, replacement: replacement)
            return
        }
        if let only = self.only.take() { self.several.append(only) }
        var index = self.several.count
        while index > 0, Self.isAfter(self.several[index - 1].range, range) { index -= 1 }
        let overlapsBefore = index > 0 && self.several[index - 1].range.upperBound > range.lowerBound
        let overlapsAfter = index < self.several.count && self.several[index].range.lowerBound < range.upperBound
        guard always(!overlapsBefore && !overlapsAfter, "edits of one body do not overlap") else { return }
        self.several.insert(Edit(range: range, replacement: replacement), at: index)
    }

    /// Inserts before the byte at `offset`. Insertions at one offset stand in the order of the calls.
    public mutating func insert(_ bytes: [UInt8], at offset: Int) {
        self.replace(offset..<offset, with: bytes)
    }

    /// How many bytes the edited body has.
    public func resultCount(of bodyCount: Int) -> Int {
        var count = bodyCount
        if let only { count += only.growth(in: bodyCount) }
        for edit in self.several { count += edit.growth(in: bodyCount) }
        return count
    }

    /// Hands out the edited body piece by piece, in order: bytes of `body` in place and replacements. A piece lives as
    /// long as the call.
    @inlinable
    public func forEachPiece(of body: UnsafeRawBufferPointer, _ write: (UnsafeRawBufferPointer) -> Void) {
        var from = 0
        if let only { only.write(of: body, from: &from, write) }
        for edit in self.several { edit.write(of: body, from: &from, write) }
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

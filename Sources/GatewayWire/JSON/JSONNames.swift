import GatewayCore

/// The member names that a scan looks for, compiled once into a `static let`. A name's place in `names` is its place in
/// every result.
///
/// An object, so that a scan that is given one copies nothing. At most 64 different names; more are a mistake of the
/// caller, and the surplus is never found.
public final class JSONNames: Sendable {
    /// As they were given, unescaped.
    public let names: [String]
    /// Of `names`; a call of the array's own is one into its metadata.
    let count: Int
    /// All names behind each other as UTF-8.
    private let bytes: [UInt8]
    private let entries: [Entry]
    /// For each count of bytes 0…63 (63: that many or more) one bit per name of that count.
    private let byCount: [UInt64]
    private let filter: Filter

    private struct Entry: Sendable {
        /// The first eight bytes, zeros behind a shorter name.
        let head: UInt64
        /// The last eight bytes of a longer one, so that up to sixteen need no further look.
        let tail: UInt64
        /// Where the name stands in `bytes`.
        let start: Int
        let count: Int

        @inline(__always)
        static func head(_ name: UnsafeRawPointer, count: Int, readable: Int) -> UInt64 {
            if readable >= 8 {
                let word = UInt64(littleEndian: name.loadUnaligned(as: UInt64.self))
                return count >= 8 ? word : word & ((1 &<< UInt64(truncatingIfNeeded: 8 &* count)) &- 1)
            }
            var word: UInt64 = 0
            for index in 0..<min(count, 8) {
                word |= UInt64(name.load(fromByteOffset: index, as: UInt8.self)) &<< UInt64(8 &* index)
            }
            return word
        }
    }

    /// Where most names that nobody looks for end: two bits of 64 for each name, by its count and first eight bytes.
    private struct Filter: Sendable {
        private var first: UInt64 = 0
        private var second: UInt64 = 0

        init(_ entries: [Entry]) {
            for entry in entries {
                let (one, other) = Self.bits(
                    entry.count > 8 ? entry.head : Self.aligned(entry.head, count: entry.count), count: entry.count)
                self.first |= one
                self.second |= other
            }
        }

        /// A name of one to eight bytes without what follows it.
        @inline(__always)
        static func aligned(_ word: UInt64, count: Int) -> UInt64 {
            word &<< UInt64(truncatingIfNeeded: 64 &- 8 &* count)
        }

        @inline(__always)
        func mayHold(_ word: UInt64, count: Int) -> Bool {
            let (one, other) = Self.bits(word, count: count)
            return self.first & one != 0 && self.second & other != 0
        }

        @inline(__always)
        private static func bits(_ word: UInt64, count: Int) -> (UInt64, UInt64) {
            let mixed = (word ^ UInt64(truncatingIfNeeded: count)) &* 0x9e37_79b9_7f4a_7c15
            return (1 &<< (mixed &>> 58), 1 &<< (mixed &>> 52))
        }
    }

    /// Compiles the table; meant for a `static let`, not for a request.
    public init(_ names: [String]) {
        var bytes: [UInt8] = []
        var entries: [Entry] = []
        var byCount = [UInt64](repeating: 0, count: 64)
        for (index, name) in names.prefix(64).enumerated() {
            let name = Array(name.utf8)
            let head = name.withUnsafeBytes { name in
                name.baseAddress.map { Entry.head($0, count: name.count, readable: name.count) } ?? 0
            }
            let tail = name.suffix(8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            entries.append(Entry(head: head, tail: tail, start: bytes.count, count: name.count))
            bytes.append(contentsOf: name)
            byCount[min(name.count, 63)] |= 1 << UInt64(index)
        }
        _ = always(names.count <= 64, "a scan looks for at most 64 names")
        self.names = names
        self.count = names.count
        self.bytes = bytes
        self.entries = entries
        self.byCount = byCount
        self.filter = Filter(entries)
    }

    /// The index of the name that the string literal at `key` (with quotes) of a text up to `end` stands for, or -1.
    ///
    /// Fails for a name that is no valid text: a lenient reader behind us could take it for one of ours.
    @inline(__always)
    func find(
        _ base: UnsafeRawPointer, _ key: Range<Int>, end: Int, isEscaped: Bool
    ) throws(JSONFault) -> Int {
        let start = key.lowerBound &+ 1
        let count = key.upperBound &- start &- 1
        if !isEscaped, count &- 1 < 24, count > 0, end &- start >= 8 {
            let name = base + start
            let word = UInt64(littleEndian: name.loadUnaligned(as: UInt64.self))
            var all = word
            if count > 8 {
                all |= name.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
                if count > 16 { all |= name.loadUnaligned(fromByteOffset: 8, as: UInt64.self) }
            } else {
                all = Filter.aligned(word, count: count)
            }
            if all & 0x8080_8080_8080_8080 == 0 {
                let mayBe = self.filter.mayHold(count > 8 ? word : all, count: count)
                return mayBe ? self.findPlain(name, count, end &- start) : -1
            }
        }
        return try self.findUnusual(base, key, end: end, isEscaped: isEscaped)
    }

    @inline(never)
    private func findPlain(_ name: UnsafeRawPointer, _ count: Int, _ readable: Int) -> Int {
        self.find(name, count: count, readable: readable)
    }

    @inline(never)
    private func findUnusual(
        _ base: UnsafeRawPointer, _ key: Range<Int>, end: Int, isEscaped: Bool
    ) throws(JSONFault) -> Int {
        if !isEscaped {
            let start = key.lowerBound &+ 1
            let index = self.find(base + start, count: key.count &- 2, readable: end &- start)
            if index >= 0 || JSONBytes.isASCII(base, from: key.lowerBound, to: key.upperBound) { return index }
        }
        return try self.findDecoded(UnsafeRawBufferPointer(start: base + key.lowerBound, count: key.count), key)
    }

    /// `readable`: how many bytes may be read from `name` on, at least `count`.
    @inline(__always)
    private func find(_ name: UnsafeRawPointer, count: Int, readable: Int) -> Int {
        var candidates = self.byCount[min(count, 63)]
        guard candidates != 0 else { return -1 }
        let head = Entry.head(name, count: count, readable: readable)
        while candidates != 0 {
            let index = candidates.trailingZeroBitCount
            if self.entries[index].head == head, self.isSame(self.entries[index], name, count) { return index }
            candidates &= candidates &- 1
        }
        return -1
    }

    /// Whether a name whose head is the same is the same.
    @inline(__always)
    private func isSame(_ entry: Entry, _ name: UnsafeRawPointer, _ count: Int) -> Bool {
        guard entry.count == count else { return false }
        guard count > 8 else { return true }
        let tail = UInt64(littleEndian: name.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self))
        return entry.tail == tail && (count <= 16 || self.matches(entry, name))
    }

    @inline(never)
    private func matches(_ entry: Entry, _ name: UnsafeRawPointer) -> Bool {
        self.bytes.withUnsafeBytes { all in
            UnsafeRawBufferPointer(rebasing: all[entry.start..<entry.start + entry.count])
                .elementsEqual(UnsafeRawBufferPointer(start: name, count: entry.count))
        }
    }

    private func findDecoded(_ literal: UnsafeRawBufferPointer, _ key: Range<Int>) throws(JSONFault) -> Int {
        guard let text = JSONText.string(literal) else { throw .invalidText(at: key.lowerBound) }
        let name = Array(text.utf8)
        return name.withUnsafeBytes { bytes in
            bytes.baseAddress.map { self.find($0, count: bytes.count, readable: bytes.count) } ?? -1
        }
    }
}

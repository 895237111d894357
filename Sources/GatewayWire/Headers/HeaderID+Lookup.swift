extension HeaderID {
    /// Classifies a name in any case. One hash of length and three letters, then one comparison.
    public init(name: UnsafeRawBufferPointer) {
        guard name.count >= 2, name.count <= HeaderTable.longest else {
            self = .other
            return
        }
        let table = HeaderTable.shared
        var slot = HeaderTable.hash(
            count: name.count, first: name[0], middle: name[name.count / 2], last: name[name.count - 1])
        while let candidate = table.slots[slot] {
            if table.matches(candidate, name) {
                self = candidate
                return
            }
            slot = (slot + 1) & HeaderTable.mask
        }
        self = .other
    }

    /// Classifies a name in any case that is at hand as an array: of configuration, of heads made by hand, of a
    /// `Connection` field.
    public init(name: [UInt8]) {
        self = name.withUnsafeBytes { HeaderID(name: $0) }
    }

    /// `content-type: `, as a field line begins. Lives as long as the process. `other` has no name of its own: only
    /// the colon and the space.
    public var linePrefix: UnsafeRawBufferPointer { LinePrefixes.table[Int(self.rawValue)] }
}

/// The beginnings of field lines, looked up by raw value.
private enum LinePrefixes {
    // SAFETY: nobody writes to the texts after this initialiser, and they live as long as the process.
    nonisolated(unsafe) static let table: UnsafePointer<UnsafeRawBufferPointer> = {
        let table = UnsafeMutablePointer<UnsafeRawBufferPointer>.allocate(capacity: HeaderID.allCases.count)
        for id in HeaderID.allCases {
            let text = UnsafeMutableRawBufferPointer.allocate(byteCount: id.name.utf8.count + 2, alignment: 1)
            text.copyBytes(from: Array((id.name + ": ").utf8))
            (table + Int(id.rawValue)).initialize(to: UnsafeRawBufferPointer(text))
        }
        return UnsafePointer(table)
    }()
}

/// Open addressing over the few known names; built once.
struct HeaderTable: Sendable {
    static let shared = HeaderTable()
    static let mask = 255
    static let longest = 20

    let slots: [HeaderID?]
    let names: [[UInt8]]

    private init() {
        var slots: [HeaderID?] = Array(repeating: nil, count: Self.mask + 1)
        var names: [[UInt8]] = Array(repeating: [], count: HeaderID.allCases.count)
        for id in HeaderID.allCases where id != .other {
            let name = Array(id.name.utf8)
            names[Int(id.rawValue)] = name
            var slot = Self.hash(
                count: name.count, first: name[0], middle: name[name.count / 2], last: name[name.count - 1])
            while slots[slot] != nil { slot = (slot + 1) & Self.mask }
            slots[slot] = id
        }
        self.slots = slots
        self.names = names
    }

    @inline(__always)
    static func hash(count: Int, first: UInt8, middle: UInt8, last: UInt8) -> Int {
        let letters = UInt32(first | 0x20) &* 31 &+ UInt32(middle | 0x20) &* 7 &+ UInt32(last | 0x20)
        return Int((letters &* 13 &+ UInt32(truncatingIfNeeded: count) &* 101) & UInt32(Self.mask))
    }

    @inline(__always)
    func matches(_ id: HeaderID, _ name: UnsafeRawBufferPointer) -> Bool {
        let known = self.names[Int(id.rawValue)]
        guard known.count == name.count else { return false }
        for index in 0..<known.count {
            let byte = name[index]
            let lower = byte &- 0x41 < 26 ? byte | 0x20 : byte
            if lower != known[index] { return false }
        }
        return true
    }
}

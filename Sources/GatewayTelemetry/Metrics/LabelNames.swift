import GatewayCore

/// The label values of one loop's series, each stored once: a series is a few small numbers, not a few strings.
///
/// Only names of the configuration and of our own enums belong here, never text that a client sent (pitfall O-4).
/// Should more than `countMax` come all the same (reloads for months, each with new names), the rest is `other`.
struct LabelNames: Sendable {
    static let countMax = 65_536
    static let none: UInt32 = 0
    static let other: UInt32 = 1

    private(set) var texts: [String] = ["", "other"]
    private var ids: [String: UInt32] = ["": Self.none, "other": Self.other]

    mutating func id(_ text: String) -> UInt32 {
        if let known = self.ids[text] { return known }
        guard self.texts.count < Self.countMax else { return Self.other }
        let id = UInt32(self.texts.count)
        self.texts.append(text)
        self.ids[text] = id
        return id
    }

    func text(_ id: UInt32) -> String {
        Int(id) < self.texts.count ? self.texts[Int(id)] : "other"
    }
}

/// The names seen last at one place of a record: traffic repeats itself, so most look-ups end in one comparison.
struct LabelMemo {
    private static let count = 16
    private var texts = [String](repeating: "", count: Self.count)
    private var ids = [UInt32](repeating: LabelNames.none, count: Self.count)
    private var lastText = ""
    private var lastID = LabelNames.none

    /// The empty text for a name that there is not.
    @inline(__always)
    mutating func id<Kind>(_ name: Name<Kind>?, in names: inout LabelNames) -> UInt32 {
        guard let name else { return LabelNames.none }
        return self.id(name.text, in: &names)
    }

    @inline(__always)
    mutating func id(_ text: String, in names: inout LabelNames) -> UInt32 {
        if text == self.lastText { return self.lastID }
        self.lastID = self.recalled(text, in: &names)
        self.lastText = text
        return self.lastID
    }

    private mutating func recalled(_ text: String, in names: inout LabelNames) -> UInt32 {
        let bytes = text.utf8
        let last = bytes.isEmpty ? 0 : Int(bytes[bytes.index(before: bytes.endIndex)])
        let slot = (bytes.count &+ last) & (Self.count &- 1)
        if text == self.texts[slot] { return self.ids[slot] }
        self.texts[slot] = text
        self.ids[slot] = names.id(text)
        return self.ids[slot]
    }
}

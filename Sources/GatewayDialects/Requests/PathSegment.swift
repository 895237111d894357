/// A model's name as one segment of a path.
enum PathSegment {
    /// Printable ASCII without anything that a URL reads as more than text (wire-formats 4).
    static func isSafe(_ name: String) -> Bool {
        guard !name.isEmpty, name != ".", name.utf8.count <= 256 else { return false }
        var previous: UInt8 = 0
        for byte in name.utf8 {
            guard byte > 0x20, byte < 0x7F else { return false }
            switch byte {
            case UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "%"), UInt8(ascii: "?"), UInt8(ascii: "#"),
                UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"):
                return false
            case UInt8(ascii: ".") where previous == UInt8(ascii: "."): return false
            default: previous = byte
            }
        }
        return true
    }
}

/// A peer's name as it may stand in an error or a log: printable, and at most 128 bytes of it.
public enum ShownName {
    /// Bytes of UTF-8, escapes and the closing `…` counted (DESIGN section 3).
    public static let bytesMax = 128

    /// Control characters, quotes, backslashes and the characters that turn text around are shown as `\u{…}`; a longer
    /// name is cut at a character and ends in `…`.
    public static func of(_ name: String) -> String {
        var shown = ""
        for scalar in name.unicodeScalars {
            let piece = Self.isPlain(scalar) ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
            guard shown.utf8.count + piece.utf8.count <= Self.bytesMax - 3 else { return shown + "…" }
            shown += piece
        }
        return shown
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: scalar != "\"" && scalar != "\\" && scalar != "`"
        }
    }
}

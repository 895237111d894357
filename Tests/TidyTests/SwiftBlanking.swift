/// Blanks out the comments and the strings of Swift text, interpolations included. Line feeds stay where they are.
struct SwiftBlanking {
    private let bytes: [UInt8]
    private var out: [UInt8]
    private var index = 0

    private init(_ text: String) {
        self.bytes = Array(text.utf8)
        self.out = self.bytes
    }

    static func blanked(_ text: String) -> String {
        var blanking = Self(text)
        blanking.code(untilParenthesis: false)
        return String(decoding: blanking.out, as: UTF8.self)
    }

    private func byte(_ offset: Int = 0) -> UInt8 {
        self.index + offset < self.bytes.count ? self.bytes[self.index + offset] : 0
    }

    private func starts(with text: StaticString) -> Bool {
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        return self.bytes[self.index...].starts(with: wanted)
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where self.index < self.bytes.count {
            if self.bytes[self.index] != UInt8(ascii: "\n") { self.out[self.index] = UInt8(ascii: " ") }
            self.index += 1
        }
    }

    /// Up to the end, or up to the parenthesis that ends an interpolation, which is blanked with the rest of its
    /// string.
    private mutating func code(untilParenthesis isInterpolation: Bool) {
        var depth = 0
        while self.index < self.bytes.count {
            if self.starts(with: "//") {
                while self.index < self.bytes.count, self.byte() != UInt8(ascii: "\n") { self.blank() }
            } else if self.starts(with: "/*") {
                self.blockComment()
            } else if self.byte() == UInt8(ascii: "\"") || self.startsRawString {
                self.string()
            } else {
                if self.byte() == UInt8(ascii: "(") { depth += 1 }
                if self.byte() == UInt8(ascii: ")") {
                    if isInterpolation, depth == 0 { return }
                    depth -= 1
                }
                if isInterpolation { self.blank() } else { self.index += 1 }
            }
        }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            if self.starts(with: "/*") {
                depth += 1
                self.blank(2)
            } else if self.starts(with: "*/") {
                depth -= 1
                self.blank(2)
            } else {
                self.blank()
            }
        } while depth > 0 && self.index < self.bytes.count
    }

    private var startsRawString: Bool {
        var offset = 0
        while self.byte(offset) == UInt8(ascii: "#") { offset += 1 }
        return offset > 0 && self.byte(offset) == UInt8(ascii: "\"")
    }

    private mutating func string() {
        var hashes = 0
        while self.byte() == UInt8(ascii: "#") {
            hashes += 1
            self.blank()
        }
        let quotes = self.starts(with: "\"\"\"") ? 3 : 1
        self.blank(quotes)
        while self.index < self.bytes.count {
            if quotes == 1, self.byte() == UInt8(ascii: "\n") { return }
            if self.byte() == UInt8(ascii: "\\"), self.follows(hashes, after: 1) {
                let isInterpolation = self.byte(1 + hashes) == UInt8(ascii: "(")
                self.blank(2 + hashes)
                if isInterpolation {
                    self.code(untilParenthesis: true)
                    self.blank()
                }
            } else if (0..<quotes).allSatisfy({ self.byte($0) == UInt8(ascii: "\"") }),
                self.follows(hashes, after: quotes)
            {
                self.blank(quotes + hashes)
                return
            } else {
                self.blank()
            }
        }
    }

    private func follows(_ hashes: Int, after offset: Int) -> Bool {
        (0..<hashes).allSatisfy { self.byte(offset + $0) == UInt8(ascii: "#") }
    }
}

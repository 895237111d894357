import GatewayTesting

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

extension SeededRandom {
    /// Cuts `bytes` at random places, each byte boundary with a chance of one in `every`; empty chunks come too.
    mutating func chunks(_ bytes: [UInt8], every: UInt64) -> [[UInt8]] {
        var chunks: [[UInt8]] = [[]]
        for byte in bytes {
            while self.oneIn(every) { chunks.append([]) }
            chunks[chunks.count - 1].append(byte)
        }
        return chunks
    }

    /// Changes a few bytes: replaced, removed, repeated, swapped, or a piece copied elsewhere.
    mutating func mutate(_ bytes: [UInt8], alphabet: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0..<self.int(1...2) where !result.isEmpty {
            let at = self.int(0...result.count - 1)
            let byte = alphabet.randomElement(using: &self) ?? 0
            switch self.int(0...5) {
            case 0: result[at] = byte
            case 1: result.remove(at: at)
            case 2: result.insert(byte, at: at)
            case 3: result.insert(result[at], at: at)
            case 4: result.swapAt(at, self.int(0...result.count - 1))
            default:
                let end = min(result.count, at + self.int(1...8))
                result.insert(contentsOf: result[at..<end], at: self.int(0...result.count))
            }
        }
        return result
    }
}

/// Writes JSON text in every style that the grammar allows.
struct JSONGenerator {
    static let names = ["model", "stream", "n", "usage", "max_tokens", "é", "a\"b"]
    static let alphabet: [UInt8] =
        Array("{}[]\",:\\ \n\t\r0123456789.eE+-truefalsnmodlu/b".utf8) + [0, 0x1f, 0x7f, 0x80, 0xc3, 0xa9, 0xff]

    var random: SeededRandom

    /// An object most of whose names are looked for, each at most once unless `repeats`.
    mutating func object(repeats: Bool = false) -> [UInt8] {
        var names = Self.names + ["other", "", "mode", "models"]
        names.shuffle(using: &self.random)
        if repeats { names[1] = names[0] }
        let members = names.prefix(self.random.int(0...6)).map {
            self.string($0) + self.space() + ":" + self.space() + self.value(3)
        }
        return bytes(self.space() + "{" + self.space() + self.joined(members) + "}" + self.space())
    }

    mutating func value(_ depth: Int) -> String {
        switch self.random.int(0...(depth > 0 ? 7 : 5)) {
        case 0: return "true"
        case 1: return "false"
        case 2: return "null"
        case 3: return self.number()
        case 4, 5:
            let count = self.random.int(0...20)
            return self.string(
                String((0..<count).map { _ in "abc é\"\\/\n{}[],:0😀".randomElement(using: &self.random) ?? "a" }))
        case 6:
            let elements = (0..<self.random.int(0...4)).map { _ in self.value(depth - 1) }
            return "[" + self.space() + self.joined(elements) + "]"
        default:
            let members = ["x", "model", "y"].prefix(self.random.int(0...3))
                .map { self.string($0) + ":" + self.space() + self.value(depth - 1) }
            return "{" + self.space() + self.joined(members) + "}"
        }
    }

    private mutating func joined(_ parts: [String]) -> String {
        var result = ""
        for (index, part) in parts.enumerated() {
            result += (index > 0 ? "," + self.space() : "") + part + self.space()
        }
        return result
    }

    mutating func number() -> String {
        let whole =
            ["0", "7", "-1", "42", "1234567890", "9007199254740993", "-0"].randomElement(using: &self.random) ?? "0"
        let fraction = ["", "", ".5", ".0", ".125"].randomElement(using: &self.random) ?? ""
        let exponent = ["", "", "", "e3", "E+2", "e-2"].randomElement(using: &self.random) ?? ""
        return whole + fraction + exponent
    }

    mutating func space() -> String {
        self.random.oneIn(3) ? ([" ", "\n", "\t", "\r\n", "  "].randomElement(using: &self.random) ?? "") : ""
    }

    /// A literal for `text` in which any character may be written as an escape.
    mutating func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" {
                result += "\\\(scalar)"
            } else if scalar.value < 0x20 || self.random.oneIn(12) {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: self.random.oneIn(2))
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

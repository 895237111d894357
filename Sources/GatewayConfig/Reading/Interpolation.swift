import GatewayCore

/// `${…}` on the text of one parsed scalar. It never sees YAML, so a value cannot inject any.
enum Interpolation {
    struct Fault: Equatable {
        var code: String
        var message: String
        var help: String?
        var label: String?
    }

    /// A piece of a scalar.
    enum Piece: Equatable {
        case literal(String)
        /// With the offset and length of the reference in scalars of the raw text.
        case reference(Reference, offset: Int, length: Int)
        case malformed(String, offset: Int, length: Int)
    }

    enum Reference: Equatable {
        case variable(String, Otherwise)
        case file(String)
    }

    enum Otherwise: Equatable {
        case required
        case value(String)
        case message(String)
    }

    /// Splits a text; `$${` is a literal `${`.
    static func pieces(_ text: String) -> [Piece] {
        let scalars = Array(text.unicodeScalars)
        var pieces: [Piece] = []
        var literal = String.UnicodeScalarView()
        var index = 0
        func at(_ offset: Int) -> Unicode.Scalar? { index + offset < scalars.count ? scalars[index + offset] : nil }
        while index < scalars.count {
            if scalars[index] == "$", at(1) == "$", at(2) == "{" {
                literal.append(contentsOf: "${".unicodeScalars)
                index += 3
            } else if scalars[index] == "$", at(1) == "{" {
                if !literal.isEmpty { pieces.append(.literal(String(literal))) }
                literal = .init()
                let end = scalars[index...].firstIndex(of: "}")
                let stop = end ?? scalars.count
                let inside = String(String.UnicodeScalarView(scalars[(index + 2)..<stop]))
                let length = min(stop + 1, scalars.count) - index
                pieces.append(self.piece(inside, isClosed: end != nil, offset: index, length: length))
                index += length
            } else {
                literal.append(scalars[index])
                index += 1
            }
        }
        if !literal.isEmpty { pieces.append(.literal(String(literal))) }
        return pieces
    }

    private static func piece(_ inside: String, isClosed: Bool, offset: Int, length: Int) -> Piece {
        func malformed(_ why: String) -> Piece { .malformed(why, offset: offset, length: length) }
        guard isClosed else { return malformed("`${` has no `}`") }
        if inside.contains("${") { return malformed("a reference cannot stand inside another one") }
        if inside.hasPrefix("file:") {
            let path = String(inside.dropFirst(5))
            return path.isEmpty
                ? malformed("`${file:}` names no file") : .reference(.file(path), offset: offset, length: length)
        }
        let name = String(inside.unicodeScalars.prefix { self.isNameScalar($0) })
        guard let first = name.unicodeScalars.first, !("0"..."9").contains(first) else {
            return malformed("`\(shown("${\(inside)}"))` names no environment variable")
        }
        let rest = inside.unicodeScalars.dropFirst(name.unicodeScalars.count)
        let tail = String(rest.dropFirst(2))
        if rest.isEmpty { return .reference(.variable(name, .required), offset: offset, length: length) }
        if rest.starts(with: ":-".unicodeScalars) {
            return .reference(.variable(name, .value(tail)), offset: offset, length: length)
        }
        if rest.starts(with: ":?".unicodeScalars) {
            return .reference(.variable(name, .message(tail)), offset: offset, length: length)
        }
        return malformed("`\(shown("${\(inside)}"))` is no reference")
    }

    private static func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || (scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)))
    }

    static let forms = "the forms are ${VAR}, ${VAR:-default}, ${VAR:?message}, ${file:/path}; $${ is a literal ${"

    /// The name in LiteLLM's `os.environ/NAME`.
    static func liteLLMName(_ text: String) -> String? {
        guard text.hasPrefix("os.environ/") else { return nil }
        let name = text.dropFirst("os.environ/".count)
        guard let first = name.unicodeScalars.first, !("0"..."9").contains(first),
            name.unicodeScalars.allSatisfy({ self.isNameScalar($0) })
        else { return nil }
        return String(name)
    }

    /// The value of a variable, or what to say about it. An empty variable counts as unset for `:-` and `:?`.
    static func value(_ name: String, _ otherwise: Otherwise, _ environment: [String: String]) -> Result<String, Fault>
    {
        let value = environment[name]
        switch otherwise {
        case .required:
            if let value { return .success(value) }
            let close = ClosestName.find(name, among: environment.keys)
            return .failure(
                Fault(
                    code: "E1402", message: "environment variable `\(name)` is not set",
                    help: "export \(name)=..., or write ${\(name):-} if an empty value is acceptable",
                    label: close.map { "did you mean `\($0)`?" }))
        case .value(let fallback):
            return .success(value.flatMap { $0.isEmpty ? nil : $0 } ?? fallback)
        case .message(let message):
            if let value, !value.isEmpty { return .success(value) }
            let text = message.isEmpty ? "" : ": \(shown(message, max: 200))"
            return .failure(
                Fault(
                    code: "E1403", message: "environment variable `\(name)` is not set\(text)",
                    help: "export \(name)=..."))
        }
    }
}

extension Interpolation.Fault: Error {}

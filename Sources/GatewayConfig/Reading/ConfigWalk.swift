import GatewayContract
import GatewayCore

/// What walking over the nodes collects: problems, and the files that were read on the way.
struct ConfigWalk: Sendable {
    static let fileBytesMax = 1 << 20
    static let secretBytesMax = 64 << 10

    let environment: [String: String]
    let files: any ConfigFileSystem
    var problems = Problems()
    var sources: [String: SourceText] = [:]
    var watched = WatchedSet()
    var revision: RevisionHash
    /// A file or a name could not be read: names that are missing say nothing then.
    var isIncomplete = false

    init(environment: [String: String], digest: @escaping ContentDigest, files: any ConfigFileSystem) {
        self.environment = environment
        self.files = files
        self.revision = RevisionHash(digest: digest)
    }

    /// A scalar with its references replaced.
    struct Resolved: Sendable {
        var text: String
        /// Nothing but one reference: it takes the type that is wanted.
        var isWholeReference: Bool
        var hasReference: Bool
        /// Without quotes.
        var isPlain: Bool
        var origin: Origin
    }

    mutating func report(_ problem: Problem) {
        self.problems.add(problem)
    }

    /// Reads a file and keeps it for the revision and, unless told otherwise, the watch.
    mutating func read(
        _ path: String, bytesMax: Int = Self.fileBytesMax, isWatched: Bool = true
    ) -> Result<[UInt8], FileFault> {
        do {
            let bytes = try self.files.read(path, bytesMax: bytesMax)
            if path != "-", isWatched { self.watched.files[path] = .some(ContentHash(bytes)) }
            self.revision.add(path: path, content: bytes)
            return .success(bytes)
        } catch {
            if isWatched { self.watched.files[path] = .some(nil) }
            return .failure(error)
        }
    }

    /// Replaces the references of a scalar; `nil` after a problem, and for what is no scalar.
    mutating func resolve(_ node: ConfigNode) -> Resolved? {
        guard case .scalar(let scalar) = node.content else { return nil }
        if let name = Interpolation.liteLLMName(scalar.text) {
            self.report(
                Problem(
                    "W1405", "`os.environ/\(name)` is LiteLLM's form", at: node.origin, label: "write ${\(name)}"))
            return self.resolved([.reference(.variable(name, .required), offset: 0, length: 0)], scalar, node)
        }
        guard scalar.text.unicodeScalars.contains("$") else {
            return Resolved(
                text: scalar.text, isWholeReference: false, hasReference: false, isPlain: scalar.isPlain,
                origin: node.origin)
        }
        return self.resolved(Interpolation.pieces(scalar.text), scalar, node)
    }

    private mutating func resolved(
        _ pieces: [Interpolation.Piece], _ scalar: ConfigNode.Scalar, _ node: ConfigNode
    ) -> Resolved? {
        var text = ""
        var isFaulty = false
        var references = 0
        for piece in pieces {
            switch piece {
            case .literal(let literal):
                text += literal
            case .malformed(let why, let offset, let length):
                isFaulty = true
                let place = self.place(of: offset, in: scalar, node)
                self.report(Problem("E1401", why, at: place, length: length, help: Interpolation.forms))
            case .reference(let reference, let offset, let length):
                references += 1
                switch self.value(of: reference, in: node) {
                case .success(let value):
                    text += value
                case .failure(let fault):
                    isFaulty = true
                    let place = self.place(of: offset, in: scalar, node)
                    self.report(
                        Problem(
                            fault.code, fault.message, at: place, length: length, label: fault.label, help: fault.help))
                }
            }
        }
        if isFaulty { return nil }
        return Resolved(
            text: text, isWholeReference: references == 1 && pieces.count == 1, hasReference: references > 0,
            isPlain: scalar.isPlain, origin: node.origin)
    }

    /// Where a reference stands, when the scalar was written on one line without escapes; else where the scalar begins.
    private func place(of offset: Int, in scalar: ConfigNode.Scalar, _ node: ConfigNode) -> Origin {
        let column = node.origin.column + offset + (scalar.isPlain ? 0 : 1)
        let source = self.sources[node.origin.file]
        guard source?.hasText("${", line: node.origin.line, column: column) ?? false else { return node.origin }
        return Origin(file: node.origin.file, line: node.origin.line, column: column)
    }

    private mutating func value(
        of reference: Interpolation.Reference, in node: ConfigNode
    ) -> Result<String, Interpolation.Fault> {
        switch reference {
        case .variable(let name, let otherwise):
            return Interpolation.value(name, otherwise, self.environment)
        case .file(let path):
            let resolved = PathText.resolved(path, in: PathText.folder(of: node.origin.file))
            switch self.read(resolved, bytesMax: Self.secretBytesMax) {
            case .failure(let fault):
                let help = fault == .tooLarge ? "at most \(Units.text(bytes: Self.secretBytesMax)) are read" : nil
                return .failure(
                    .init(code: "E1404", message: "cannot read `\(shown(resolved))`: \(fault.text)", help: help))
            case .success(let bytes):
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    return .failure(.init(code: "E1404", message: "`\(shown(resolved))` is not UTF-8 text"))
                }
                return .success(Self.withoutNewline(text))
            }
        }
    }

    /// As the shell's `$(cat FILE)` would have it, but for one newline only.
    static func withoutNewline(_ text: String) -> String {
        var scalars = text.unicodeScalars
        guard scalars.last == "\n" else { return text }
        scalars.removeLast()
        if scalars.last == "\r" { scalars.removeLast() }
        return String(scalars)
    }
}

import GatewayContract

/// One thing that is wrong, or doubtful, with a desired state. Codes are those of `reference/config.md` section 7.
public struct CompileProblem: Sendable, Equatable {
    /// `E3001`, `W5013`: a letter for the severity and four digits.
    public var code: String
    /// One line without a final full stop; names stand in backquotes.
    public var message: String
    /// The value that is wrong; `Origin.builtIn` when it was not written in a file.
    public var origin: Origin
    /// The other definition, when two places disagree.
    public var other: Origin?
    /// A name that is defined and near to the one that is not: for `did you mean`.
    public var suggestion: String?
    /// What to do about it, one line.
    public var help: String?
    /// A warning keeps no snapshot from being used.
    public var isWarning: Bool

    public init(
        code: String, message: String, origin: Origin, other: Origin? = nil, suggestion: String? = nil,
        help: String? = nil, isWarning: Bool = false
    ) {
        self.code = code
        self.message = message
        self.origin = origin
        self.other = other
        self.suggestion = suggestion
        self.help = help
        self.isWarning = isWarning
    }
}

/// Why a desired state was refused: at least one error, and the warnings beside it.
public struct CompileProblems: Error, Sendable, Equatable {
    /// Ordered by place when `SnapshotCompiler` made it, in the order of the keys when `KeyTable` did.
    public var list: [CompileProblem]

    public init(_ list: [CompileProblem]) {
        self.list = list
    }
}

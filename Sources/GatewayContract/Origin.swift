/// Where a value of the desired state was written: a `file` (the path as given to the command, or as found from there)
/// and a place in it. `line` and `column` count from 1, the column in Unicode scalars.
public struct Origin: Hashable, Sendable, CustomStringConvertible {
    public let file: String
    public let line: Int
    public let column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// For values that nobody wrote: built-in defaults and tests.
    public static let builtIn = Origin(file: "", line: 0, column: 0)

    public var description: String { self.line == 0 ? "built-in" : "\(self.file):\(self.line):\(self.column)" }
}

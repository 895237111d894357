/// Everything that a configuration was read from, with its content at that time.
public struct WatchedSet: Sendable, Equatable {
    /// By path. `nil`: the file was not there, or could not be read.
    public internal(set) var files: [String: ContentHash?] = [:]
    /// Folders in which new files count, and the names of YAML files in them.
    public internal(set) var folders: [String: [String]] = [:]

    /// Nothing.
    public init() {}

    /// Names that count in a folder's list, sorted.
    static func listed(_ names: [String]) -> [String] {
        names.filter { ($0.hasSuffix(".yaml") || $0.hasSuffix(".yml")) && !$0.hasPrefix(".") }.sorted()
    }
}

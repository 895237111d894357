import GatewayContract
import GatewayCore

/// What came out of reading a configuration.
public struct ConfigResult: Sendable {
    /// `nil` as soon as there is one error.
    public var desired: DesiredState?
    /// The same with errors in it, for finding more of them: every name is known, values that are wrong have their
    /// default. `nil` when a name or a file is missing, so that a check of references would only make noise.
    public var checkable: DesiredState?
    /// Errors and warnings, by file and line.
    public var problems: [Problem]
    /// Every file that was read or looked for, secret files included, with its content then (pitfall O-2).
    public var watched: WatchedSet
    /// The lines of the files, for `ProblemReport`.
    public var sources: [String: SourceText]

    /// Whether `desired` may not be served.
    public var hasErrors: Bool { self.problems.contains { $0.severity == .error } }
    /// Sorted.
    public var watchedFiles: [String] { self.watched.files.keys.sorted() }
    /// Sorted.
    public var watchedFolders: [String] { self.watched.folders.keys.sorted() }

    /// With what the compiler found in `checkable` or `desired`, but for the places where an error is known already:
    /// there it saw a default instead of what was written.
    public func adding(_ found: [Problem]) -> ConfigResult {
        let known = self.problems.filter { $0.severity == .error }
        let fresh = found.filter { problem in
            !known.contains {
                ($0.place == problem.place && problem.place != nil)
                    || ($0.code == problem.code && $0.message == problem.message)
            }
        }
        var result = self
        result.problems = Problems.sorted(self.problems + fresh)
        if result.hasErrors { result.desired = nil }
        return result
    }

    /// The problems with their lines; empty without any.
    public func report(_ format: ProblemReport.Format = .text, colour: Bool = false) -> String {
        ProblemReport(self.problems, sources: self.sources).rendered(format, colour: colour)
    }
}

/// Reads `gateway.yaml`, what it includes, and its route files. It blocks on the disk: never call it on an event loop.
public struct ConfigLoader: Sendable {
    /// Files that one configuration may consist of.
    static let filesMax = 2000

    private let environment: [String: String]
    private let digest: ContentDigest
    private let fileSystem: any ConfigFileSystem

    /// - Parameters:
    ///   - environment: what `${VAR}` sees: the variables of the process.
    ///   - digest: SHA-256; it names the revision.
    ///   - fileSystem: the machine's, but for tests.
    public init(
        environment: [String: String], digest: @escaping ContentDigest, fileSystem: any ConfigFileSystem = LocalFiles()
    ) {
        self.environment = environment
        self.digest = digest
        self.fileSystem = fileSystem
    }

    /// - Parameter path: as it should stand in messages; `-` is the standard input.
    public func load(path: String) -> ConfigResult {
        var run = LoadRun(
            environment: self.environment, digest: self.digest, files: self.fileSystem, path: path)
        return run.result()
    }
}

/// One load.
private struct LoadRun {
    private var walk: ConfigWalk
    private let path: String
    private var folder: String { PathText.folder(of: self.path) }

    init(
        environment: [String: String], digest: @escaping ContentDigest, files: any ConfigFileSystem, path: String
    ) {
        self.walk = ConfigWalk(environment: environment, digest: digest, files: files)
        self.path = path
    }

    mutating func result() -> ConfigResult {
        let state = self.state()
        let revision = self.walk.revision.text
        if revision == nil {
            self.walk.report(
                Problem(
                    "E1107", "the configuration cannot be hashed", at: Origin(file: self.path, line: 0, column: 0)))
        }
        let problems = self.walk.problems
        var checkable = state
        checkable?.revision = revision ?? ""
        return ConfigResult(
            desired: problems.hasErrors ? nil : checkable, checkable: self.walk.isIncomplete ? nil : checkable,
            problems: problems.sorted, watched: self.walk.watched, sources: self.walk.sources)
    }

    private mutating func state() -> DesiredState? {
        guard let main = self.document(self.path, isWanted: true) else { return nil }
        guard case .map = main.content else {
            self.walk.report(
                Problem("E1204", "`\(shown(self.path))` must be a mapping, found \(main.kind)", at: main.origin))
            self.walk.isIncomplete = true
            return nil
        }
        let merged = self.merged(main)
        let root = ConfigObject(
            merged, ConfigReference.root, subject: "`\(shown(self.path))`",
            at: Origin(file: self.path, line: 1, column: 1), &self.walk)
        self.checkVersion(root)
        var state = DesiredState()
        state.server = ServerSection.settings(root, &self.walk)
        state.accessLog = ServerSection.accessLog(root, &self.walk)
        state.providers = ProviderSection.providers(root, &self.walk)
        let models = ModelSection(root, &self.walk)
        state.deployments = models.deployments
        state.models = ModelExpansion.expanded(models.models, deployments: models.deployments, &self.walk)
        state.keys = KeySection.keys(root, &self.walk)
        state.routes = self.routes(root)
        return state
    }

    private mutating func checkVersion(_ root: ConfigObject) {
        guard let node = root["version"] else { return }
        if let text = node.rawText, let version = Units.integer(text), version != 1 {
            self.walk.report(
                Problem(
                    "E2112", "version \(version) of the configuration is not known here", at: node.origin,
                    help: "this program reads version 1"))
        } else {
            _ = root.integer("version", &self.walk)
        }
    }

    // MARK: Files

    /// A file's root node. `nil` after a problem; an empty file is an empty mapping.
    private mutating func document(_ path: String, isWanted: Bool, at place: Origin? = nil) -> ConfigNode? {
        guard self.walk.watched.files.count < ConfigLoader.filesMax else {
            self.walk.report(
                Problem("E1102", "the configuration has more than \(ConfigLoader.filesMax) files", at: place))
            self.walk.isIncomplete = true
            return nil
        }
        switch self.walk.read(path) {
        case .failure(let fault):
            if fault == .missing, !isWanted { return nil }
            let code = fault == .tooLarge ? "E1102" : "E1101"
            let limit = fault == .tooLarge ? "at most \(Units.text(bytes: ConfigWalk.fileBytesMax)) are read" : nil
            let place = place ?? Origin(file: path, line: 0, column: 0)
            self.walk.report(
                Problem(code, "cannot read `\(shown(path, max: 400))`: \(fault.text)", at: place, help: limit))
            self.walk.isIncomplete = true
            return nil
        case .success(let bytes):
            let reading = YAMLReader.read(bytes, file: path)
            self.walk.sources[path] = reading.source
            for problem in reading.problems.found { self.walk.report(problem) }
            if reading.isEmpty {
                return ConfigNode(content: .map([]), origin: Origin(file: path, line: 1, column: 1))
            }
            if reading.root == nil { self.walk.isIncomplete = true }
            return reading.root
        }
    }

    /// The names in a folder; `nil` when it is not there.
    private mutating func list(_ folder: String) -> [String]? {
        do {
            let names = try self.walk.files.list(folder)
            self.walk.watched.folders[folder] = WatchedSet.listed(names)
            return names.sorted()
        } catch {
            self.walk.watched.folders[folder] = []
            if error != .missing {
                self.walk.report(
                    Problem(
                        "E1101", "cannot read `\(shown(folder))`: \(error.text)",
                        at: Origin(file: folder, line: 0, column: 0)))
                self.walk.isIncomplete = true
            }
            return nil
        }
    }

    // MARK: Includes

    private mutating func merged(_ main: ConfigNode) -> ConfigNode {
        guard case .map(let entries) = main.content else { return main }
        var merge = MergedDocument(entries)
        for path in self.included(entries.first { $0.name == "include" }?.value) {
            guard let node = self.document(path.file, isWanted: !path.isOptional, at: path.origin) else { continue }
            guard case .map(let added) = node.content else {
                self.walk.report(
                    Problem("E1204", "`\(shown(path.file))` must be a mapping, found \(node.kind)", at: node.origin))
                self.walk.isIncomplete = true
                continue
            }
            merge.add(added, &self.walk)
        }
        return ConfigNode(content: .map(merge.entries), origin: main.origin)
    }

    private struct Include {
        var file: String
        var isOptional: Bool
        var origin: Origin
    }

    private mutating func included(_ node: ConfigNode?) -> [Include] {
        guard let node else { return [] }
        let items: [ConfigNode] = if case .list(let list) = node.content { list } else { [node] }
        var found: [Include] = []
        for item in items {
            if case .null = item.content { continue }
            guard let value = self.walk.text(item, "an entry of `include`") else { continue }
            var pattern = value.text
            let isOptional = pattern.hasSuffix("?")
            if isOptional { pattern.removeLast() }
            if pattern.isEmpty { continue }
            let files = self.expanded(PathText.resolved(pattern, in: self.folder))
            if files.isEmpty, !isOptional {
                self.walk.report(
                    Problem(
                        "E1104", "`\(shown(pattern))` matches no file", at: item.origin,
                        help: "a `?` at the end makes it optional"))
                self.walk.isIncomplete = true
            }
            for file in files where file != self.path && !found.contains(where: { $0.file == file }) {
                found.append(Include(file: file, isOptional: isOptional, origin: item.origin))
            }
        }
        return found
    }

    /// The files that a pattern stands for, sorted. A text without `*` and `?` stands for itself.
    private mutating func expanded(_ pattern: String) -> [String] {
        guard pattern.contains("*") || pattern.contains("?") else { return [pattern] }
        var folders = [pattern.hasPrefix("/") ? "/" : "."]
        let segments = pattern.split(separator: "/")
        for (index, segment) in segments.enumerated() {
            var next: [String] = []
            for folder in folders {
                let names: [String] =
                    if segment.contains("*") || segment.contains("?") {
                        (self.list(folder) ?? []).filter { PathText.matches(Substring($0), segment) }
                    } else {
                        [String(segment)]
                    }
                next += names.map { PathText.resolved($0, in: folder) }
            }
            folders = index + 1 < segments.count ? next : next.sorted()
        }
        return folders
    }

    // MARK: Routes

    private mutating func routes(_ root: ConfigObject) -> [RouteSpec] {
        let written = root.text("routes_dir", &self.walk)
        let folder = PathText.resolved(written?.text ?? "routes", in: self.folder)
        guard let names = self.list(folder) else {
            if let written {
                self.walk.report(
                    Problem(
                        "W1105",
                        "the folder `\(shown(folder))` is not there: there are no routes but the built-in ones",
                        at: written.origin))
            }
            return []
        }
        var routes: [RouteSpec] = []
        for name in WatchedSet.listed(names) {
            let path = PathText.resolved(name, in: folder)
            guard let node = self.document(path, isWanted: true) else { continue }
            guard let route = RouteSection.route(node, file: path, &self.walk) else { continue }
            if let first = routes.first(where: { $0.name == route.name }) {
                self.walk.report(
                    Problem(
                        "E1106", "route `\(shown(route.name.text))` is defined twice", at: route.origin,
                        other: first.origin))
            }
            routes.append(route)
        }
        return routes
    }
}

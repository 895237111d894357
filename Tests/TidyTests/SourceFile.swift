import Foundation

/// One file of the repository, as text and as code without its comments and strings.
struct SourceFile {
    /// Relative to the repository, with `/`.
    let path: String
    let lines: [String]
    /// The lines with comments and the inside of strings blanked out. For anything but Swift the lines themselves.
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        var lines = text.components(separatedBy: "\n")
        if lines.last == "" { lines.removeLast() }
        self.lines = lines
        if path.hasSuffix(".swift") {
            var code = SwiftBlanking.blanked(text).components(separatedBy: "\n")
            if code.count > lines.count { code.removeLast(code.count - lines.count) }
            self.code = code
        } else {
            self.code = lines
        }
    }

    var name: String { self.path.components(separatedBy: "/").last ?? self.path }

    /// The target of a file below `Sources/` or `Tests/`.
    var target: String? {
        let parts = self.path.components(separatedBy: "/")
        return parts.count > 2 ? parts[1] : nil
    }

    var isSource: Bool { self.path.hasPrefix("Sources/") }
    var isTest: Bool { self.path.hasPrefix("Tests/") }
    var isSwift: Bool { self.path.hasSuffix(".swift") }
}

/// Something that a check objects to; the message says what to do instead.
struct Finding: CustomStringConvertible {
    let path: String
    /// From 1; 0 for the whole file.
    let line: Int
    let message: String

    var description: String {
        self.line == 0 ? "\(self.path): \(self.message)" : "\(self.path):\(self.line): \(self.message)"
    }
}

/// What is checked: the files that people write, in this repository.
enum Repository {
    static let files: [SourceFile] = Self.read()

    static var root: URL {
        let here = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        return (0..<3).reduce(here) { path, _ in path.deletingLastPathComponent() }
    }

    private static let folders = ["Sources", "Tests", "docs", "deploy", "routes", ".ci"]
    private static let singleFiles = ["Package.swift", "README.md", "gateway.yaml"]
    private static let endings = [".swift", ".py", ".md", ".yaml", ".yml", ".h", ".modulemap"]
    private static let scripts = ["Tests/run", ".ci/run", "deploy/build", "deploy/quickstart"]
    /// Data that tests read, not text that people write; and what builds leave behind.
    private static let skipped = [
        "/Corpus/", "/Golden/", "/Cases/", "/Cassettes/", "/.build", "/__pycache__/", "/venv/",
    ]

    private static func read() -> [SourceFile] {
        var paths = Self.singleFiles + Self.scripts
        for folder in Self.folders {
            let found = FileManager.default.enumerator(atPath: Self.root.appendingPathComponent(folder).path)
            while let name = found?.nextObject() as? String {
                let path = "\(folder)/\(name)"
                guard Self.endings.contains(where: path.hasSuffix), !Self.skipped.contains(where: path.contains) else {
                    continue
                }
                paths.append(path)
            }
        }
        return paths.sorted().compactMap { path in
            guard let data = FileManager.default.contents(atPath: Self.root.appendingPathComponent(path).path) else {
                return nil
            }
            return SourceFile(path: path, text: String(decoding: data, as: UTF8.self))
        }
    }
}

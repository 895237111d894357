import Glibc

@testable import GatewayConfig

/// One file of `Cases/`: variables, files, a line of dashes, and what the loader says about them.
///
/// `NAME=value` lines come first (`\n` in a value is a newline), each file begins with `=== path`. With
/// `PENSTOCK_WRITE_CASES=1` the expected text is written anew.
struct CaseFile: CustomStringConvertible, Sendable {
    let path: String
    var environment: [String: String] = [:]
    var files: [String: String] = [:]
    var expected = ""
    private var given = ""

    static let folder: String = {
        let here = #filePath
        return String(here[..<(here.lastIndex(of: "/") ?? here.endIndex)])
    }()

    static func all() -> [CaseFile] {
        let names = (try? LocalFiles().list("\(Self.folder)/Cases")) ?? []
        return names.sorted().compactMap { CaseFile("\(Self.folder)/Cases/\($0)") }
    }

    init?(_ path: String) {
        self.path = path
        guard let bytes = try? LocalFiles().read(path, bytesMax: 1 << 20) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        var current: String?
        var isExpected = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if isExpected {
                self.expected += line + "\n"
                continue
            }
            self.given += line + "\n"
            if line.hasPrefix("----------") {
                isExpected = true
            } else if line.hasPrefix("=== ") {
                current = String(line.dropFirst(4))
                self.files[current ?? ""] = ""
            } else if let file = current {
                self.files[file, default: ""] += line + "\n"
            } else if let equals = line.firstIndex(of: "=") {
                let value = line[line.index(after: equals)...]
                self.environment[String(line[..<equals])] = value == "\\n" ? "\n" : String(value)
            }
        }
    }

    var description: String { String(self.path.split(separator: "/").last ?? "") }

    func load() -> ConfigResult {
        ConfigLoader(environment: self.environment, fileSystem: MemoryFiles(self.files)).load(path: "gateway.yaml")
    }

    func rewrite(_ actual: String) {
        TestFiles.write(self.path, self.given + actual)
    }
}

extension ConfigLoader {
    /// Names a revision by all that was read, without a hash.
    init(environment: [String: String], fileSystem: any ConfigFileSystem = LocalFiles()) {
        self.init(environment: environment, digest: { $0 }, fileSystem: fileSystem)
    }
}

/// Files on disk for tests.
enum TestFiles {
    static func write(_ path: String, _ text: String) {
        guard let file = fopen(path, "w") else { return }
        fputs(text, file)
        fclose(file)
    }

    static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

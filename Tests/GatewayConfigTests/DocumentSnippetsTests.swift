import GatewayContract
import GatewayCore
import Testing

@testable import GatewayConfig

/// Guarantee: what README.md and docs/ show as configuration is one. A fenced block says what it is behind `yaml`: the
/// file that it would be (`gateway.yaml`, or `routes/….yaml` of the last `gateway.yaml` above it), or `fragment`.
@Suite struct DocumentSnippetsTests {
    private static let environment = [
        "OPENAI_API_KEY": "sk-test-openai-0123456789", "ANTHROPIC_API_KEY": "sk-test-anthropic-0123456789",
        "GEMINI_API_KEY": "sk-test-gemini-0123456789", "AZURE_OPENAI_API_KEY": "sk-test-azure-0123456789",
        "PENSTOCK_DEV_KEY": "sk-test-dev-0123456789", "SEARCH_TEAM_KEY": "sk-test-search-0123456789",
        "CI_OLD_KEY": "sk-test-older-0123456789",
        "PENSTOCK_KEY_PEPPER": "sk-test-pepper-0123456789abcdef0",
    ]

    /// Files that snippets name; the loader reads them, and looks no further.
    private static let certificates = Dictionary(
        uniqueKeysWithValues: ["gateway.pem", "gateway.key", "internal.pem", "internal.key", "clients.pem"].map {
            ("tls/\($0)", "PEM")
        })

    private static let repository: String = {
        var path = Substring(CaseFile.folder)
        for _ in 0..<2 { path = path[..<(path.lastIndex(of: "/") ?? path.endIndex)] }
        return String(path)
    }()

    private static let documents: [String] = ["README.md"] + Self.pages(in: "docs")

    @Test(arguments: documents)
    func configurationsLoad(_ document: String) throws {
        var files: [String: String] = [:]
        for snippet in try Self.snippets(of: document) {
            let place = "\(document):\(snippet.line)"
            if snippet.name == "fragment" { continue }
            #expect(snippet.name.hasSuffix(".yaml"), "\(place): say what the block is: a file's name or `fragment`")
            if snippet.name == "gateway.yaml" { files = Self.certificates }
            files[snippet.name] = snippet.text
            #expect(files["gateway.yaml"] != nil, "\(place): a route file needs a gateway.yaml above it")
            let loader = ConfigLoader(environment: Self.environment, fileSystem: MemoryFiles(files))
            let result = loader.load(path: "gateway.yaml")
            #expect(result.desired != nil && result.report() == "", "\(place):\n\(result.report())")
        }
    }

    /// The quick start is not shown in the documents only by name.
    @Test func theReadmeShowsAConfiguration() throws {
        #expect(try Self.snippets(of: "README.md").contains { $0.name == "gateway.yaml" })
    }

    /// The repository's own file needs its key and nothing else, and says so.
    @Test func theRepositorysFileAsksForItsKey() {
        let path = "\(Self.repository)/gateway.yaml"
        let keyed = ConfigLoader(environment: ["PENSTOCK_DEV_KEY": "sk-test-dev-0123456789"]).load(path: path)
        #expect(keyed.report() == "")
        #expect(keyed.desired?.keys.map(\.name.text) == ["dev"])
        let bare = ConfigLoader(environment: [:]).load(path: path)
        #expect(bare.problems.map(\.code) == ["E1403"])
    }

    // MARK: - Markdown

    private struct Snippet {
        /// What stands behind `yaml` in the line that opens the block.
        var name: String
        var text: String
        var line: Int
    }

    private static func snippets(of document: String) throws -> [Snippet] {
        let bytes = try LocalFiles().read("\(Self.repository)/\(document)", bytesMax: 1 << 20)
        var found: [Snippet] = []
        var open: Snippet?
        var isOther = false
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            guard line.hasPrefix("```") else {
                open?.text += line + "\n"
                continue
            }
            if let snippet = open {
                found.append(snippet)
                open = nil
            } else if isOther {
                isOther = false
            } else {
                let words = line.dropFirst(3).split(separator: " ")
                let isYAML = words.first == "yaml"
                isOther = !isYAML
                if isYAML { open = Snippet(name: words.dropFirst().joined(separator: " "), text: "", line: index + 1) }
            }
        }
        return found
    }

    /// Markdown files in a folder and its folders, seen from the repository.
    private static func pages(in folder: String) -> [String] {
        let names = (try? LocalFiles().list("\(Self.repository)/\(folder)")) ?? []
        return names.sorted().flatMap { name -> [String] in
            if name.hasSuffix(".md") { return ["\(folder)/\(name)"] }
            return name.contains(".") ? [] : Self.pages(in: "\(folder)/\(name)")
        }
    }
}

import Testing

@testable import GatewayConfig

@Suite struct ConfigFileSystemTests {
    @Test func pathsAreSeenFromAFolder() {
        #expect(PathText.folder(of: "a/b/c.yaml") == "a/b")
        #expect(PathText.folder(of: "c") == "." && PathText.folder(of: "/c") == "/")
        #expect(PathText.resolved("./routes/", in: ".") == "routes" && PathText.resolved("x", in: "/etc") == "/etc/x")
        #expect(PathText.resolved("/abs", in: "a") == "/abs" && PathText.resolved("x", in: "/") == "/x")
        #expect(PathText.resolved(".", in: "a") == "a" && PathText.resolved("../x", in: "a") == "a/../x")
    }

    @Test func patternsMatchNames() {
        let cases: [(String, String, Bool)] = [
            ("a.yaml", "*.yaml", true), ("a.yml", "*.yaml", false), (".a.yaml", "*.yaml", false), ("ab", "a?", true),
            ("a", "a?", false), ("", "*", true), ("aXbXc", "a*b*c", true), ("aXbX", "a*b*c", false),
            ("abc", "abc", true), ("aaaaaaaaaaaaaaaaaaaaaaaa", "*a*a*a*a*a*b", false), (".x", ".*", true),
        ]
        for (name, pattern, matches) in cases {
            #expect(PathText.matches(Substring(name), Substring(pattern)) == matches, "\(name) \(pattern)")
        }
    }

    @Test func faultsOfTheDiskAreNamed() {
        #expect(throws: FileFault.missing) { try LocalFiles().read("/nowhere/at/all", bytesMax: 10) }
        #expect(throws: FileFault.notAFile) { try LocalFiles().read("/dev/null", bytesMax: 10) }
        #expect(throws: FileFault.notAFile) { try LocalFiles().read("/tmp", bytesMax: 10) }
        #expect(throws: FileFault.tooLarge) { try LocalFiles().read(#filePath, bytesMax: 10) }
        #expect(throws: FileFault.missing) { try LocalFiles().list("/nowhere/at/all") }
        #expect((try? LocalFiles().list(CaseFile.folder))?.contains("Cases") == true)
    }

    /// Guarantee: memory behaves like a disk, so that tests with it mean something.
    @Test func memoryListsFolders() throws {
        let files = MemoryFiles(["a/b.yaml": "", "a/c/d": "", "e": ""])
        #expect(try files.list("a") == ["b.yaml", "c"])
        #expect(try files.list(".") == ["a", "e"])
        #expect(throws: FileFault.missing) { try files.list("x") }
    }

    @Test func hashesTellContentApart() {
        // The published values of FNV-1a with 128 bits, for no byte and for "a".
        #expect(ContentHash().description == "6c62272e07bb014262b821756295c58d")
        #expect(ContentHash("a".utf8).description == "d228cb696f1a8caf78912b704e4a8964")
    }
}

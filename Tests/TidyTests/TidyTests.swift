import Foundation
import Testing

/// The form of the code, checked: the message of a failure says what to write instead.
@Suite struct TidyTests {
    private var files: [SourceFile] { Repository.files }

    private func manifest() throws -> [String: Set<String>] {
        let package = try #require(self.files.first { $0.path == "Package.swift" })
        return Manifest.targets(package.lines.joined(separator: "\n"))
    }

    private func list(_ findings: [Finding]) -> String {
        findings.map(\.description).joined(separator: "\n")
    }

    private func expectNone(_ findings: [Finding]) {
        guard !findings.isEmpty else { return }
        Issue.record("\(findings.count) findings:\n\(self.list(findings))")
    }

    /// Without this the checks below could pass on nothing.
    @Test func theRepositoryIsFound() throws {
        #expect(self.files.filter(\.isSource).count > 20)
        #expect(self.files.contains { $0.path == "Sources/GatewayCore/Time.swift" })
        #expect(try self.manifest()["GatewayPipeline"]?.contains("GatewayDialects") == true)
        #expect(try self.manifest()["GatewayHTTP"]?.contains("NIOSSL") == true)
        #expect(try self.manifest()["penstock"]?.contains("ArgumentParser") == true)
        #expect(try self.manifest()["TidyTests"] == [])
    }

    @Test func targetsImportOnlyWhatTheyMay() throws {
        self.expectNone(ImportCheck.sources(self.files, manifest: try self.manifest()))
    }

    @Test func targetsDependOnlyOnWhatTheyMay() throws {
        self.expectNone(ImportCheck.manifest(try self.manifest()))
    }

    @Test func pureTargetsKnowNoSockets() {
        self.expectNone(ImportCheck.channels(self.files))
    }

    @Test func filesAreShort() {
        self.expectNone(SizeCheck.files(self.files))
    }

    @Test func functionsAreShort() {
        self.expectNone(SizeCheck.functions(self.files))
    }

    @Test func linesAreShort() {
        self.expectNone(SizeCheck.columns(self.files))
    }

    @Test func filesAreNamedAfterWhatIsInThem() {
        self.expectNone(NameCheck.names(self.files.map(\.path)))
    }

    @Test func nothingBannedIsUsed() {
        self.expectNone(BanCheck.bans(self.files))
    }

    @Test func claimsToTheCompilerHaveReasons() {
        self.expectNone(BanCheck.unsafeClaims(self.files))
    }

    @Test func leftoversHaveIssues() {
        self.expectNone(BanCheck.leftovers(self.files))
    }

    @Test func tokensAndMoneyAreWholeNumbers() {
        self.expectNone(BanCheck.floats(self.files))
        #expect(self.files.contains { BanCheck.isBilling($0.path) })
    }

    @Test func noPlaceOnOneMachineIsNamed() {
        self.expectNone(BanCheck.machinePaths(self.files))
    }

    @Test func publicSymbolsHaveDocComments() {
        self.expectNone(DocCheck.undocumented(self.files))
    }
}

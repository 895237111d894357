import Foundation
import GatewayCore
import Testing

@testable import GatewayTelemetry

/// The pages under docs/reference say what the code says. `PENSTOCK_WRITE_DOCS=1` writes them instead.
@Suite struct ReferencePagesTests {
    private func check(_ name: String, _ page: String) throws {
        let here = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        let root = (0..<4).reduce(here) { path, _ in path.deletingLastPathComponent() }
        let file = root.appendingPathComponent("docs/reference/\(name)")
        if ProcessInfo.processInfo.environment["PENSTOCK_WRITE_DOCS"] == "1" {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(page.utf8).write(to: file)
        }
        let written = (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) }
        #expect(
            written == page,
            "docs/reference/\(name) is stale: PENSTOCK_WRITE_DOCS=1 swift test --filter ReferencePagesTests")
    }

    @Test func metricsPageIsFresh() throws {
        try self.check("metrics.md", ReferencePages.metrics())
    }

    @Test func errorsPageIsFresh() throws {
        try self.check("errors.md", ReferencePages.errors())
    }

    @Test func everyMetricAndErrorIsOnItsPage() {
        let metrics = ReferencePages.metrics()
        for metric in Metric.allCases { #expect(metrics.contains("| `\(metric.rawValue)` |")) }
        let errors = ReferencePages.errors()
        for code in ErrorCode.allCases { #expect(errors.contains("| `\(code.row.label)` | \(code.row.status) |")) }
        #expect(errors.split(separator: "\n").count { $0.hasPrefix("| `") } == ErrorCode.allCases.count)
    }
}

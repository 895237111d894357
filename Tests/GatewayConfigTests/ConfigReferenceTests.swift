import GatewayContract
import GatewayCore
import Testing

@testable import GatewayConfig

@Suite struct ConfigReferenceTests {
    private static let repository: String = {
        var path = Substring(CaseFile.folder)
        for _ in 0..<2 { path = path[..<(path.lastIndex(of: "/") ?? path.endIndex)] }
        return String(path)
    }()

    /// Guarantee: docs/reference/config.md is what the tables say. `PENSTOCK_WRITE_DOCS=1` writes it anew.
    @Test func theReferencePageIsFresh() {
        let path = "\(Self.repository)/docs/reference/config.md"
        if TestFiles.variable("PENSTOCK_WRITE_DOCS") == "1" { TestFiles.write(path, ConfigManual.markdown) }
        let bytes = (try? LocalFiles().read(path, bytesMax: 1 << 20)) ?? []
        #expect(
            String(decoding: bytes, as: UTF8.self) == ConfigManual.markdown,
            "run the tests once with PENSTOCK_WRITE_DOCS=1")
    }

    /// Guarantee: the configuration of the repository loads without any account.
    @Test func theRepositorysOwnFilesLoad() {
        let result = ConfigLoader(environment: ["PENSTOCK_DEV_KEY": "sk-test-dev-0123456789"])
            .load(path: "\(Self.repository)/gateway.yaml")
        #expect(result.report() == "")
        #expect((result.desired?.routes.count ?? 0) > 0)
        #expect(result.watchedFiles.contains("\(Self.repository)/gateway.yaml"))
    }

    /// Guarantee: the defaults that the tables print are those that hold.
    @Test func printedDefaultsHold() {
        let limits = ServerLimits()
        let timeouts = UpstreamTimeouts()
        let printed: [(ConfigTable, String, String)] = [
            (ConfigReference.serverLimits, "max_body", Units.text(bytes: limits.bodyBytesMax)),
            (ConfigReference.serverLimits, "max_header", Units.text(bytes: limits.headBytesMax)),
            (ConfigReference.serverLimits, "max_header_fields", "\(limits.headFieldsMax)"),
            (ConfigReference.serverLimits, "idle_timeout", Units.text(limits.idleTimeout)),
            (ConfigReference.serverLimits, "head_timeout", Units.text(limits.headTimeout)),
            (ConfigReference.serverLimits, "body_timeout", Units.text(limits.bodyTimeout)),
            (ConfigReference.serverLimits, "max_connections", "\(limits.connectionsMax)"),
            (ConfigReference.serverLimits, "max_in_flight", Units.text(bytes: limits.inFlightBytesMax)),
            (ConfigReference.drain, "grace", Units.text(DrainSettings().grace)),
            (ConfigReference.drain, "stream_grace", Units.text(DrainSettings().streamGrace)),
            (ConfigReference.timeouts, "connect", Units.text(timeouts.connect)),
            (ConfigReference.timeouts, "first_content", Units.text(timeouts.firstContent)),
            (ConfigReference.timeouts, "inter_content", Units.text(timeouts.interContent)),
            (ConfigReference.timeouts, "total", Units.text(timeouts.total)),
            (ConfigReference.provider, "max_connections", "\(ProviderSpec(name: "x", type: .echo).connectionsMax)"),
            (ConfigReference.root, "listen", ServerSettings().listen[0].description),
            (ConfigReference.admin, "address", ServerSettings().admin.description),
        ]
        for (table, key, text) in printed { #expect(table.key(key)?.defaultText == text, "\(key)") }
    }

    @Test func tablesAreSound() {
        let tables = ConfigReference.gatewayTables + ConfigReference.routeTables
        #expect(Set(tables.map(\.id)).count == tables.count)
        for table in tables {
            #expect(Set(table.names).count == table.names.count)
            #expect(table.names.allSatisfy { table.notBuilt[$0] == nil }, "\(table.id)")
            for key in table.keys { #expect(key.meaning.hasSuffix("."), "\(table.id).\(key.name)") }
        }
        #expect(Set(ConfigReference.schemas) == Set(Endpoint.allCases.map(\.dialect)))
        #expect(Set(ConfigReference.providerTypes) == Set(ProviderType.allCases.map(\.rawValue)))
    }

    /// Guarantee: the schema names every key of the tables and allows no other.
    @Test func theSchemaHasEveryKey() {
        for (text, tables) in [
            (ConfigSchema.gateway, ConfigReference.gatewayTables), (ConfigSchema.route, ConfigReference.routeTables),
        ] {
            for table in tables {
                for key in table.keys { #expect(text.contains("\"\(key.name)\":{\"description\":"), "\(key.name)") }
            }
            #expect(
                text.hasPrefix("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"") && text.hasSuffix("}\n")
            )
        }
    }
}

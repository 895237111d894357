import ArgumentParser
import GatewayContract
import GatewayCore
import GatewayPolicy

struct RoutesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes", abstract: "Which paths are served, and which route wins.",
        subcommands: [RoutesListCommand.self, RoutesExplainCommand.self])
}

struct RoutesListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Every route and version, with its path and its state today.")

    @OptionGroup var options: ConfigOption

    func run() throws {
        let (_, routing) = try self.options.compile()
        var rows = [["ROUTE", "VERSION", "METHOD", "PATH", "DIALECT", "STATE", "HOSTS"]]
        let now = WallTime.now()
        for route in routing.routes.routes {
            for version in route.versions {
                let spec = version.spec
                rows.append([
                    route.spec.name.text, spec.name.text, spec.endpoint.shape == .none ? "GET" : "POST", spec.path,
                    spec.endpoint.dialect, Self.state(of: spec, at: now),
                    route.spec.hosts.isEmpty ? "*" : route.spec.hosts.joined(separator: ","),
                ])
            }
        }
        Terminal.write(Terminal.table(rows))
    }

    private static func state(of version: RouteVersionSpec, at now: WallTime) -> String {
        if let sunset = version.sunset, sunset <= now { return "sunset" }
        if let deprecated = version.deprecated, deprecated <= now { return "deprecated" }
        if let start = version.fromDate, start > now { return "preview" }
        return "active"
    }
}

struct RoutesExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Which route and version a request would take, and why.")

    @OptionGroup var options: ConfigOption

    @Option(help: "The Host field of the request.")
    var host = "localhost"

    @Option(name: .customLong("header"), help: "A field of the request, as `Name: value`. May be repeated.")
    var headers: [String] = []

    @Argument(help: "GET or POST.")
    var method: String

    @Argument(help: "The path, with the query if there is one.")
    var path: String

    func run() throws {
        let (_, routing) = try self.options.compile()
        let method = Array(self.method.uppercased().utf8).withUnsafeBytes { HTTPMethod($0) }
        let fields = self.headers.map { line in
            line.split(separator: ":", maxSplits: 1).map { part in String(part.drop { $0 == " " }) }
        }
        let lines = routing.routes.explain(method: method, host: self.host, path: self.path, today: .now()) { name in
            fields.first { $0.count == 2 && $0[0].lowercased() == name }?[1]
        }
        Terminal.write(lines.joined(separator: "\n") + "\n")
    }
}

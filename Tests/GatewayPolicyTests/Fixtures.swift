import GatewayContract
import GatewayCore

@testable import GatewayPolicy

/// Small desired states and look-ups for the tests of this target.
enum Fixture {
    static func origin(_ file: String, _ line: Int) -> Origin { Origin(file: file, line: line, column: 1) }

    static func date(_ year: Int, _ month: Int, _ day: Int) -> WallTime {
        WallTime(unixSeconds: CivilDate.unixSeconds(year: year, month: month, day: day) ?? 0)
    }

    static let today = Fixture.date(2026, 9, 1)

    static func table(_ routes: [RouteSpec] = [], models: [ModelName] = []) -> (RouteTable, [CompileProblem]) {
        RouteTable.compile(routes, models: ModelTable(models))
    }

    static func compile(_ desired: DesiredState, slab: LimitSlab = LimitSlab(capacity: 100)) -> [CompileProblem] {
        switch SnapshotCompiler.compile(desired, generation: 1, limits: slab) {
        case .success(let snapshot): snapshot.warnings
        case .failure(let problems): problems.list
        }
    }

    /// One echo provider, deployments `a`, `b`, … with the given weights, one model `m` over the given tiers.
    static func snapshot(weights: [Int], tiers: [[Int]]) -> RoutingSnapshot? {
        let names = (0..<weights.count).map { DeploymentName("d\($0)") }
        let desired = DesiredState(
            providers: [ProviderSpec(name: "echo", type: .echo)],
            deployments: names.indices.map {
                DeploymentSpec(name: names[$0], provider: "echo", upstreamModel: "x", weight: weights[$0])
            },
            models: [
                ModelSpec(name: "m", target: .deployments(tiers.map { $0.map { Reference(names[$0]) } }))
            ])
        return try? SnapshotCompiler.compile(desired, generation: 1, limits: LimitSlab(capacity: 1)).get()
    }
}

extension RouteTable {
    func find(
        _ method: HTTPMethod, _ path: String, host: String = "localhost", query: String = "",
        today: WallTime = Fixture.today, headers: [String: String] = [:]
    ) -> RouteVerdict {
        Array(host.utf8).withUnsafeBytes { host in
            Array(path.utf8).withUnsafeBytes { path in
                Array(query.utf8).withUnsafeBytes { query in
                    self.find(
                        method: method, host: host, path: path, query: query, today: today,
                        headerNamed: { headers[$0] })
                }
            }
        }
    }

    /// The verdict as one word or line, with names instead of places.
    func say(
        _ method: HTTPMethod, _ path: String, host: String = "localhost", query: String = "",
        today: WallTime = Fixture.today, headers: [String: String] = [:]
    ) -> String {
        func name(_ match: RouteMatch) -> String {
            let route = self.routes[match.route]
            let model = match.modelInPath.map { " " + String(decoding: Array(path.utf8)[$0], as: UTF8.self) } ?? ""
            return route.isBuiltIn
                ? "\(match.endpoint.rawValue)\(model)"
                : "\(route.spec.name)/\(route.versions[match.version].spec.name)\(model)"
        }
        switch self.find(method, path, host: host, query: query, today: today, headers: headers) {
        case .match(let match): return name(match)
        case .notFound: return "404"
        case .endpointNotAvailable: return "404 not available"
        case .methodNotAllowed(let allow): return "405 \(allow)"
        case .versionUnknown: return "400 version"
        case .sunset(let match): return "410 \(name(match))"
        case .redirect(_, let path): return "308 \(path)"
        }
    }
}

extension RouteVersionSpec {
    static func chat(
        _ name: VersionName, _ path: String, line: Int = 1, fromDate: WallTime? = nil, deprecated: WallTime? = nil,
        sunset: WallTime? = nil, successor: Reference<VersionKind>? = nil, docs: String? = nil,
        afterSunset: AfterSunset = .gone
    ) -> Self {
        RouteVersionSpec(
            name: name, path: path, pathOrigin: Fixture.origin("routes/chat.yaml", line), endpoint: .chatCompletions,
            fromDate: fromDate, deprecated: deprecated, sunset: sunset, successor: successor, docs: docs,
            afterSunset: afterSunset, origin: Fixture.origin("routes/chat.yaml", line))
    }
}

import GatewayContract
import GatewayCore

/// Turns a desired state into the form that a node runs on: pure, the same on every node. It reports everything that
/// is wrong at once, resolves every name, and touches nothing but the slab, where new limits get their cells.
///
/// Codes: E30xx names and references, E40xx inside one route, E50xx between routes, E60xx keys and limits; W for
/// warnings.
public struct SnapshotCompiler {
    /// - Parameters:
    ///   - limits: the process's slab. A state that is refused may leave cells behind that a later one takes up.
    ///   - created: shown in model lists.
    /// - Returns: the snapshot, its warnings inside; or all problems, warnings included, ordered by place.
    public static func compile(
        _ desired: DesiredState, generation: UInt64, limits: LimitSlab, created: WallTime = .init(unixSeconds: 0)
    ) -> Result<RoutingSnapshot, CompileProblems> {
        var compiler = Self(desired: desired, slab: limits)
        compiler.addProviders()
        compiler.addDeployments()
        compiler.addModels(created: created.unixSeconds)
        let table = ModelTable(compiler.models.map(\.name))
        compiler.checkKeys(table)
        compiler.checkRoutes(table)
        let (routes, routeProblems) = RouteTable.compile(desired.routes, models: table)
        let problems = (compiler.problems + routeProblems).sorted(by: Self.isBefore)
        guard problems.allSatisfy(\.isWarning) else { return .failure(CompileProblems(problems)) }
        return .success(
            RoutingSnapshot(
                generation: generation, desired: desired, deployments: compiler.deployments, models: compiler.models,
                modelTable: table, routes: routes, warnings: problems))
    }

    private let desired: DesiredState
    private let slab: LimitSlab
    private var problems: [CompileProblem] = []
    private var providerPlaces: [ProviderName: Int] = [:]
    private var deploymentPlaces: [DeploymentName: Int] = [:]
    private var deployments: [Deployment] = []
    private var models: [Model] = []

    private init(desired: DesiredState, slab: LimitSlab) {
        self.desired = desired
        self.slab = slab
    }

    private static func isBefore(_ left: CompileProblem, _ right: CompileProblem) -> Bool {
        let (one, two) = (left.origin, right.origin)
        return (one.file, one.line, one.column, left.code) < (two.file, two.line, two.column, right.code)
    }
}

// MARK: - Providers and deployments

extension SnapshotCompiler {
    private mutating func addProviders() {
        for (place, provider) in self.desired.providers.enumerated() {
            if let other = self.providerPlaces.updateValue(place, forKey: provider.name) {
                self.reportTwice("provider", provider.name, provider.origin, self.desired.providers[other].origin)
            }
            if provider.type != .echo, provider.type.defaultBaseURL == nil, provider.baseURL == nil {
                self.report("E3007", "provider `\(provider.name)` has no address", provider.origin)
            }
        }
    }

    /// Places in `deployments` are those in `desired.deployments`; with an error, the provider's place may be wrong.
    private mutating func addDeployments() {
        for (place, spec) in self.desired.deployments.enumerated() {
            if let other = self.deploymentPlaces.updateValue(place, forKey: spec.name) {
                self.reportTwice("deployment", spec.name, spec.origin, self.desired.deployments[other].origin)
            }
            if self.providerPlaces[spec.provider] == nil {
                self.report(
                    "E3002", "deployment `\(spec.name)` refers to provider `\(spec.provider)`, which is not defined",
                    spec.origin, near: spec.provider, self.desired.providers.lazy.map(\.name))
            }
            if !(0...1000).contains(spec.weight) {
                self.report(
                    "E3008", "deployment `\(spec.name)` has weight \(spec.weight)", spec.origin, help: "0 to 1000")
            }
            self.deployments.append(
                Deployment(
                    index: place, name: spec.name, provider: self.providerPlaces[spec.provider] ?? 0,
                    upstreamModel: spec.upstreamModel, upstreamModelLiteral: Self.literal(spec.upstreamModel.text),
                    weight: min(max(spec.weight, 0), 1000)))
        }
    }

    /// A JSON string (RFC 8259 section 7), with only what must be escaped escaped.
    static func literal(_ text: String) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        var bytes = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default:
                bytes.append(byte)
            }
        }
        return bytes + [UInt8(ascii: "\"")]
    }
}

// MARK: - Models

extension SnapshotCompiler {
    private mutating func addModels(created: Int64) {
        var met: [ModelName: Origin] = [:]
        for (place, spec) in self.desired.models.enumerated() {
            if let other = met.updateValue(spec.origin, forKey: spec.name) {
                self.reportTwice("model", spec.name, spec.origin, other)
            }
            self.checkNumbers(of: spec)
            let cells = self.slab.cells(for: spec.limits, ofModel: spec.name)
            if cells == nil {
                self.report("E6004", "no room for the limits of model `\(spec.name)`", spec.origin)
            }
            var tiers: [[Int]] = []
            var provider: Int?
            switch spec.target {
            case .deployments(let references): tiers = self.tiers(of: spec, references)
            case .passthrough(let reference): provider = self.passthrough(of: spec, reference)
            }
            self.models.append(
                Model(
                    index: place, name: spec.name, tiers: tiers, passthroughProvider: provider,
                    passthroughPrefixCount: provider == nil ? 0 : spec.name.text.utf8.count - 1, retry: spec.retry,
                    limits: cells ?? .none, created: created))
        }
    }

    private mutating func checkNumbers(of spec: ModelSpec) {
        self.problems += spec.limits.problems(of: "model `\(spec.name)`", origin: spec.origin)
        if !(0...10).contains(spec.retry.attempts) {
            self.report(
                "E3010", "model `\(spec.name)` has \(spec.retry.attempts) retry attempts", spec.origin, help: "0 to 10")
        }
        let stars = spec.name.text.utf8.filter { $0 == UInt8(ascii: "*") }.count
        var isPassthrough = false
        if case .passthrough = spec.target { isPassthrough = true }
        if spec.name.text.isEmpty || stars != (isPassthrough ? 1 : 0) || spec.name.isWildcard != isPassthrough {
            self.report(
                "E3009", "`\(spec.name)` is no usable name for this model", spec.origin,
                help: "with `passthrough` it ends in `*`, otherwise it has none")
        }
    }

    private mutating func tiers(of spec: ModelSpec, _ tiers: [[Reference<DeploymentKind>]]) -> [[Int]] {
        if tiers.isEmpty || tiers.contains(where: \.isEmpty) {
            self.report("E3006", "model `\(spec.name)` has no deployment", spec.origin)
        }
        var met: Set<DeploymentName> = []
        var result: [[Int]] = []
        for tier in tiers {
            var places: [Int] = []
            for reference in tier {
                guard let place = self.deploymentPlaces[reference.name] else {
                    self.report(
                        "E3001", "model `\(spec.name)` refers to deployment `\(reference.name)`, which is not defined",
                        reference.origin, near: reference.name, self.desired.deployments.lazy.map(\.name))
                    continue
                }
                if met.insert(reference.name).inserted {
                    places.append(place)
                } else {
                    self.warn(
                        "W3011", "model `\(spec.name)` names deployment `\(reference.name)` again", reference.origin)
                }
            }
            if !places.isEmpty { result.append(places) }
        }
        return result
    }

    private mutating func passthrough(of spec: ModelSpec, _ reference: Reference<ProviderNameKind>) -> Int? {
        if let place = self.providerPlaces[reference.name] { return place }
        self.report(
            "E3003", "model `\(spec.name)` refers to provider `\(reference.name)`, which is not defined",
            reference.origin, near: reference.name, self.desired.providers.lazy.map(\.name))
        return nil
    }
}

// MARK: - Who refers to models

extension SnapshotCompiler {
    /// A list that matches nothing is an error when it is loaded, not a surprise later (pitfall B-11).
    private mutating func checkKeys(_ table: ModelTable) {
        var known: [ModelName: Bool] = [:]
        for key in self.desired.keys {
            for pattern in (key.models ?? []).map({ ModelName($0) }) {
                let isKnown = known[pattern] ?? self.matchesSomething(pattern, table)
                known[pattern] = isKnown
                if isKnown { continue }
                self.report(
                    "E3005", "key `\(key.name)` allows model `\(pattern)`, which is not defined", key.origin,
                    near: pattern, self.desired.models.lazy.map(\.name))
            }
        }
    }

    private func matchesSomething(_ pattern: ModelName, _ table: ModelTable) -> Bool {
        guard pattern.isWildcard else { return table.find(pattern) != nil }
        let prefix = Array(pattern.text.utf8.dropLast())
        return self.models.contains { model in
            let name = Array(model.name.text.utf8.prefix(while: { $0 != UInt8(ascii: "*") }))
            return name.starts(with: prefix) || (model.name.isWildcard && prefix.starts(with: name))
        }
    }

    private mutating func checkRoutes(_ table: ModelTable) {
        for route in self.desired.routes {
            for reference in route.versions.lazy.flatMap({ $0.models ?? [] }) where table.find(reference.name) == nil {
                self.report(
                    "E3004", "route `\(route.name)` names model `\(reference.name)`, which is not defined",
                    reference.origin, near: reference.name, self.desired.models.lazy.map(\.name))
            }
        }
    }
}

// MARK: - Reports

extension SnapshotCompiler {
    private mutating func report(_ code: String, _ message: String, _ origin: Origin, help: String? = nil) {
        self.problems.append(CompileProblem(code: code, message: message, origin: origin, help: help))
    }

    private mutating func report<Kind>(
        _ code: String, _ message: String, _ origin: Origin, near name: Name<Kind>, _ names: some Sequence<Name<Kind>>
    ) {
        self.problems.append(
            CompileProblem(
                code: code, message: message, origin: origin,
                suggestion: ClosestName.find(name.text, among: names.lazy.map(\.text))))
    }

    private mutating func reportTwice<Kind>(_ kind: String, _ name: Name<Kind>, _ origin: Origin, _ other: Origin) {
        self.problems.append(
            CompileProblem(code: "E3012", message: "\(kind) `\(name)` is defined twice", origin: origin, other: other))
    }

    private mutating func warn(_ code: String, _ message: String, _ origin: Origin) {
        self.problems.append(CompileProblem(code: code, message: message, origin: origin, isWarning: true))
    }
}

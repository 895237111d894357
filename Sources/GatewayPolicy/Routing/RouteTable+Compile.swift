import GatewayContract
import GatewayCore

extension RouteTable {
    /// Compiles configured routes and adds the built-in ones.
    /// - Parameter models: resolves the names in a version's `models`; their problems have been reported before.
    /// - Returns: a table, and what is wrong: with an error among the problems the table is not to be used.
    static func compile(_ configured: [RouteSpec], models: ModelTable) -> (RouteTable, [CompileProblem]) {
        var compiler = RouteCompiler(models: models)
        for route in configured { compiler.add(route, isBuiltIn: false) }
        for route in BuiltInRoutes.routes { compiler.add(route, isBuiltIn: true) }
        return compiler.finish()
    }
}

/// Collects candidates by path, then ranks them.
private struct RouteCompiler {
    private struct Entry {
        let candidate: RouteTable.Candidate
        let isBuiltIn: Bool
        let priority: Int
    }

    private let models: ModelTable
    private var routes: [CompiledRoute] = []
    private var names: [RouteName: Origin] = [:]
    private var hosts: [[UInt8]] = []
    private var hostPlaces: [[UInt8]: Int32] = [:]
    private var groups: [[Int32]] = []
    private var entries: [PathPattern: [Entry]] = [:]
    /// In the order in which they were met, so that a table is the same on every run.
    private var order: [PathPattern] = []
    private var problems: [CompileProblem] = []

    init(models: ModelTable) {
        self.models = models
    }

    mutating func add(_ route: RouteSpec, isBuiltIn: Bool) {
        if let other = self.names.updateValue(route.origin, forKey: route.name) {
            self.report("E4001", "route `\(route.name)` is defined twice", route.origin, other: other)
        }
        if !isBuiltIn { self.problems += RouteCheck.problems(of: route) }
        let versions = route.versions.map { version in
            let place = version.successor.flatMap { successor in
                route.versions.firstIndex { $0.name == successor.name }
            }
            return CompiledVersion(
                route: route, spec: version,
                lifecycle: isBuiltIn
                    ? .none : .compile(version, successor: place.map { ($0, route.versions[$0]) }),
                method: BuiltInRoutes.method(of: version.endpoint),
                models: version.models.map { Set($0.compactMap { self.models.find($0.name) }) })
        }
        self.routes.append(CompiledRoute(spec: route, versions: versions, isBuiltIn: isBuiltIn))
        self.addPaths(of: route, versions, isBuiltIn)
    }

    /// One candidate per path, method and host of the route.
    private mutating func addPaths(of route: RouteSpec, _ versions: [CompiledVersion], _ isBuiltIn: Bool) {
        var met: [PathPattern: [HTTPMethod]] = [:]
        for (place, version) in versions.enumerated() {
            guard let pattern = PathPattern(version.spec.path, for: version.spec.endpoint),
                !met[pattern, default: []].contains(version.method)
            else { continue }
            met[pattern, default: []].append(version.method)
            let group = self.group(of: route, versions, pattern, version.method)
            for host in self.places(of: route.hosts) {
                let candidate = RouteTable.Candidate(
                    route: Int32(self.routes.count - 1), version: Int32(place), host: host, group: group,
                    hasSunset: version.lifecycle.sunset != nil,
                    method: version.method, endpoint: version.spec.endpoint)
                if self.entries[pattern] == nil { self.order.append(pattern) }
                self.entries[pattern, default: []].append(
                    Entry(candidate: candidate, isBuiltIn: isBuiltIn, priority: route.priority))
            }
        }
    }

    /// Versions among which the request decides: those that share the path, or all when paths do not choose.
    /// - Returns: -1 when there is only one.
    private mutating func group(
        of route: RouteSpec, _ versions: [CompiledVersion], _ pattern: PathPattern, _ method: HTTPMethod
    ) -> Int32 {
        let members = versions.indices.filter { place in
            guard versions[place].method == method else { return false }
            return !route.selection.path
                || PathPattern(versions[place].spec.path, for: versions[place].spec.endpoint) == pattern
        }
        guard members.count > 1 else { return -1 }
        self.groups.append(members.map { Int32($0) })
        return Int32(self.groups.count - 1)
    }

    private mutating func places(of hosts: [String]) -> [Int32] {
        if hosts.isEmpty { return [-1] }
        var places: [Int32] = []
        for host in hosts.map(RequestHost.configured) {
            let place = self.hostPlaces[host] ?? Int32(self.hosts.count)
            if place == Int32(self.hosts.count) {
                self.hosts.append(host)
                self.hostPlaces[host] = place
            }
            if !places.contains(place) { places.append(place) }
        }
        return places
    }

    mutating func finish() -> (RouteTable, [CompileProblem]) {
        var candidates: [RouteTable.Candidate] = []
        var exact: [[UInt8]] = []
        var exactCandidates: [Range<Int>] = []
        var patterns: [RouteTable.Pattern] = []
        for pattern in self.order {
            let ranked = self.ranked(self.entries[pattern] ?? [])
            let start = candidates.count
            candidates += ranked.map(\.candidate)
            if pattern.kind == .exact {
                exact.append(pattern.prefix)
                exactCandidates.append(start..<candidates.count)
            } else {
                patterns.append(RouteTable.Pattern(pattern: pattern, candidates: start..<candidates.count))
            }
        }
        let table = RouteTable(
            routes: self.routes, exact: ByteTable(exact), exactCandidates: exactCandidates,
            patterns: Self.sorted(patterns), candidates: candidates, hosts: self.hosts, groups: self.groups)
        return (table, self.problems)
    }

    /// Narrower ones first: a verb before the rest of a path, a longer prefix before a shorter one.
    private static func sorted(_ patterns: [RouteTable.Pattern]) -> [RouteTable.Pattern] {
        patterns.enumerated().sorted { left, right in
            let (one, two) = (left.element.pattern, right.element.pattern)
            if (one.kind == .rest) != (two.kind == .rest) { return two.kind == .rest }
            if one.prefix.count != two.prefix.count { return one.prefix.count > two.prefix.count }
            return left.offset < right.offset
        }.map(\.element)
    }

    /// A named host before every host, then a configured route before a built-in one, then the higher priority. What
    /// is left equal is a conflict.
    private mutating func ranked(_ entries: [Entry]) -> [Entry] {
        func isBefore(_ left: Entry, _ right: Entry) -> Bool {
            if (left.candidate.host < 0) != (right.candidate.host < 0) { return right.candidate.host < 0 }
            if left.isBuiltIn != right.isBuiltIn { return right.isBuiltIn }
            return left.priority > right.priority
        }
        let sorted = entries.enumerated().sorted { left, right in
            if isBefore(left.element, right.element) { return true }
            if isBefore(right.element, left.element) { return false }
            return left.offset < right.offset
        }.map(\.element)
        var met: [Place: Entry] = [:]
        for entry in sorted where !entry.isBuiltIn {
            let place = Place(host: entry.candidate.host, method: entry.candidate.method)
            guard let other = met[place] else {
                met[place] = entry
                continue
            }
            self.reportOverlap(entry, other)
        }
        return sorted
    }

    private struct Place: Hashable {
        let host: Int32
        let method: HTTPMethod
    }

    private mutating func reportOverlap(_ entry: Entry, _ other: Entry) {
        let host =
            entry.candidate.host < 0 ? "" : String(decoding: self.hosts[Int(entry.candidate.host)], as: UTF8.self)
        let (first, firstOrigin, path) = self.name(of: entry.candidate)
        let (second, secondOrigin, _) = self.name(of: other.candidate)
        let what = "\(entry.candidate.method.text) \(host)\(path)"
        if entry.priority == other.priority {
            self.problems.append(
                CompileProblem(
                    code: "E5012", message: "\(second) and \(first) both match \(what)", origin: secondOrigin,
                    other: firstOrigin, help: "give one of them a narrower `match.host` or a `priority`"))
        } else {
            self.problems.append(
                CompileProblem(
                    code: "W5013", message: "\(first) never answers \(what): \(second) has the higher priority",
                    origin: firstOrigin, other: secondOrigin, isWarning: true))
        }
    }

    private func name(of candidate: RouteTable.Candidate) -> (String, Origin, String) {
        let route = self.routes[Int(candidate.route)].spec
        let version = route.versions[Int(candidate.version)]
        let name =
            route.versions.count > 1 ? "route `\(route.name)` version `\(version.name)`" : "route `\(route.name)`"
        return (name, version.pathOrigin, version.path)
    }

    private mutating func report(_ code: String, _ message: String, _ origin: Origin, other: Origin? = nil) {
        self.problems.append(CompileProblem(code: code, message: message, origin: origin, other: other))
    }
}

import GatewayContract
import GatewayCore

/// A route as it serves: its specification with versions compiled.
public final class CompiledRoute: Sendable {
    /// As it was configured, or as the gateway brings it along.
    public let spec: RouteSpec
    /// In the order of `spec.versions`.
    public let versions: [CompiledVersion]
    /// The gateway's own paths (`/v1/chat/completions` and the like). A configured route that answers the same request
    /// goes first.
    public let isBuiltIn: Bool

    init(spec: RouteSpec, versions: [CompiledVersion], isBuiltIn: Bool) {
        self.spec = spec
        self.versions = versions
        self.isBuiltIn = isBuiltIn
    }
}

/// One version of a route, with all that an exchange asks of either: it holds this one reference.
public final class CompiledVersion: Sendable {
    /// Of the route that it is a version of: for records and metrics.
    public let routeName: RouteName
    /// Whether the route wants a key.
    public let requiresKey: Bool
    /// As it was configured: name, path, timeout.
    public let spec: RouteVersionSpec
    /// Its dates, and the fields that announce them; without either for a built-in route.
    public let lifecycle: VersionLifecycle
    /// The only one that it answers, by its endpoint: `GET` for lists of models, `POST` for everything else.
    public let method: HTTPMethod
    /// Places of the models in `RoutingSnapshot.models` that this version serves; `nil`: all.
    public let models: Set<Int>?

    /// - Parameter model: place in `RoutingSnapshot.models`.
    public func serves(_ model: Int) -> Bool { self.models?.contains(model) ?? true }

    init(
        route: RouteSpec, spec: RouteVersionSpec, lifecycle: VersionLifecycle, method: HTTPMethod, models: Set<Int>?
    ) {
        self.routeName = route.name
        self.requiresKey = route.requiresKey
        self.spec = spec
        self.lifecycle = lifecycle
        self.method = method
        self.models = models
    }
}

/// The way of one request through the table.
public struct RouteMatch: Sendable {
    /// In `RouteTable.routes`.
    public let route: Int
    /// In that route's `versions`.
    public let version: Int
    /// What stands there.
    public let compiled: CompiledVersion
    /// What the request asks for, and in which dialect.
    public let endpoint: Endpoint
    /// Where the model's name stands in the path, in bytes. For Gemini one safe segment; for the model list everything
    /// after the prefix, with slashes and escapes as they came.
    public let modelInPath: Range<Int>?
    /// Whole field lines to add to every answer of this version, errors included.
    public var lifecycleHeaders: [UInt8]? { self.compiled.lifecycle.headers }
}

/// What the table says of a request, before its key is looked at. Everything but `match` is answered without a
/// provider.
public enum RouteVerdict: Sendable {
    case match(RouteMatch)
    case notFound
    /// A known endpoint of stored objects, detached work or native pass-through: 404 (DESIGN 8).
    case endpointNotAvailable
    /// The path is there: `allow` is the value of the `Allow` field.
    case methodNotAllowed(allow: String)
    /// The request names a version that this route has not, or none where one is needed.
    case versionUnknown
    /// 410. The match is for its headers, and for the record.
    case sunset(RouteMatch)
    /// 308 to `path`, which has no query; the request's own query goes after it.
    case redirect(RouteMatch, path: String)
}

/// Finds the route, the version and the endpoint of a request. Immutable, shared by all loops.
///
/// Paths are compared byte for byte: percent escapes, empty segments, dot segments and other cases of letters are
/// simply other paths. A whole path is one hash and one comparison; only then the few paths with a model inside are
/// tried in turn, and then the endpoints that are known but not served. No allocation for a match on a built-in route.
public final class RouteTable: Sendable {
    /// Configured ones in the order of the desired state, then the built-in ones. `RouteMatch.route` is a place in it.
    public let routes: [CompiledRoute]
    let exact: ByteTable
    /// By place in `exact`.
    let exactCandidates: [Range<Int>]
    let patterns: [Pattern]
    let candidates: [Candidate]
    /// Lower case; an IPv6 address in brackets.
    let hosts: [[UInt8]]
    /// Versions among which a request's own words decide, by `Candidate.group`.
    let groups: [[Int32]]

    init(
        routes: [CompiledRoute], exact: ByteTable, exactCandidates: [Range<Int>], patterns: [Pattern],
        candidates: [Candidate], hosts: [[UInt8]], groups: [[Int32]]
    ) {
        self.routes = routes
        self.exact = exact
        self.exactCandidates = exactCandidates
        self.patterns = patterns
        self.candidates = candidates
        self.hosts = hosts
        self.groups = groups
    }

    struct Pattern: Sendable {
        let pattern: PathPattern
        let candidates: Range<Int>
    }

    /// One (host, route) that answers a path; the better one stands first.
    struct Candidate: Sendable {
        let route: Int32
        /// The version that the path chooses; of a group the first.
        let version: Int32
        /// -1: every host.
        let host: Int32
        /// -1: the path alone chooses the version.
        let group: Int32
        /// Whether the wall clock has a say.
        let hasSunset: Bool
        let method: HTTPMethod
        let endpoint: Endpoint
    }

    /// - Parameters:
    ///   - host: the `Host` field as it came, with or without a port; read only when some route names hosts.
    ///   - query: without `?`.
    ///   - today: the wall clock.
    ///   - headerNamed: asked only for a route that selects by header; the name is in lower case.
    public func find(
        method: HTTPMethod, host: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer, query: UnsafeRawBufferPointer,
        today: WallTime, headerNamed: (String) -> String?
    ) -> RouteVerdict {
        var allowed = MethodSet()
        let host = self.hosts.isEmpty ? host : RequestHost.withoutPort(host)
        if let place = self.exact.find(path) {
            if let found = self.candidate(self.exactCandidates[place], method, host, &allowed) {
                return self.decide(found, nil, path, query, today, headerNamed)
            }
        }
        for pattern in self.patterns {
            switch pattern.pattern.match(path) {
            case .no:
                continue
            case .unsafeModel:
                if self.candidate(pattern.candidates, method, host, &allowed) != nil { return .notFound }
            case .model(let place):
                if let found = self.candidate(pattern.candidates, method, host, &allowed) {
                    return self.decide(found, place, path, query, today, headerNamed)
                }
            }
        }
        if BuiltInRoutes.isDetached(path) { return .endpointNotAvailable }
        if let allow = allowed.text { return .methodNotAllowed(allow: allow) }
        return BuiltInRoutes.isStored(path) ? .endpointNotAvailable : .notFound
    }

    /// The first of `range` that takes the host and the method; methods of others that take the host go to `allowed`.
    private func candidate(
        _ range: Range<Int>, _ method: HTTPMethod, _ host: UnsafeRawBufferPointer, _ allowed: inout MethodSet
    ) -> Candidate? {
        for index in range {
            let candidate = self.candidates[index]
            if candidate.host >= 0, !RequestHost.isSame(host, self.hosts[Int(candidate.host)]) { continue }
            if candidate.method == method { return candidate }
            allowed.insert(candidate.method)
        }
        return nil
    }

    private func decide(
        _ candidate: Candidate, _ model: Range<Int>?, _ path: UnsafeRawBufferPointer, _ query: UnsafeRawBufferPointer,
        _ today: WallTime, _ headerNamed: (String) -> String?
    ) -> RouteVerdict {
        let route = self.routes[Int(candidate.route)]
        var place = Int(candidate.version)
        if candidate.group >= 0 {
            let group = self.groups[Int(candidate.group)]
            guard let chosen = VersionChoice.choose(route, group, query, headerNamed) else { return .versionUnknown }
            place = chosen
        }
        let version = route.versions[place]
        let match = RouteMatch(
            route: Int(candidate.route), version: place, compiled: version,
            endpoint: candidate.group < 0 ? candidate.endpoint : version.spec.endpoint, modelInPath: model)
        guard candidate.hasSunset || candidate.group >= 0, version.lifecycle.phase(at: today) == .sunset else {
            return .match(match)
        }
        switch version.lifecycle.afterSunset {
        case .keep: return .match(match)
        case .gone: return .sunset(match)
        case .redirect:
            guard let successor = version.lifecycle.successor else { return .sunset(match) }
            return .redirect(match, path: Self.path(of: route.versions[successor].spec, model, path))
        }
    }

    /// The successor's path, with the request's own model in place of `{model}`.
    private static func path(
        of version: RouteVersionSpec, _ model: Range<Int>?, _ path: UnsafeRawBufferPointer
    ) -> String {
        guard let model, let pattern = PathPattern(version.path, for: version.endpoint), pattern.kind != .exact else {
            return version.path
        }
        return String(decoding: pattern.prefix + path[model] + pattern.suffix, as: UTF8.self)
    }
}

/// Methods for an `Allow` field.
struct MethodSet {
    private var bits: UInt8 = 0

    mutating func insert(_ method: HTTPMethod) {
        self.bits |= 1 << method.rawValue
    }

    /// `nil` when empty.
    var text: String? {
        guard self.bits != 0 else { return nil }
        return HTTPMethod.allCases.filter { self.bits & 1 << $0.rawValue != 0 }.map(\.text).joined(separator: ", ")
    }
}

/// The host that a request names, compared in place.
enum RequestHost {
    /// Without a port and without the root's dot.
    static func withoutPort(_ host: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var end = host.count
        if let colon = host.lastIndex(of: UInt8(ascii: ":")),
            host.first != UInt8(ascii: "[") || (colon > 0 && host[colon - 1] == UInt8(ascii: "]"))
        {
            end = colon
        }
        if end > 0, host[end - 1] == UInt8(ascii: ".") { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: host[..<end])
    }

    /// - Parameter configured: in lower case.
    static func isSame(_ host: UnsafeRawBufferPointer, _ configured: [UInt8]) -> Bool {
        guard host.count == configured.count else { return false }
        for (byte, other) in zip(host, configured) {
            let lower = (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
            if lower != other { return false }
        }
        return true
    }

    /// As `isSame` wants it.
    static func configured(_ host: String) -> [UInt8] {
        let lower = host.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        guard lower.contains(UInt8(ascii: ":")), lower.first != UInt8(ascii: "[") else { return lower }
        return [UInt8(ascii: "[")] + lower + [UInt8(ascii: "]")]
    }
}

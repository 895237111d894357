import GatewayCore

/// An inbound path family and its API versions, as in one file of `routes/`.
public struct RouteSpec: Sendable, Equatable {
    /// `route` in its file; stands in logs, in metrics and in `penstock routes`.
    public var name: RouteName
    /// For people who read the configuration; sent to nobody.
    public var description: String?
    /// Lower case, without port; empty: every host.
    public var hosts: [String]
    /// `false`: `auth: none`.
    public var requiresKey: Bool
    /// `select`: which of `versions` a request means.
    public var selection: VersionSelection
    /// Breaks a tie between routes that match equally well: higher wins. Default 0.
    public var priority: Int
    /// In the order of the file.
    public var versions: [RouteVersionSpec]
    /// The place of its name.
    public var origin: Origin

    public init(
        name: RouteName, description: String? = nil, hosts: [String] = [], requiresKey: Bool = true,
        selection: VersionSelection = .init(), priority: Int = 0, versions: [RouteVersionSpec],
        origin: Origin = .builtIn
    ) {
        self.name = name
        self.description = description
        self.hosts = hosts
        self.requiresKey = requiresKey
        self.selection = selection
        self.priority = priority
        self.versions = versions
        self.origin = origin
    }
}

/// How a request says which version it wants. Precedence: path, header, query, date header, default.
public struct VersionSelection: Sendable, Equatable {
    /// The path of a version alone chooses it. When false every path leads to the version that the rest chooses.
    public var path: Bool
    /// Lower case.
    public var header: String?
    /// Name of a query parameter, compared byte for byte; its first value counts.
    public var query: String?
    /// Lower case. Its value is a date, `2026-06-01`: the newest version whose `from_date` is not later wins.
    public var dateHeader: String?
    /// Where the path does not decide: what serves requests that name no version. `nil`: they get 400
    /// `api_version_unknown`.
    public var defaultVersion: VersionName?

    public init(
        path: Bool = true, header: String? = nil, query: String? = nil, dateHeader: String? = nil,
        defaultVersion: VersionName? = nil
    ) {
        self.path = path
        self.header = header
        self.query = query
        self.dateHeader = dateHeader
        self.defaultVersion = defaultVersion
    }
}

/// What happens to a request for a version whose sunset has passed. `gone`: 410. `redirect`: 308 to the successor,
/// which there must be (E4010). `keep`: it is served as before.
public enum AfterSunset: String, Sendable, CaseIterable {
    case gone, redirect, keep
}

/// What happens upstream when the client leaves.
public enum DisconnectPolicy: String, Sendable, CaseIterable {
    /// The provider's call is closed at once; what was written is billed.
    case abort
}

/// One API version of a route: an entry of `versions`. All dates are unix seconds at 00:00 UTC of the day written.
public struct RouteVersionSpec: Sendable, Equatable {
    /// What requests say when header or query choose the version; sent back in `x-penstock-api-version`.
    public var name: VersionName
    /// `/v2/chat/completions`. For a Gemini schema the path may hold `{model}` as one segment before the `:verb`.
    public var path: String
    /// Where problems of the path are shown.
    public var pathOrigin: Origin
    /// Follows from `schema` and the end of `path`.
    public var endpoint: Endpoint
    /// Start of validity for selection by date; `nil`: never chosen by one.
    public var fromDate: WallTime?
    /// `nil`: every model that the key may use.
    public var models: [Reference<ModelKind>]?
    /// Announced in `Deprecation` (RFC 9745), also while it lies ahead; changes nothing else. `nil`: none.
    public var deprecated: WallTime?
    /// Announced in `Sunset` (RFC 8594), also while it lies ahead; from then on `afterSunset` decides. Not earlier than
    /// `deprecated` (E4007). `nil`: none.
    public var sunset: WallTime?
    /// The version to move to, of the same route; announced in `Link`, and where `AfterSunset.redirect` leads.
    public var successor: Reference<VersionKind>?
    /// Address of a page about the change; announced in `Link` beside the dates, so without one it is never sent.
    public var docs: String?
    /// Without a `sunset` it never matters.
    public var afterSunset: AfterSunset
    /// What becomes of the provider's call when the client leaves; there is one policy yet.
    public var disconnect: DisconnectPolicy
    /// Overrides the provider's `total`.
    public var totalTimeout: TimeSpan?
    /// The place of its name.
    public var origin: Origin

    public init(
        name: VersionName, path: String, pathOrigin: Origin = .builtIn, endpoint: Endpoint,
        fromDate: WallTime? = nil, models: [Reference<ModelKind>]? = nil, deprecated: WallTime? = nil,
        sunset: WallTime? = nil, successor: Reference<VersionKind>? = nil, docs: String? = nil,
        afterSunset: AfterSunset = .gone, disconnect: DisconnectPolicy = .abort, totalTimeout: TimeSpan? = nil,
        origin: Origin = .builtIn
    ) {
        self.name = name
        self.path = path
        self.pathOrigin = pathOrigin
        self.endpoint = endpoint
        self.fromDate = fromDate
        self.models = models
        self.deprecated = deprecated
        self.sunset = sunset
        self.successor = successor
        self.docs = docs
        self.afterSunset = afterSunset
        self.disconnect = disconnect
        self.totalTimeout = totalTimeout
        self.origin = origin
    }
}

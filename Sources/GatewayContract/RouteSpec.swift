import GatewayCore

/// An inbound path family and its API versions, as in one file of `routes/`.
public struct RouteSpec: Sendable, Equatable {
    public var name: RouteName
    public var description: String?
    /// Lower case, without port; empty: every host.
    public var hosts: [String]
    /// `false`: `auth: none`.
    public var requiresKey: Bool
    public var selection: VersionSelection
    /// Breaks a tie between routes that match equally well: higher wins. Default 0.
    public var priority: Int
    /// In the order of the file.
    public var versions: [RouteVersionSpec]
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
    public var query: String?
    /// Lower case. Its value is a date, `2026-06-01`: the newest version whose `from_date` is not later wins.
    public var dateHeader: String?
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

/// What happens to a request for a version whose sunset has passed.
public enum AfterSunset: String, Sendable, CaseIterable {
    case gone, redirect, keep
}

/// What happens upstream when the client leaves.
public enum DisconnectPolicy: String, Sendable, CaseIterable {
    /// The provider's call is closed at once; what was written is billed.
    case abort
}

public struct RouteVersionSpec: Sendable, Equatable {
    public var name: VersionName
    /// `/v2/chat/completions`. For a Gemini schema the path may hold `{model}` as one segment before the `:verb`.
    public var path: String
    public var pathOrigin: Origin
    public var endpoint: Endpoint
    /// Start of validity for selection by date: unix seconds at 00:00 UTC.
    public var fromDate: WallTime?
    /// `nil`: every model that the key may use.
    public var models: [Reference<ModelKind>]?
    public var deprecated: WallTime?
    public var sunset: WallTime?
    public var successor: Reference<VersionKind>?
    public var docs: String?
    public var afterSunset: AfterSunset
    public var disconnect: DisconnectPolicy
    /// Overrides the provider's `total`.
    public var totalTimeout: TimeSpan?
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

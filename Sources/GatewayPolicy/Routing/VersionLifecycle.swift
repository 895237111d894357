import GatewayContract
import GatewayCore

/// Where a version stands between its birth and its sunset. A `deprecated` one is served like an `active` one; from
/// `sunset` on `AfterSunset` decides.
public enum LifecyclePhase: String, Sendable {
    case active, deprecated, sunset
}

/// A version's dates, and the header fields that tell clients about them: built once, when the snapshot is.
public struct VersionLifecycle: Sendable {
    /// `nil`: no date is set. Never later than `sunset` where both are.
    public let deprecated: WallTime?
    /// `nil`: the version has no end.
    public let sunset: WallTime?
    /// Meaningless while `sunset` is `nil`.
    public let afterSunset: AfterSunset
    /// The successor's place among the route's versions.
    public let successor: Int?
    /// Whole field lines, each ended by CRLF, names in lower case. The dates are announced as soon as they are known:
    /// both may lie in the future (RFC 9745, RFC 8594). `nil` for built-in routes.
    public let headers: [UInt8]?

    /// - Parameter today: the wall clock. The instant of a date itself belongs to the new phase.
    public func phase(at today: WallTime) -> LifecyclePhase {
        if let sunset, today >= sunset { return .sunset }
        if let deprecated, today >= deprecated { return .deprecated }
        return .active
    }

    /// For built-in routes.
    static let none = VersionLifecycle(
        deprecated: nil, sunset: nil, afterSunset: .keep, successor: nil, headers: nil)

    /// - Parameter successor: a version of the same route and its place, already found.
    static func compile(_ version: RouteVersionSpec, successor: (place: Int, spec: RouteVersionSpec)?) -> Self {
        var text = ""
        if let deprecated = version.deprecated {
            // A structured-field Date: `@` and unix seconds.
            text += "deprecation: @\(deprecated.unixSeconds)\r\n"
        }
        if let sunset = version.sunset {
            text += "sunset: \(CivilDate(unixSeconds: sunset.unixSeconds).httpDate)\r\n"
        }
        let links = Self.links(of: version, successor: successor?.spec)
        if !links.isEmpty { text += "link: \(links.joined(separator: ", "))\r\n" }
        text += "x-penstock-api-version: \(version.name)\r\n"
        return VersionLifecycle(
            deprecated: version.deprecated, sunset: version.sunset, afterSunset: version.afterSunset,
            successor: successor?.place, headers: Array(text.utf8))
    }

    /// One field: obsolete folding is not sent. A successor whose path holds `{model}` is no URI and is not named.
    private static func links(of version: RouteVersionSpec, successor: RouteVersionSpec?) -> [String] {
        var links: [String] = []
        if let docs = version.docs {
            if version.deprecated != nil { links.append("<\(docs)>; rel=\"deprecation\"; type=\"text/html\"") }
            if version.sunset != nil { links.append("<\(docs)>; rel=\"sunset\"") }
        }
        if let successor, !successor.path.utf8.contains(UInt8(ascii: "{")) {
            links.append("<\(successor.path)>; rel=\"successor-version\"")
        }
        return links
    }
}

/// What a name stands for. Two names of different kinds do not mix: `KeyName` is no `ModelName`.
public protocol NameKind: Sendable {}

/// A name from the configuration or from a client, compared byte for byte: never trimmed, never case-folded.
public struct Name<Kind: NameKind>: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// As it was written. What a usable name is depends on its kind and is checked where names are read, not here: it
    /// may be empty.
    public let text: String

    /// As it is: nothing is checked.
    public init(_ text: String) {
        self.text = text
    }

    public var description: String { self.text }

    /// Swift's own comparison of strings holds "é" and "e" with an accent to be equal; names do not.
    public static func == (left: Self, right: Self) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    public static func < (left: Self, right: Self) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        var text = self.text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(UInt8(0xff))
    }
}

extension Name: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(value) }
}

extension Name: ExpressibleByUnicodeScalarLiteral {
    public init(unicodeScalarLiteral value: String) { self.init(value) }
}

extension Name: ExpressibleByExtendedGraphemeClusterLiteral {
    public init(extendedGraphemeClusterLiteral value: String) { self.init(value) }
}

/// Marks an `OrgName`.
public enum OrgKind: NameKind {}
/// Marks a `TeamName`.
public enum TeamKind: NameKind {}
/// Marks a `UserName`.
public enum UserKind: NameKind {}
/// Marks a `ServiceAccountName`.
public enum ServiceAccountKind: NameKind {}
/// Marks a `KeyName`.
public enum KeyKind: NameKind {}
/// Marks a `ProviderName`.
public enum ProviderNameKind: NameKind {}
/// Marks a `DeploymentName`.
public enum DeploymentKind: NameKind {}
/// Marks a `ModelName`.
public enum ModelKind: NameKind {}
/// Marks a `RouteName`.
public enum RouteKind: NameKind {}
/// Marks a `VersionName`.
public enum VersionKind: NameKind {}

/// A tenant. In this version a word at a key, shown in records, log and metrics; nothing else hangs on it.
public typealias OrgName = Name<OrgKind>
/// A team within an org; as much a mere word as the org.
public typealias TeamName = Name<TeamKind>
/// A person that a key belongs to.
public typealias UserName = Name<UserKind>
/// A program that a key belongs to.
public typealias ServiceAccountName = Name<ServiceAccountKind>
/// `name` of an entry of `keys`: what logs and messages call an inference key by. The state of its limits lives on
/// under it.
public typealias KeyName = Name<KeyKind>
/// A key of `providers`, or the built-in `echo`. Holds no `/` and no `*`, so that `provider/model` has one meaning.
public typealias ProviderName = Name<ProviderNameKind>
/// A key of `deployments`, or `provider/model` for a deployment that has no name of its own. In records of a wildcard
/// model the name of that model.
public typealias DeploymentName = Name<DeploymentKind>
/// The name a client sends, or the one a provider knows a model by.
public typealias ModelName = Name<ModelKind>
/// `route` of a route file, or `builtin.` and an endpoint.
public typealias RouteName = Name<RouteKind>
/// A key of `versions` in a route file, unique in its route; `builtin` in built-in routes.
public typealias VersionName = Name<VersionKind>

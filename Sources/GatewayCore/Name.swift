/// What a name stands for. Two names of different kinds do not mix: `KeyName` is no `ModelName`.
public protocol NameKind: Sendable {}

/// A name from the configuration or from a client, compared byte for byte: never trimmed, never case-folded.
public struct Name<Kind: NameKind>: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let text: String

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

public enum OrgKind: NameKind {}
public enum KeyKind: NameKind {}
public enum ProviderNameKind: NameKind {}
public enum DeploymentKind: NameKind {}
public enum ModelKind: NameKind {}
public enum RouteKind: NameKind {}
public enum VersionKind: NameKind {}

public typealias OrgName = Name<OrgKind>
public typealias KeyName = Name<KeyKind>
public typealias ProviderName = Name<ProviderNameKind>
public typealias DeploymentName = Name<DeploymentKind>
/// The name a client sends, or the one a provider knows a model by.
public typealias ModelName = Name<ModelKind>
public typealias RouteName = Name<RouteKind>
public typealias VersionName = Name<VersionKind>

import GatewayContract
import GatewayCore

/// What a key may do: compiled from its `KeySpec`, without the secret. About 120 bytes, and its name when that is long;
/// an object, so that an exchange holds it by one reference.
public final class KeyGrant: Sendable {
    // What every request asks stands first, beside the object's own header.
    /// `Int64.max`: never.
    private let expiresNanoseconds: Int64
    /// `Int64.max`: never.
    private let revokedNanoseconds: Int64
    /// As configured: the key goes by it in usage records and in the log.
    public let name: KeyName
    /// One object for all keys of one owner.
    public let owner: KeyOwner?
    private let models: ModelPatterns?
    private let addresses: [IPBlock]?
    /// Of this key alone; `LimitCells.none` without any.
    public let limits: LimitCells
    private let place: Int32
    /// Asked before anything else that the key may do.
    public let scopes: KeyScopes

    /// Its place in `KeyTable.grants`.
    public var index: Int { Int(self.place) }

    /// First instant at which the key is refused; `nil`: never.
    public var expires: WallTime? {
        self.expiresNanoseconds == .max ? nil : WallTime(nanoseconds: self.expiresNanoseconds)
    }

    init(spec: KeySpec, index: Int, owner: KeyOwner?, models: ModelPatterns?, limits: LimitCells) {
        self.name = spec.name
        self.owner = owner
        self.scopes = spec.scopes
        self.revokedNanoseconds = spec.revoked?.nanoseconds ?? .max
        self.models = models
        self.addresses = spec.allowedAddresses
        self.expiresNanoseconds = spec.expires?.nanoseconds ?? .max
        self.limits = limits
        self.place = Int32(index)
    }

    /// Whether the key is refused at that time of the wall clock: `expires` itself belongs to the refusal. One
    /// comparison.
    @inline(__always)
    public func isExpired(at now: WallTime) -> Bool {
        self.expiresNanoseconds != .max && now.nanoseconds >= self.expiresNanoseconds
    }

    /// From the first instant of `revoked` on.
    @inline(__always)
    public func isRevoked(at now: WallTime) -> Bool {
        self.revokedNanoseconds != .max && now.nanoseconds >= self.revokedNanoseconds
    }

    /// Whether the key may be used from there. An empty list allows no address.
    public func allows(_ address: IPAddress) -> Bool {
        guard let addresses = self.addresses else { return true }
        return addresses.contains { $0.contains(address) }
    }

    /// Whether addresses matter to this key at all: if not, nobody needs to read `X-Forwarded-For`.
    public var restrictsAddresses: Bool { self.addresses != nil }

    /// Whether the key may use that model.
    /// - Parameter name: as the client sent it, in UTF-8, compared byte for byte. A wildcard model is allowed name by
    ///   name: `openai/*` in the key's list allows all of them, `openai/gpt-5` one.
    public func mayUse(_ name: UnsafeRawBufferPointer) -> Bool {
        self.models?.matches(name) ?? true
    }

    /// The same for a name of the configuration, as lists of models ask it. Off the hot path.
    public func mayUse(_ name: ModelName) -> Bool {
        var text = name.text
        return text.withUTF8 { self.mayUse(UnsafeRawBufferPointer($0)) }
    }
}

/// A key's list of models. Keys with equal lists share one.
final class ModelPatterns: Sendable {
    private struct Pattern {
        let bytes: [UInt8]
        let isPrefix: Bool
    }

    private let patterns: [Pattern]

    /// - Parameter names: a name, or a prefix and `*` as the last byte.
    init(_ names: [ModelName]) {
        self.patterns = names.map { name in
            name.isWildcard
                ? Pattern(bytes: Array(name.text.utf8.dropLast()), isPrefix: true)
                : Pattern(bytes: Array(name.text.utf8), isPrefix: false)
        }
    }

    func matches(_ name: UnsafeRawBufferPointer) -> Bool {
        self.patterns.contains { pattern in
            guard pattern.isPrefix ? name.count >= pattern.bytes.count : name.count == pattern.bytes.count else {
                return false
            }
            return name.prefix(pattern.bytes.count).elementsEqual(pattern.bytes)
        }
    }
}

import GatewayCore

/// An inference key from the configuration.
public struct KeySpec: Sendable, Equatable {
    /// Stands in logs and messages; the state of its limits lives on under it.
    public var name: KeyName
    /// What clients prove themselves with.
    public var credential: KeyCredential
    /// What it was before a rotation, still good for a while.
    public var previous: PreviousCredential?
    /// Whose it is; `nil`: nobody said. Keys of one owner share one.
    public var owner: KeyOwner?
    /// What it may be used for at all.
    public var scopes: KeyScopes
    /// Patterns: a model's name, or a prefix and `*`. `nil`: every model.
    public var models: [String]?
    /// `nil`: every address.
    public var allowedAddresses: [IPBlock]?
    /// First instant at which the key is refused.
    public var expires: WallTime?
    /// First instant at which it is refused as revoked; `revoked: true` is the year 1970.
    public var revoked: WallTime?
    /// What the users of this key may use together.
    public var limits: LimitSpec
    /// The place of its name.
    public var origin: Origin

    /// The defaults are those of a key of which the configuration says nothing more.
    public init(
        name: KeyName, credential: KeyCredential, previous: PreviousCredential? = nil, owner: KeyOwner? = nil,
        scopes: KeyScopes = .inference, models: [String]? = nil, allowedAddresses: [IPBlock]? = nil,
        expires: WallTime? = nil, revoked: WallTime? = nil, limits: LimitSpec = .init(), origin: Origin = .builtIn
    ) {
        self.name = name
        self.credential = credential
        self.previous = previous
        self.owner = owner
        self.scopes = scopes
        self.models = models
        self.allowedAddresses = allowedAddresses
        self.expires = expires
        self.revoked = revoked
        self.limits = limits
        self.origin = origin
    }

    /// With a secret in the clear.
    public init(
        name: KeyName, secret: Secret, models: [String]? = nil, allowedAddresses: [IPBlock]? = nil,
        expires: WallTime? = nil, limits: LimitSpec = .init(), origin: Origin = .builtIn
    ) {
        self.init(
            name: name, credential: .secret(secret), models: models, allowedAddresses: allowedAddresses,
            expires: expires, limits: limits, origin: origin)
    }
}

/// How a key is recognised.
public enum KeyCredential: Sendable, Hashable {
    /// What clients send: 16 to 256 visible ASCII characters. The key table keeps its digest alone.
    case secret(Secret)
    /// A key that Penstock made, known by what could not be used to call.
    case hash(KeyHash)

    /// `nil` when only its hash is known.
    public var secret: Secret? {
        if case .secret(let secret) = self { secret } else { nil }
    }
}

/// HMAC-SHA-256 of a whole key under the configured pepper, with the key's public id:
/// `hmac-sha256:<id>:<64 hexadecimal digits>`. Whoever has it and not the pepper can neither call with it nor try
/// guesses against it.
public struct KeyHash: Sendable, Hashable, CustomStringConvertible {
    /// Finds the key; it is hashed with the rest of it.
    public let id: KeyID
    /// The 32 bytes in their order in memory.
    public let digest: KeyHashWords

    static let scheme = "hmac-sha256"

    /// Of a key that was just made; the digest is not checked.
    public init(id: KeyID, digest: KeyHashWords) {
        self.id = id
        self.digest = digest
    }

    /// - Returns: `nil` for another scheme, an id that is none, or anything but 64 hexadecimal digits.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == Self.scheme, let id = KeyID(String(parts[1])),
            let digest = KeyHashWords(hexadecimal: parts[2])
        else { return nil }
        self.init(id: id, digest: digest)
    }

    public var description: String { "\(Self.scheme):\(self.id):\(self.digest.hexadecimal)" }
}

/// 32 bytes as four words, so that a hundred thousand of them are no hundred thousand arrays.
public struct KeyHashWords: Sendable, Hashable {
    /// Each as it lies in memory, in this order.
    public let first, second, third, fourth: UInt64

    /// Of a digest that was computed here.
    public init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        (self.first, self.second, self.third, self.fourth) = (first, second, third, fourth)
    }

    init?(hexadecimal text: Substring) {
        guard text.utf8.count == 64, text.utf8.allSatisfy({ Self.isHexadecimal($0) }) else { return nil }
        var words: [UInt64] = []
        var rest = text
        while let word = UInt64(rest.prefix(16), radix: 16), words.count < 4 {
            words.append(UInt64(bigEndian: word))
            rest = rest.dropFirst(16)
        }
        guard words.count == 4 else { return nil }
        self.init(words[0], words[1], words[2], words[3])
    }

    var hexadecimal: String {
        [self.first, self.second, self.third, self.fourth].map { word in
            let text = String(word.bigEndian, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) || (0x41...0x46).contains(byte)
    }
}

/// The credential that a rotation replaced.
public struct PreviousCredential: Sendable, Equatable {
    /// Never equal to the one that took its place: the key table refuses that.
    public var credential: KeyCredential
    /// First instant at which it is refused.
    public var until: WallTime

    /// Good until that instant.
    public init(_ credential: KeyCredential, until: WallTime) {
        self.credential = credential
        self.until = until
    }
}

/// Whose a key is. Names only: nothing but records, log and metrics depend on them. An object, so that a record of an
/// exchange holds it by one reference.
public final class KeyOwner: Sendable, Hashable {
    /// Who uses the key within the org.
    public enum Holder: Sendable, Hashable {
        case user(UserName)
        case serviceAccount(ServiceAccountName)
    }

    /// The label `org` of metrics; `nil`: empty there.
    public let org: OrgName?
    /// The label `team`, as `org`.
    public let team: TeamName?
    /// In records and the log, never a label.
    public let holder: Holder?

    /// At least one of them is there where the configuration makes one.
    public init(org: OrgName? = nil, team: TeamName? = nil, holder: Holder? = nil) {
        self.org = org
        self.team = team
        self.holder = holder
    }

    public static func == (left: KeyOwner, right: KeyOwner) -> Bool {
        left === right || (left.org == right.org && left.team == right.team && left.holder == right.holder)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.org)
        hasher.combine(self.team)
        hasher.combine(self.holder)
    }
}

/// What a key may be used for at all, whatever the model.
public struct KeyScopes: OptionSet, Sendable, Hashable {
    /// One bit per scope.
    public let rawValue: UInt8

    /// Bits without a scope mean nothing.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Every path of the data plane.
    public static let inference = KeyScopes(rawValue: 1)

    /// As they are written in the configuration.
    public static let names: [(name: String, scope: KeyScopes)] = [("inference", .inference)]
}

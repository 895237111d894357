import GatewayCore

/// A key in Redis, with its form on the wire: make it once, where the bucket or window is made, and keep it.
///
/// All keys of an org share the hash tag `{org}`, so that one script may touch them in a Redis Cluster, which places
/// keys by the text between the first `{` and the next `}`.
/// Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
public struct RedisKey: Hashable, Sendable, CustomStringConvertible {
    /// `$LENGTH\r\nBYTES\r\n`.
    let wire: [UInt8]
    private let start: Int

    /// Any bytes, without a hash tag of ours.
    public init(bytes: some Collection<UInt8>) {
        let head = Array("$\(bytes.count)\r\n".utf8)
        self.wire = head + bytes + [0x0d, 0x0a]
        self.start = head.count
    }

    /// `ps:{org}:kind:name`, for instance `ps:{acme}:limit:key/dev/requests`.
    ///
    /// Different arguments give different keys: `%`, `{`, `}` and, but for the name, `:` stand as `%25`, `%7B`, `%7D`
    /// and `%3A`. An empty org stands as `%`, since Redis ignores an empty hash tag.
    public static func make(org: String, kind: String, name: String) -> Self {
        let tag = org.isEmpty ? "%" : Self.escaped(org, colon: true)
        return Self(
            bytes: Array("ps:{\(tag)}:\(Self.escaped(kind, colon: true)):\(Self.escaped(name, colon: false))".utf8))
    }

    /// The same for a name that was checked before.
    public static func make(org: OrgName, kind: String, name: String) -> Self {
        Self.make(org: org.description, kind: kind, name: name)
    }

    /// The key as Redis knows it, hash tag included.
    public var bytes: ArraySlice<UInt8> { self.wire[self.start..<(self.wire.count - 2)] }

    public var description: String { String(decoding: self.bytes, as: UTF8.self) }

    private static func escaped(_ text: String, colon: Bool) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "%"): result += "%25".utf8
            case UInt8(ascii: "{"): result += "%7B".utf8
            case UInt8(ascii: "}"): result += "%7D".utf8
            case UInt8(ascii: ":") where colon: result += "%3A".utf8
            default: result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

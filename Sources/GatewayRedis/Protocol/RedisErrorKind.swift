/// What an error reply says, by its first word.
/// Source: https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
public enum RedisErrorKind: String, CaseIterable, Sendable {
    case noScript = "NOSCRIPT"
    case readOnly = "READONLY"
    case outOfMemory = "OOM"
    case loading = "LOADING"
    case busy = "BUSY"
    case noAuthentication = "NOAUTH"
    case wrongPassword = "WRONGPASS"
    case noPermission = "NOPERM"
    case masterDown = "MASTERDOWN"
    case clusterDown = "CLUSTERDOWN"
    case moved = "MOVED"
    case ask = "ASK"
    case tryAgain = "TRYAGAIN"
    case crossSlot = "CROSSSLOT"
    case writesDisabled = "MISCONF"
    case noReplicas = "NOREPLICAS"
    case wrongType = "WRONGTYPE"
    /// Any other, `ERR` among them.
    case other = "ERR"

    init(_ text: UnsafeRawBufferPointer) {
        let word = text.prefix { $0 != UInt8(ascii: " ") }
        self = Self.allCases.first { $0.rawValue.utf8.elementsEqual(word) } ?? .other
    }

    /// The server cannot do this kind of work at present, whoever asks: counts for the breaker.
    public var isOutage: Bool {
        switch self {
        case .readOnly, .outOfMemory, .loading, .busy, .noAuthentication, .masterDown, .clusterDown, .tryAgain,
            .writesDisabled, .noReplicas:
            true
        case .noScript, .wrongPassword, .noPermission, .moved, .ask, .crossSlot, .wrongType, .other:
            false
        }
    }

    /// Another connection may reach a server that can: after a failover the name stands for another one.
    var endsConnection: Bool {
        switch self {
        case .readOnly, .noAuthentication, .masterDown: true
        default: false
        }
    }
}

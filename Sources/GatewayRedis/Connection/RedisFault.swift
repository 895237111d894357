/// Why a command has no reply. An error that the server answered with is a reply (`RedisReply.errorKind`).
public enum RedisFault: Error, Hashable, Sendable {
    /// Refused: no connection is ready. Nothing was sent.
    case notConnected
    /// Refused: too many failed in a row lately. Nothing was sent.
    case breakerOpen
    /// Refused: too many commands, or bytes, are under way. Nothing was sent.
    case queueFull
    /// Refused: larger than `RedisSettings.commandBytesMax`. Nothing was sent.
    case commandTooLarge
    /// Not answered by its deadline. The server may carry it out all the same.
    case timeout
    /// The connection ended before the reply. The server may have carried it out.
    case connectionLost
    /// The connection was closed because what came is no RESP2. The server may have carried it out.
    case malformedReply
    /// The connection was closed because a reply exceeds its bounds. The server has carried it out, as a rule.
    case replyTooLarge

    /// Nothing of the command has reached a server.
    public var isRefusal: Bool {
        switch self {
        case .notConnected, .breakerOpen, .queueFull, .commandTooLarge: true
        case .timeout, .connectionLost, .malformedReply, .replyTooLarge: false
        }
    }
}

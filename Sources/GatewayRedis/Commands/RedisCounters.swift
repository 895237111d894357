import GatewayCore

/// What the commands of one class came to. Plain numbers of one loop; only grow.
public struct RedisCommandCounters: Hashable, Sendable {
    /// Commands that were accepted. One that was refused at once is in `RedisCounters.refused`.
    public var calls = 0
    /// Of these: answered with an error, or lost with their connection.
    public var errors = 0
    /// Of these: not answered by their deadline.
    public var timeouts = 0
    /// From acceptance to the reply, of every command that was answered in time, errors included.
    public var microseconds: Int64 = 0

    /// All at zero.
    public init() {}

    /// Answered in time, with an error or without: what `microseconds` is shared by.
    public var answered = 0
}

/// What a connection has counted. Read on its loop, by the metrics.
public struct RedisCounters: Sendable {
    private var classes = [RedisCommandCounters](repeating: .init(), count: RedisCommandClass.allCases.count)
    /// Refused at once: no connection, breaker open, too many outstanding, too large.
    public internal(set) var refused = 0
    /// Connections that became ready.
    public internal(set) var connects = 0
    /// Attempts that did not, whatever the reason.
    public internal(set) var connectFailures = 0
    /// Ready connections that ended, but for `stop`.
    public internal(set) var losses = 0
    /// How often failures or timeouts in a row have opened the breaker.
    public internal(set) var breakerOpenings = 0
    /// Replies that came after their deadline and were thrown away.
    public internal(set) var lateReplies = 0
    /// Calls that were repeated with the script's source.
    public internal(set) var scriptRecoveries = 0

    /// All at zero.
    public init() {}

    /// What the commands of that class came to.
    public internal(set) subscript(commandClass: RedisCommandClass) -> RedisCommandCounters {
        get { self.classes[commandClass.rawValue] }
        _modify { yield &self.classes[commandClass.rawValue] }
    }
}

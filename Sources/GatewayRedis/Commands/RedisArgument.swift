import NIOCore

/// One argument of a command or a script. A value of which nothing is copied before it is put on the wire.
public enum RedisArgument: Sendable {
    /// Sent as decimal text, which is what Redis knows. Lua holds numbers as floating point: exact below 2^53 only.
    case integer(Int64)
    case bytes([UInt8])
    /// The readable bytes.
    case buffer(ByteBuffer)
    /// Must hold Unicode text, not a single scalar.
    case text(StaticString)
    case key(RedisKey)
}

/// What a command is for, as the label `class` of the metrics sees it.
public enum RedisCommandClass: Int, CaseIterable, Sendable {
    case limits, budgets, cache, identity
    /// The connection's own: greeting and probes.
    case control
}

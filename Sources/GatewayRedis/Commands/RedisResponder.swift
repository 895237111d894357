/// Who waits for a reply. For every command that was accepted exactly one of the two is called, once, on the
/// connection's loop, never before the call that sent it has returned.
///
/// Both may send further commands; they are sent with the flush at the end of the burst.
public protocol RedisResponder: AnyObject {
    /// The reply, an error reply among them (`errorKind`). It is valid during the call only.
    func redisReplied(_ reply: borrowing RedisReply, tag: UInt64)
    /// There will be no reply.
    func redisFailed(_ fault: RedisFault, tag: UInt64)
}

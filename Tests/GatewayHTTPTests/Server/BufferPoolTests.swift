import GatewayHTTP
import NIOCore
import Testing

@Suite struct BufferPoolTests {
    /// Guarantee: a buffer is lent empty, and never with bytes that somebody still holds.
    @Test func whatIsLentAgainIsEmptyAndNobodyElses() {
        let pool = BufferPool()
        var first = pool.take()
        first.writeString("first")
        let held = first
        pool.give(first)
        var second = pool.take()
        #expect(second.readableBytes == 0)
        second.writeString("other")
        #expect(String(buffer: held) == "first" && String(buffer: second) == "other")
    }
}

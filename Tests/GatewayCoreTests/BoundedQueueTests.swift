import GatewayCore
import Testing

struct BoundedQueueTests {
    @Test func firstInFirstOutAndFullRefuses() {
        var queue = BoundedQueue<Int>(capacity: 2)
        #expect(queue.isEmpty && queue.capacity == 2)
        let accepted = [queue.append(1), queue.append(2), queue.append(3)]
        #expect(accepted == [true, true, false])
        var taken = [queue.popFirst()]
        queue.append(4)
        for _ in 0..<3 { taken.append(queue.popFirst()) }
        #expect(taken == [1, 2, 4, nil])
        #expect(queue.isEmpty)
    }

    @Test func aCapacityOfNothingIsOne() {
        var queue = BoundedQueue<Int>(capacity: 0)
        let accepted = [queue.append(1), queue.append(2)]
        #expect(accepted == [true, false])
    }

    /// Guarantee: an element that was taken out is not kept alive by its slot.
    @Test func popReleases() {
        final class Token {}
        var queue = BoundedQueue<Token>(capacity: 4)
        weak var seen: Token?
        do {
            let token = Token()
            seen = token
            queue.append(token)
        }
        #expect(seen != nil)
        _ = queue.popFirst()
        #expect(seen == nil)
    }
}

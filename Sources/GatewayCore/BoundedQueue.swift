/// First in, first out, with a limit that has an answer: a full queue refuses.
///
/// A ring of `capacity` slots, `count` of them taken; `isEmpty` when none is. Every operation takes the same time,
/// however many elements wait.
public struct BoundedQueue<Element> {
    private var slots: [Element?]
    private var head = 0
    public private(set) var count = 0

    /// - Parameter capacity: at least 1. Memory for all of it is taken at once.
    public init(capacity: Int) {
        self.slots = Array(repeating: nil, count: max(1, capacity))
    }

    public var isEmpty: Bool { self.count == 0 }
    public var capacity: Int { self.slots.count }

    /// - Returns: false when the queue is full; the element was then not taken.
    @discardableResult
    public mutating func append(_ element: Element) -> Bool {
        guard self.count < self.slots.count else { return false }
        self.slots[(self.head + self.count) % self.slots.count] = element
        self.count += 1
        return true
    }

    /// The element that has waited longest; `nil` when none waits. The queue holds no reference to it afterwards.
    public mutating func popFirst() -> Element? {
        guard self.count > 0 else { return nil }
        let element = self.slots[self.head]
        self.slots[self.head] = nil
        self.head = (self.head + 1) % self.slots.count
        self.count -= 1
        return element
    }
}

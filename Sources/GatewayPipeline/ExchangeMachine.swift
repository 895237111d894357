import GatewayContract
import GatewayCore

/// The life of one exchange as a value: events in, actions out. No channel, no clock, no table.
///
/// It holds the promises that must not depend on the order of events: an attempt is made only while nothing has reached
/// the client and all that came of the body can still be sent, an answer has one end, and the terminal transition
/// happens once.
struct ExchangeMachine {
    enum State: Equatable {
        /// The request is being read and admitted. Leaves for `attempting` when it is admitted, for `ended` when it is
        /// refused or the client leaves.
        case receiving
        /// An attempt is under way and nothing has reached the client; a form may still be coming. Leaves for
        /// `answering` with the first byte that does, for another `attempting`, or for `ended`.
        case attempting
        /// The client has the head. Leaves for `ended`, whole or broken off.
        case answering
        case ended
    }

    /// What is done with a failed attempt.
    enum AfterFailure: Equatable {
        case tryNext
        /// Nothing has reached the client: it gets the error as its answer.
        case reply
        /// The client has a part: the rest is broken off where it can see it.
        case breakOff
        /// The exchange is over already; the event came late.
        case ignore
    }

    private(set) var state = State.receiving
    /// Attempts begun; a stale pooled connection that is replaced does not count.
    private(set) var attempts = 0
    /// The client has sent all of its request.
    private(set) var isRequestWhole = false
    /// All that came of the body is still held, so that another attempt can send it from its beginning.
    private(set) var isReplayable = true

    /// More of the body may come, and somebody wants it.
    var takesBody: Bool { !self.isRequestWhole && (self.state == .receiving || self.state == .attempting) }

    /// - Returns: false when nobody waits for it.
    mutating func requestEnded() -> Bool {
        guard self.takesBody else { return false }
        self.isRequestWhole = true
        return true
    }

    /// What was sent of the body is not held any more: the attempt under way is the last.
    mutating func bodyReleased() {
        self.isReplayable = false
    }

    /// The request was admitted. False when it is over already.
    mutating func admitted() -> Bool {
        guard self.state == .receiving else { return false }
        self.state = .attempting
        return true
    }

    mutating func attemptBegan() {
        guard always(self.state == .attempting, "attempts are made before the answer") else { return }
        self.attempts += 1
    }

    /// An attempt failed, or its answer is worth another attempt.
    /// - Parameter hasNext: another candidate is there and the retry budget has room.
    func attemptFailed(hasNext: Bool) -> AfterFailure {
        switch self.state {
        case .attempting: hasNext && self.isReplayable ? .tryNext : .reply
        case .answering: .breakOff
        case .receiving, .ended: .ignore
        }
    }

    var mayTryAgain: Bool { self.state == .attempting && self.isReplayable }

    /// The head goes to the client.
    /// - Returns: false when it already did, or when the exchange is over.
    mutating func answerBegan() -> Bool {
        guard self.state == .attempting || self.state == .receiving else { return false }
        self.state = .answering
        return true
    }

    /// - Returns: true the first time: the caller settles, records and logs.
    mutating func end() -> Bool {
        guard self.state != .ended else { return false }
        self.state = .ended
        return true
    }

    var isOver: Bool { self.state == .ended }
    /// Something of an answer has reached the client.
    var hasBegunAnswer: Bool { self.state == .answering }
}

import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayUpstream

@Suite struct AddressBookTests {
    private let first = [IPAddress(ipv4: 0x0a00_0001)]
    private let second = [IPAddress(ipv4: 0x0a00_0002)]
    private var clock = ManualClock()

    /// In words, so that a test reads as a story.
    private func say(_ answer: AddressBook<Int>.Answer) -> String {
        switch answer {
        case .known(let addresses, let lookUp): "\(addresses)\(lookUp ? " and look-up" : "")"
        case .failed(let fault): "failed: \(fault.detail)"
        case .waiting(let lookUp): lookUp ? "look-up" : "waiting"
        }
    }

    @Test mutating func askersOfOneNameShareOneLookUp() {
        var book = AddressBook<Int>()
        #expect(self.say(book.ask("a", at: self.clock.now, waiter: 1)) == "look-up")
        #expect(self.say(book.ask("a", at: self.clock.now, waiter: 2)) == "waiting")
        #expect(self.say(book.ask("b", at: self.clock.now, waiter: 3)) == "look-up")
        #expect(book.learn("a", .success(self.first), at: self.clock.now) == [1, 2])
        #expect(self.say(book.ask("a", at: self.clock.now, waiter: 4)) == "[10.0.0.1]")
    }

    @Test mutating func anOldAnswerIsServedWhileOneLookUpRenewsIt() {
        var book = AddressBook<Int>()
        _ = book.ask("a", at: self.clock.now, waiter: 1)
        _ = book.learn("a", .success(self.first), at: self.clock.now)
        self.clock.advance(by: .seconds(29))
        #expect(self.say(book.ask("a", at: self.clock.now, waiter: 2)) == "[10.0.0.1]")
        self.clock.advance(by: .seconds(1))
        #expect(self.say(book.ask("a", at: self.clock.now, waiter: 2)) == "[10.0.0.1] and look-up")
        #expect(self.say(book.ask("a", at: self.clock.now, waiter: 3)) == "[10.0.0.1]")
        #expect(book.learn("a", .success(self.second), at: self.clock.now).isEmpty)
        #expect(self.say(book.ask("a", at: self.clock.now, waiter: 4)) == "[10.0.0.2]")
    }

    /// Fault 16: a name server that fails takes nothing away.
    @Test mutating func aFailureKeepsTheOldAddresses() {
        var book = AddressBook<Int>()
        _ = book.ask("a", at: self.clock.now, waiter: 1)
        _ = book.learn("a", .success(self.first), at: self.clock.now)
        self.clock.advance(by: .seconds(31))
        #expect(self.say(book.ask("a", at: self.clock.now, waiter: 2)) == "[10.0.0.1] and look-up")
        _ = book.learn("a", .failure(.init(detail: "no server")), at: self.clock.now)
        #expect(self.say(book.ask("a", at: self.clock.now, waiter: 2)) == "[10.0.0.1]")
        self.clock.advance(by: .seconds(1))
        #expect(self.say(book.ask("a", at: self.clock.now, waiter: 2)) == "[10.0.0.1] and look-up")
        _ = book.learn("a", .success([]), at: self.clock.now)
        #expect(self.say(book.ask("a", at: self.clock.now, waiter: 2)) == "[10.0.0.1]")
    }

    @Test mutating func aNameThatWasNotFoundIsNotAskedForAgainWithinASecond() {
        var book = AddressBook<Int>()
        _ = book.ask("a", at: self.clock.now, waiter: 1)
        #expect(book.learn("a", .failure(.init(detail: "no such name")), at: self.clock.now) == [1])
        #expect(self.say(book.ask("a", at: self.clock.now, waiter: 2)) == "failed: no such name")
        self.clock.advance(by: .seconds(1))
        #expect(self.say(book.ask("a", at: self.clock.now, waiter: 3)) == "look-up")
        #expect(book.learn("a", .success(self.first), at: self.clock.now) == [3])
    }

    @Test mutating func theBookIsBounded() {
        var book = AddressBook<Int>()
        for number in 0..<(AddressBook<Int>.namesMax + 10) {
            _ = book.ask("host\(number)", at: self.clock.now, waiter: number)
            _ = book.learn("host\(number)", .success(self.first), at: self.clock.now)
            self.clock.advance(by: .nanoseconds(1))
        }
        let forgotten = book.ask("host0", at: self.clock.now, waiter: 0)
        #expect(self.say(forgotten) == "look-up")
    }
}

import GatewayCore
import Testing

@testable import GatewayUpstream

@Suite struct UpstreamPoolStateMachineTests {
    typealias Machine = UpstreamPoolStateMachine

    private let start = MonotonicTime(nanoseconds: 5_000_000_000)
    private let one = UpstreamEndpoint(host: "one.test", port: 80, tls: false, connectionsMax: 2)
    private let two = UpstreamEndpoint(host: "two.test", port: 80, tls: false, connectionsMax: 2)

    private func machine(_ endpoints: UpstreamEndpoint..., waitersMax: Int = 1024) -> Machine {
        var machine = Machine(settings: .init(waitersMax: waitersMax))
        _ = machine.adopt(endpoints)
        return machine
    }

    private func wait(
        _ machine: inout Machine, _ endpoint: UpstreamEndpoint, fresh: Bool = false, seconds: Int64 = 2
    ) -> (UpstreamTicket, [Machine.Action]) {
        let ticket = machine.makeTicket()
        let deadline = self.start + .seconds(seconds)
        return (ticket, Array(machine.wait(ticket, for: endpoint, fresh: fresh, until: deadline)))
    }

    /// A connection of the endpoint that is leased to a ticket.
    private func leased(_ machine: inout Machine, _ endpoint: UpstreamEndpoint) throws -> Machine.ConnectionID {
        let (ticket, actions) = self.wait(&machine, endpoint, fresh: true)
        guard case .connect(let id, _, _)? = actions.last else { throw Unexpected(actions: actions) }
        let next = Array(machine.connected(id, at: self.start))
        guard next == [.lease(id, to: ticket, reused: false)] else { throw Unexpected(actions: next) }
        return id
    }

    private struct Unexpected: Error { var actions: [Machine.Action] }

    /// Guarantee: the short way back is for one case only; in every other nothing has happened, and `released` decides.
    @Test func theShortWayBackIsForWhatNobodyWaitsFor() throws {
        var machine = self.machine(self.one)
        let id = try self.leased(&machine, self.one)
        _ = try self.leased(&machine, self.one)
        let (ticket, _) = self.wait(&machine, self.one)
        let isKeptWithWaiter = machine.keep(released: id, at: self.start)
        #expect(!isKeptWithWaiter)
        #expect(Array(machine.released(id, at: self.start)) == [.lease(id, to: ticket, reused: true)])
        let isKept = machine.keep(released: id, at: self.start)
        #expect(isKept)
        #expect(machine.slotState(id) == .idle)
        #expect(machine.takeIdle(of: self.one) == id)
        _ = machine.adopt([])
        let isKeptUnwanted = machine.keep(released: id, at: self.start)
        #expect(!isKeptUnwanted)
        #expect(Array(machine.released(id, at: self.start)) == [.close(id)])
    }

    /// Guarantee: an endpoint that was forgotten is not found where it was, whoever has the place now.
    @Test func aForgottenEndpointIsNotFound() throws {
        var machine = self.machine(self.one)
        let id = try self.leased(&machine, self.one)
        _ = machine.released(id, at: self.start)
        #expect(machine.takeIdle(of: self.one) == id)
        _ = machine.adopt([])
        _ = machine.released(id, at: self.start)
        _ = machine.adopt([self.two])
        #expect(machine.takeIdle(of: self.one) == nil)
        let other = try self.leased(&machine, self.two)
        _ = machine.released(other, at: self.start)
        #expect(machine.takeIdle(of: self.one) == nil)
        #expect(machine.takeIdle(of: self.two) == other)
    }

    @Test func aFirstTicketGetsANewConnectionAndTheNextOneReusesIt() throws {
        var machine = self.machine(self.one)
        let id = try self.leased(&machine, self.one)
        #expect(Array(machine.released(id, at: self.start)).isEmpty)
        let again = machine.takeIdle(of: self.one)
        #expect(again == id)
        #expect(machine.takeIdle(of: self.one) == nil)
        #expect(machine.takeIdle(of: self.two) == nil)
    }

    @Test func theWarmestConnectionIsUsedFirst() throws {
        var machine = self.machine(self.one)
        let first = try self.leased(&machine, self.one)
        let second = try self.leased(&machine, self.one)
        _ = machine.released(first, at: self.start)
        _ = machine.released(second, at: self.start + .seconds(1))
        #expect(machine.takeIdle(of: self.one) == second)
    }

    @Test func theBoundHoldsAndAReturnedConnectionGoesToWhoWaitsLongest() throws {
        var machine = self.machine(self.one)
        let first = try self.leased(&machine, self.one)
        _ = try self.leased(&machine, self.one)
        let (a, actionsA) = self.wait(&machine, self.one)
        let (b, actionsB) = self.wait(&machine, self.one)
        #expect(actionsA.isEmpty && actionsB.isEmpty)
        #expect(Array(machine.released(first, at: self.start)) == [.lease(first, to: a, reused: true)])
        #expect(Array(machine.released(first, at: self.start)) == [.lease(first, to: b, reused: true)])
    }

    @Test func aFullQueueRefuses() throws {
        var machine = self.machine(self.one, waitersMax: 3)
        for _ in 0..<3 { _ = self.wait(&machine, self.one) }
        let (ticket, actions) = self.wait(&machine, self.one)
        #expect(actions == [.refuse(ticket, .queueFull)])
    }

    @Test func aFreshTicketTakesNoUsedConnection() throws {
        var machine = self.machine(self.one)
        let first = try self.leased(&machine, self.one)
        let second = try self.leased(&machine, self.one)
        let (fresh, none) = self.wait(&machine, self.one, fresh: true)
        let (other, alsoNone) = self.wait(&machine, self.one)
        #expect(none.isEmpty && alsoNone.isEmpty)
        #expect(Array(machine.released(first, at: self.start)) == [.lease(first, to: other, reused: true)])
        // The bound is reached: what comes back makes room for a fresh one.
        let actions = Array(machine.released(second, at: self.start))
        #expect(actions.first == .close(second))
        guard case .connect(let id, _, _)? = actions.last else { throw Unexpected(actions: actions) }
        #expect(Array(machine.connected(id, at: self.start)) == [.lease(id, to: fresh, reused: false)])
    }

    @Test func aFreshTicketClosesAnIdleConnectionWhenTheBoundIsReached() throws {
        var machine = self.machine(self.one)
        let first = try self.leased(&machine, self.one)
        let second = try self.leased(&machine, self.one)
        _ = machine.released(first, at: self.start)
        _ = machine.released(second, at: self.start)
        let (_, actions) = self.wait(&machine, self.one, fresh: true)
        #expect(actions.count == 2)
        #expect(actions.first == .close(first), "the coldest goes")
    }

    @Test func aWaiterTakesWhicheverConnectionComesFirst() throws {
        var machine = self.machine(self.one)
        let used = try self.leased(&machine, self.one)
        let (ticket, actions) = self.wait(&machine, self.one)
        guard case .connect(let attempt, _, _)? = actions.first else { throw Unexpected(actions: actions) }
        #expect(Array(machine.released(used, at: self.start)) == [.lease(used, to: ticket, reused: true)])
        // Its attempt then fails nobody.
        #expect(Array(machine.connectFailed(attempt, reason: "refused")).isEmpty)
    }

    @Test func aFailedConnectFailsOneTicketAndTriesForTheNext() throws {
        var machine = self.machine(self.one)
        let (a, first) = self.wait(&machine, self.one)
        let (b, _) = self.wait(&machine, self.one)
        let (c, none) = self.wait(&machine, self.one)
        #expect(none.isEmpty)
        guard case .connect(let id, _, _)? = first.first else { throw Unexpected(actions: first) }
        let actions = Array(machine.connectFailed(id, reason: "refused"))
        #expect(actions.first == .refuse(a, .unreachable("refused")))
        guard case .connect(let next, _, _)? = actions.last else { throw Unexpected(actions: actions) }
        #expect(Array(machine.connected(next, at: self.start)) == [.lease(next, to: b, reused: false)])
        _ = c
    }

    @Test func aCancelledTicketLeavesItsConnectionToThePool() throws {
        var machine = self.machine(self.one)
        let (ticket, actions) = self.wait(&machine, self.one)
        guard case .connect(let id, _, _)? = actions.first else { throw Unexpected(actions: actions) }
        machine.cancel(ticket, of: self.one)
        machine.cancel(ticket, of: self.one)
        #expect(Array(machine.connected(id, at: self.start)).isEmpty)
        #expect(machine.takeIdle(of: self.one) == id)
    }

    @Test func overdueAttemptsAndTicketsEnd() throws {
        var machine = self.machine(self.one)
        let (ticket, actions) = self.wait(&machine, self.one)
        guard case .connect(let id, _, _)? = actions.first else { throw Unexpected(actions: actions) }
        #expect(Array(machine.tick(at: self.start + .milliseconds(1999))).isEmpty)
        let late = Array(machine.tick(at: self.start + .seconds(2)))
        #expect(late == [.close(id), .refuse(ticket, .unreachable("no connection within the connect timeout"))])
        #expect(Array(machine.connected(id, at: self.start)).isEmpty, "it is forgotten")
    }

    @Test func whoWaitsForABusyPoolInVainIsToldSo() throws {
        var machine = self.machine(self.one)
        _ = try self.leased(&machine, self.one)
        _ = try self.leased(&machine, self.one)
        let (ticket, _) = self.wait(&machine, self.one)
        #expect(Array(machine.tick(at: self.start + .seconds(3))) == [.refuse(ticket, .saturated)])
    }

    @Test func idleConnectionsExpire() throws {
        var machine = self.machine(self.one)
        let id = try self.leased(&machine, self.one)
        _ = machine.released(id, at: self.start)
        #expect(Array(machine.tick(at: self.start + .seconds(60))).isEmpty)
        #expect(Array(machine.tick(at: self.start + .seconds(61))) == [.close(id)])
        #expect(machine.takeIdle(of: self.one) == nil)
    }

    @Test func aConnectionThatClosesWhileIdleIsNotLeased() throws {
        var machine = self.machine(self.one)
        let id = try self.leased(&machine, self.one)
        _ = machine.released(id, at: self.start)
        #expect(Array(machine.closed(id)).isEmpty)
        #expect(machine.takeIdle(of: self.one) == nil)
        #expect(Array(machine.closed(id)).isEmpty, "the second report finds nothing")
    }

    @Test func aConnectionThatClosesWhileLeasedMakesRoom() throws {
        var machine = self.machine(self.one)
        let first = try self.leased(&machine, self.one)
        _ = try self.leased(&machine, self.one)
        _ = self.wait(&machine, self.one)
        let actions = Array(machine.closed(first))
        guard case .connect? = actions.first, actions.count == 1 else { throw Unexpected(actions: actions) }
    }

    @Test func aReloadKeepsConnectionsOfEndpointsThatStay() throws {
        var machine = self.machine(self.one, self.two)
        let stays = try self.leased(&machine, self.one)
        let goes = try self.leased(&machine, self.two)
        let busy = try self.leased(&machine, self.two)
        _ = machine.released(stays, at: self.start)
        _ = machine.released(goes, at: self.start)
        var raised = self.one
        raised.connectionsMax = 9
        #expect(Array(machine.adopt([raised])) == [.close(goes)])
        #expect(machine.takeIdle(of: self.one) == stays)
        #expect(Array(machine.released(busy, at: self.start)) == [.close(busy)], "closes when it comes back")
        #expect(machine.places.count == 1)
    }

    @Test func anExchangeOfAnOlderSnapshotIsStillServed() throws {
        var machine = self.machine(self.one)
        let id = try self.leased(&machine, self.two)
        #expect(Array(machine.released(id, at: self.start)) == [.close(id)])
        #expect(machine.places.count == 1)
    }

    @Test func aLoweredBoundClosesWhatIsTooMuch() throws {
        var machine = self.machine(self.one)
        let first = try self.leased(&machine, self.one)
        let second = try self.leased(&machine, self.one)
        _ = machine.released(first, at: self.start)
        var lowered = self.one
        lowered.connectionsMax = 1
        #expect(Array(machine.adopt([lowered])) == [.close(first)])
        #expect(Array(machine.released(second, at: self.start)).isEmpty)
    }

    @Test func closeAllRefusesWhoWaitsAndClosesWhatIsIdle() throws {
        var machine = self.machine(self.one, self.two)
        let idle = try self.leased(&machine, self.one)
        let busy = try self.leased(&machine, self.two)
        _ = machine.released(idle, at: self.start)
        let (ticket, actions) = self.wait(&machine, self.two)
        guard case .connect(let attempt, _, _)? = actions.first else { throw Unexpected(actions: actions) }
        #expect(Set(machine.closeAll()) == [.close(idle), .close(attempt), .refuse(ticket, .closed)])
        #expect(Array(machine.released(busy, at: self.start)) == [.close(busy)])
        let (late, refused) = self.wait(&machine, self.one)
        #expect(refused == [.refuse(late, .closed)])
        #expect(machine.places.isEmpty)
    }
}

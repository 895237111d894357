import Testing

@testable import GatewayHTTP

@Suite struct ConnectionLimitTests {
    @Test func nobodyBeyondTheLimitIsCounted() {
        let limit = ConnectionLimit(max: 2)
        #expect(limit.take() && limit.take())
        #expect(!limit.take())
        #expect(limit.current == 2)
        limit.giveBack()
        #expect(limit.take())
        limit.setMax(1)
        limit.giveBack()
        #expect(!limit.take())
        #expect(limit.current == 1)
    }

    /// Guarantee: a crowd that came and left between two looks is seen by the second one, once.
    @Test func thePeakOutlivesTheCrowd() {
        let limit = ConnectionLimit(max: 100)
        for _ in 0..<50 { #expect(limit.take()) }
        for _ in 0..<45 { limit.giveBack() }
        #expect(limit.takePeak() == 50)
        #expect(limit.takePeak() == 5)
        #expect(limit.take())
        limit.giveBack()
        #expect(limit.takePeak() == 6)
        for _ in 0..<5 { limit.giveBack() }
        #expect(limit.takePeak() == 5)
        #expect(limit.takePeak() == 0)
    }

    /// Guarantee: who was refused is no part of the peak.
    @Test func refusedConnectionsDoNotCount() {
        let limit = ConnectionLimit(max: 3)
        for _ in 0..<10 { _ = limit.take() }
        #expect(limit.takePeak() == 3)
    }
}

import GatewayCore
import Testing

@testable import GatewayTelemetry

@Suite struct ProcessGaugesTests {
    @Test func startTimeIsCountedBehindTheProgramsName() {
        let own = "42 (a b) c) S 1 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 9 0 1050 100 5 18446744073709551615"
        let system = "cpu  1 2 3\nintr 5\nbtime 1700000000\nprocesses 9\n"
        #expect(
            ProcessGauges.startedAt(own: own, system: system, ticksPerSecond: 100)
                == .init(nanoseconds: 1_700_000_010_500_000_000))
        #expect(ProcessGauges.startedAt(own: "42 (x) S 1", system: system, ticksPerSecond: 100) == nil)
        #expect(ProcessGauges.startedAt(own: own, system: "cpu 1\n", ticksPerSecond: 100) == nil)
        #expect(ProcessGauges.startedAt(own: own, system: system, ticksPerSecond: 0) == nil)
    }

    @Test func unlimitedFilesAreNoNumber() {
        let head = "Limit                     Soft Limit           Hard Limit           Units     \n"
        #expect(
            ProcessGauges.filesMax(inLimits: head + "Max open files            1024                 4096    files\n")
                == 1024)
        #expect(
            ProcessGauges.filesMax(inLimits: head + "Max open files            unlimited            unlimited files\n")
                == nil)
        #expect(ProcessGauges.filesMax(inLimits: head) == nil)
    }

    #if os(Linux)
    @Test func thisProcessIsSeen() throws {
        let gauges = ProcessGauges.read()
        #expect(try #require(gauges.residentBytes) > 1 << 20)
        #expect(try #require(gauges.virtualBytes) >= #require(gauges.residentBytes))
        #expect(try #require(gauges.filesOpen) >= 1)
        #expect(try #require(gauges.cpu) > .zero)
        #expect(try #require(gauges.startedAt) < .now())
    }
    #endif
}

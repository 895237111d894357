import GatewayHTTP
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Guarantee: the codec is nowhere more lenient than NIOHTTP1, and where both accept they understand the same.
@Suite struct DifferentialTests {
    @Test(arguments: RequestCorpus.accepted + RequestCorpus.refused)
    func requestsOfTheCorpus(_ entry: CorpusCase) {
        #expect(Differential.requests(entry.bytes, DecoderRun.requests(entry.bytes)) == nil)
    }

    @Test(arguments: ResponseCorpus.accepted + ResponseCorpus.refused)
    func answersOfTheCorpus(_ entry: CorpusCase) {
        let run = DecoderRun.answer(entry.bytes, toHead: entry.requestWasHead)
        #expect(Differential.answer(entry.bytes, toHead: entry.requestWasHead, run) == nil)
    }

    /// Seeded variations and damage. Set `PENSTOCK_FUZZ_SECONDS` for a run by the clock over fresh seeds; without it
    /// the inputs are always the same 2,000. At least a fifth must be accepted, or the comparison would say little.
    @Test func variationsOfValidMessages() {
        let seconds = getenv("PENSTOCK_FUZZ_SECONDS").flatMap { UInt64(String(cString: $0)) }
        let first: UInt64 = seconds == nil ? 0 : UInt64.random(in: 0..<UInt64.max / 2)
        let deadline = seconds.map { ContinuousClock.now + .seconds(Int64(clamping: $0)) }
        var counts: (inputs: [Int], accepted: [Int]) = ([0, 0], [0, 0])
        var violations = 0
        var seed = first
        while violations < 5, deadline.map({ ContinuousClock.now < $0 }) ?? (seed < first + 2000) {
            let outcome = fuzzOnce(seed)
            counts.inputs[Int(seed % 2)] += 1
            if outcome.isAccepted { counts.accepted[Int(seed % 2)] += 1 }
            if let violation = outcome.violation {
                violations += 1
                Issue.record("\(violation)")
            }
            seed += 1
        }
        for (kind, name) in ["requests", "answers"].enumerated() where counts.inputs[kind] > 0 {
            let share = counts.accepted[kind] * 100 / counts.inputs[kind]
            print(
                "differential, \(name): \(counts.accepted[kind]) of \(counts.inputs[kind]) inputs accepted, \(share) %")
            #expect(share >= 20)
        }
    }
}

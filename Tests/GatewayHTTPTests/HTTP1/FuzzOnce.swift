import GatewayCore
import GatewayHTTP

/// What one fuzzed input showed.
struct FuzzOutcome {
    /// A whole message came out and no fault.
    var isAccepted: Bool
    /// Which promise was broken, with the input; `nil` if none was.
    var violation: String?
}

/// One input made of the seed, through both decoders, against the oracle and under other cuts. Even seeds are requests,
/// odd ones answers.
func fuzzOnce(_ seed: UInt64) -> FuzzOutcome {
    var mutator = MessageMutator(seed: seed)
    if seed % 2 == 0 {
        let bytes = mutator.requests()
        let cuts = mutator.cuts(of: bytes.count)
        let run = DecoderRun.requests(bytes)
        let difference =
            compareCuts(bytes, cuts) { DecoderRun.requests($0, cuts: $1) }
            ?? Differential.requests(bytes, run, withPlaces: seed % 8 == 0)
        return FuzzOutcome(isAccepted: run.isAccepted, violation: difference.map { report($0, seed, bytes) })
    }
    let toHead = mutator.isToHead()
    let bytes = mutator.answer(toHead: toHead)
    let cuts = mutator.cuts(of: bytes.count)
    let run = DecoderRun.answer(bytes, toHead: toHead)
    let difference =
        compareCuts(bytes, cuts) { DecoderRun.answer($0, toHead: toHead, cuts: $1) }
        ?? Differential.answer(bytes, toHead: toHead, run)
    return FuzzOutcome(isAccepted: run.isAccepted, violation: difference.map { report($0, seed, bytes) })
}

/// Cuts change nothing, with one allowance: what is wrong in a line that came in pieces may be told when its line feed
/// comes, so an input that ends inside a wrong line is compared with a line end behind it.
private func compareCuts(_ bytes: [UInt8], _ cuts: [Int], _ decode: ([UInt8], [Int]) -> DecoderRun) -> String? {
    var whole = decode(bytes, []).withoutPlaces
    var other = decode(bytes, cuts).withoutPlaces
    if whole.fault != nil, whole != other {
        whole = decode(bytes + [13, 10], []).withoutPlaces
        other = decode(bytes + [13, 10], cuts).withoutPlaces
    }
    return whole == other ? nil : "cut at \(cuts): \(other), whole: \(whole)"
}

private func report(_ difference: String, _ seed: UInt64, _ bytes: [UInt8]) -> String {
    let text = String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    return "seed \(seed): \(difference) in \(text.debugDescription)"
}

/// The comparison with the oracle. Each function answers with the first difference that breaks the promise: nothing
/// that NIOHTTP1 refuses is accepted by ours, and what both accept is the same messages, to the byte.
enum Differential {
    /// - Parameter withPlaces: compares also where heads and messages end, which takes a run byte by byte.
    static func requests(_ bytes: [UInt8], _ run: DecoderRun, withPlaces: Bool = true) -> String? {
        let oracle = NIOHTTP1Oracle.requests(bytes)
        if let difference = self.compare(run, oracle) { return difference }
        // Where each message ends is what is left over for the next one.
        guard run.isAccepted, withPlaces else { return nil }
        let thin = DecoderRun.requests(bytes, cuts: CutPlan.everyByte(of: bytes.count))
        return self.comparePlaces(thin, NIOHTTP1Oracle.requests(bytes, bytewise: true))
    }

    static func answer(_ bytes: [UInt8], toHead: Bool, _ run: DecoderRun) -> String? {
        let oracle = NIOHTTP1Oracle.answer(bytes, toHead: toHead)
        // Bytes behind the answer: ours are surplus, the oracle's an unsolicited answer.
        return self.compare(run, oracle, ignoringRest: run.hasUnreadBytes)
    }

    private static func compare(
        _ run: DecoderRun, _ oracle: NIOHTTP1Oracle, ignoringRest: Bool = false
    ) -> String? {
        for (index, ours) in run.messages.enumerated() {
            guard index < oracle.messages.count else {
                return run.fault == nil || ours.isEnded
                    ? "the oracle refuses or misses message \(index): \(ours.summary)" : nil
            }
            let theirs = oracle.messages[index]
            if let difference = self.compareHeads(ours, theirs) { return "message \(index): \(difference)" }
            // The oracle leaves HTTP behind an upgrade; ours never does.
            if ours.fields.contains(where: { $0[0].lowercased() == "upgrade" }) { return nil }
            if ours.isEnded, !theirs.isEnded { return "message \(index) ends for us only" }
            if run.fault == nil || ours.isEnded {
                if ours.isEnded != theirs.isEnded { return "message \(index) ends for the oracle only" }
                if ours.body != theirs.body { return "message \(index): bodies \(ours.body) and \(theirs.body)" }
            }
        }
        // Behind `close` ours reads nothing, the oracle refuses.
        let isClosed = run.messages.last.map { $0.isEnded && $0.line.contains(" close ") } ?? false
        guard run.fault == nil, !isClosed, !ignoringRest else { return nil }
        // Of a message that is not whole yet the oracle may refuse a line before its line feed; ours then does.
        if run.isInsideHead || run.messages.last?.isEnded == false { return nil }
        if oracle.isRefused { return "the oracle refuses, ours does not: \(run.summary)" }
        return oracle.messages.count == run.messages.count
            ? nil : "\(run.messages.count) messages, for the oracle \(oracle.messages.count)"
    }

    private static func compareHeads(_ ours: DecodedMessage, _ theirs: DecodedMessage) -> String? {
        if !ours.method.isEmpty, ours.method != theirs.method { return "methods \(ours.method) and \(theirs.method)" }
        if ours.target != theirs.target { return "targets \(ours.target) and \(theirs.target)" }
        if ours.status != theirs.status { return "statuses \(ours.status) and \(theirs.status)" }
        return ours.fields == theirs.fields ? nil : "fields \(ours.fields) and \(theirs.fields)"
    }

    private static func comparePlaces(_ run: DecoderRun, _ oracle: NIOHTTP1Oracle) -> String? {
        for (index, (ours, theirs)) in zip(run.messages, oracle.messages).enumerated() {
            if ours.fields.contains(where: { $0[0].lowercased() == "upgrade" }) { return nil }
            if ours.headAt != theirs.headAt || ours.endAt != theirs.endAt {
                return
                    "message \(index) has its places at \(ours.headAt), \(ours.endAt) and "
                    + "\(theirs.headAt), \(theirs.endAt)"
            }
        }
        return nil
    }
}

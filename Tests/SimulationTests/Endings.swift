import GatewayContract
import GatewayCore

@testable import GatewayPipeline

/// What a client may have got by the time its exchange is over. Checked once for each.
extension World {
    func checkEnd(_ client: Client) {
        guard self.violation == nil, let record = client.records.first else { return }
        self.count(client, record)
        self.checkOutcome(client, record)
        self.checkUsage(client, record)
        if client.status == 200, record.provider?.text != "echo" {
            if client.isStream { self.checkStream(client) } else { self.checkWhole(client) }
        }
        weak let exchange = client.exchange
        client.forgetExchange()
        if exchange != nil { self.fail("memory", "the exchange of \(client.tag) is kept after its end") }
    }

    private func count(_ client: Client, _ record: UsageRecord) {
        self.tally[record.outcome.rawValue, default: 0] += 1
        self.tally["usage \(record.usageSource.rawValue)", default: 0] += 1
        if let error = record.error { self.tally["\(error)", default: 0] += 1 }
        if record.attempts.count > 1 { self.tally["retried \(record.outcome.rawValue)", default: 0] += 1 }
        if client.answers.count > record.attempts.count {
            self.tally["answered more often than tried", default: 0] += 1
        }
        if client.hasBeenBehind { self.tally["read slowly", default: 0] += 1 }
        guard client.form != nil else { return }
        self.tally["upload \(record.outcome.rawValue)", default: 0] += 1
        if record.attempts.count > 1 { self.tally["upload retried", default: 0] += 1 }
        if client.hasBeenHeldBack { self.tally["upload held back", default: 0] += 1 }
        if !client.hasSentEnd, client.status == 200 { self.tally["upload answered early", default: 0] += 1 }
    }

    private func checkOutcome(_ client: Client, _ record: UsageRecord) {
        let expected: ExchangeOutcome? =
            switch client.ending {
            case .open: nil
            case .left: .clientLeft
            case .aborted: .truncated
            case .ended where client.status == 200: .completed
            case .ended: record.attempts.isEmpty ? .refused : .failed
            }
        if record.outcome != expected { self.fail("outcome", "\(client.tag): \(record.outcome), \(client.ending)") }
        if client.ending != .left, record.status != client.status {
            self.fail("outcome", "\(client.tag): status \(record.status) recorded, \(client.status ?? 0) seen")
        }
        if client.ending == .aborted, client.status != 200 { self.fail("outcome", "\(client.tag): an error was cut") }
        if record.generation != client.generation { self.fail("configuration", "\(client.tag) saw two generations") }
        if record.responseBytes != Int64(client.received.count) {
            self.fail("usage", "\(client.tag): \(record.responseBytes) bytes recorded, \(client.received.count) seen")
        }
    }

    /// Invariant 1: where the provider reported, that is what is recorded; errors and refusals cost nothing.
    private func checkUsage(_ client: Client, _ record: UsageRecord) {
        guard let answer = client.answers.last, record.provider?.text != "echo" else { return }
        if record.usageSource == .provider, record.usage.total != answer.totalTokens {
            self.fail("usage", "\(client.tag): \(record.usage.total), reported \(answer.totalTokens ?? -1)")
        }
        switch record.outcome {
        case .completed:
            if answer.totalTokens != nil, answer.hasContent, record.usageSource != .provider {
                self.fail("usage", "\(client.tag): the provider's report was not taken")
            }
        case .refused, .failed:
            if record.usageSource != .none || record.usage.total != 0 {
                self.fail("usage", "\(client.tag): an error cost \(record.usage.total)")
            }
        case .truncated, .clientLeft:
            if client.received.isEmpty, record.usageSource != .none {
                self.fail("usage", "\(client.tag): charged without a byte")
            }
        }
    }

    /// Invariant 11: the bytes are the provider's, in order; whole if and only if the answer ended well.
    private func checkWhole(_ client: Client) {
        guard let answer = client.answers.last else { return self.fail("stream", "\(client.tag): an answer of nobody") }
        let expected = Array(answer.body.utf8)
        switch client.ending {
        case .ended:
            if client.received != expected { self.fail("stream", "\(client.tag): not the provider's body") }
        case .aborted, .left, .open:
            if !expected.starts(with: client.received) { self.fail("stream", "\(client.tag): not a part of the body") }
        }
    }

    private func checkStream(_ client: Client) {
        guard let answer = client.answers.last else { return self.fail("stream", "\(client.tag): an answer of nobody") }
        let expected = answer.eventsFor(wantsUsage: client.wantsUsage)
        var events = Self.events(client.received)
        switch client.ending {
        case .ended:
            if !answer.isWhole { self.fail("stream", "\(client.tag): a broken stream ended well") }
            if events != expected { self.fail("stream", "\(client.tag): \(events.count) events of \(expected.count)") }
        case .aborted:
            if events.contains(Answer.done) { self.fail("stream", "\(client.tag): both an end and a failure") }
            guard let last = events.popLast(), last.hasPrefix(#"data: {"error""#) else {
                return self.fail("stream", "\(client.tag): a failure that nobody sees")
            }
            fallthrough
        case .left, .open:
            if !expected.starts(with: events) { self.fail("stream", "\(client.tag): not the provider's events") }
        }
    }

    private static func events(_ bytes: [UInt8]) -> [String] {
        var events: [String] = []
        var lines: [Substring] = []
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false) {
            if !line.isEmpty {
                lines.append(line)
            } else if !lines.isEmpty {
                events.append(lines.joined(separator: "\n"))
                lines = []
            }
        }
        return (lines.isEmpty ? events : events + [lines.joined(separator: "\n")]).filter { !$0.hasPrefix(":") }
    }
}

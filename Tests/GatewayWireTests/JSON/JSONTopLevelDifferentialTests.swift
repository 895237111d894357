import Foundation
import GatewayTesting
import Testing

@testable import GatewayWire

/// Our scanner against Foundation's reader, over generated and mutated texts. The seed of a failure is in its message.
@Suite struct JSONTopLevelDifferentialTests {
    private static let names = JSONNames(JSONGenerator.names)

    private func foundation(_ body: some Collection<UInt8>) -> Any? {
        try? JSONSerialization.jsonObject(with: Data(body), options: [.fragmentsAllowed])
    }

    private func scan(_ body: [UInt8]) -> Result<JSONTopLevel, JSONFault> {
        body.withUnsafeBytes { body in
            do throws(JSONFault) {
                return .success(try JSONTopLevel.scan(body, for: Self.names))
            } catch { return .failure(error) }
        }
    }

    /// Both accept: every looked-for member has the value that Foundation reads, and nothing is missing.
    private func compare(_ body: [UInt8], _ found: JSONTopLevel, _ object: [String: Any], _ note: Comment) {
        for (index, name) in JSONGenerator.names.enumerated() {
            let expected = object[name]
            guard let member = found.members[index] else {
                #expect(expected == nil, note)
                continue
            }
            let value = self.foundation(body[member.value])
            #expect(value != nil && Self.written(value) == Self.written(expected), note)
        }
    }

    /// The body with what the scanner documents not to judge replaced: nested values, text that is no UTF-8 or has half
    /// surrogate pairs in values, and numbers beyond Foundation's range.
    private func judgedPart(_ body: [UInt8]) -> [UInt8] {
        var machine = JSONMachine()
        var splices = JSONSplices()
        var (at, from) = (0, 0)
        body.withUnsafeBytes { all in
            guard let base = all.baseAddress else { return }
            while at < all.count {
                switch machine.run(base, &at, all.count) {
                case .valueStarts: from = at
                case .valueEnds:
                    if let stand = self.replacement(Array(all[from..<at])) { splices.replace(from..<at, with: stand) }
                case .malformed: return
                default: break
                }
            }
        }
        return body.withUnsafeBytes { splices.applied(to: $0) }
    }

    private func replacement(_ value: [UInt8]) -> [UInt8]? {
        switch value.first {
        case UInt8(ascii: "{"), UInt8(ascii: "["): return bytes("{}")
        case UInt8(ascii: "\""): return value.withUnsafeBytes { JSONText.string($0) } == nil ? bytes("\"\"") : nil
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): return nil
        default:
            let isFar = value.contains { $0 | 0x20 == 0x65 } || value.count > 15
            return isFar ? bytes("0") : nil
        }
    }

    /// What Foundation read, in a form that can be compared exactly.
    private static func written(_ value: Any?) -> String {
        switch value {
        case nil: "nothing"
        case is NSNull: "null"
        case let text as String: Array(text.utf8).description
        case let elements as [Any]: "[" + elements.map { Self.written($0) }.joined(separator: ",") + "]"
        case let members as [String: Any]:
            "{" + members.map { "\(Array($0.key.utf8)):\(Self.written($0.value))" }.sorted().joined(separator: ",")
                + "}"
        case let number as NSNumber: String(cString: number.objCType) + number.stringValue
        default: "other"
        }
    }

    /// Foundation takes a comma before a closing brace, which RFC 8259 does not know.
    private static func isSurplusComma(_ fault: JSONFault, _ body: [UInt8]) -> Bool {
        guard case .malformed(let at) = fault, at < body.count, body[at] == UInt8(ascii: "}") else { return false }
        return body[..<at].last { !JSONBytes.isSpace($0) } == UInt8(ascii: ",")
    }

    private struct Tally {
        var accepted = 0, both = 0, count = 0

        func show(_ what: String) {
            let (ours, both) = (self.accepted * 100 / self.count, self.both * 100 / self.count)
            print("JSON \(what): \(ours) % accepted, \(both) % by both")
        }
    }

    private func check(_ body: [UInt8], seed: UInt64, _ tally: inout Tally) {
        let note: Comment = "seed \(seed): \(text(body).debugDescription)"
        let object = self.foundation(body) as? [String: Any]
        tally.count += 1
        switch self.scan(body) {
        case .success(let found):
            tally.accepted += 1
            if let object {
                tally.both += 1
                self.compare(body, found, object, note)
            } else {
                #expect(self.foundation(self.judgedPart(body)) is [String: Any], note)
            }
        case .failure(.repeated), .failure(.tooDeep): break
        case .failure(let fault):
            #expect(object == nil || Self.isSurplusComma(fault, body), "\(fault), \(note)")
        }
    }

    @Test func generatedTextsReadAlike() {
        var tally = Tally()
        for seed in 0..<4000 as Range<UInt64> {
            var generator = JSONGenerator(random: SeededRandom(seed: seed))
            self.check(generator.object(repeats: seed % 10 == 0), seed: seed, &tally)
        }
        tally.show("generated")
        #expect(tally.both * 100 >= tally.count * 85)
    }

    @Test func mutatedTextsReadAlike() {
        var tally = Tally()
        for seed in 0..<12000 as Range<UInt64> {
            var generator = JSONGenerator(random: SeededRandom(seed: seed &+ 1 << 32))
            let body = generator.object()
            self.check(generator.random.mutate(body, alphabet: JSONGenerator.alphabet), seed: seed, &tally)
        }
        tally.show("mutated")
        #expect(tally.both * 100 >= tally.count * 20)
        #expect(tally.accepted * 100 <= tally.count * 80)
    }

    /// The lossless value and Foundation accept the same texts, but for repeated names and numbers out of range.
    @Test func valuesAreAcceptedAlike() {
        var (accepted, count) = (0, 0)
        for seed in 0..<6000 as Range<UInt64> {
            var generator = JSONGenerator(random: SeededRandom(seed: seed &+ 2 << 32))
            let whole = generator.object()
            let body = seed % 3 == 0 ? whole : generator.random.mutate(whole, alphabet: JSONGenerator.alphabet)
            let note: Comment = "seed \(seed): \(text(body).debugDescription)"
            let object = self.foundation(body)
            count += 1
            do throws(JSONFault) {
                let value = try JSONValue(parsing: body)
                accepted += 1
                guard let object else { continue }
                #expect(Self.written(self.foundation(value.serialized())) == Self.written(object), note)
                #expect(try JSONValue(parsing: value.serialized()) == value, note)
            } catch JSONFault.repeated {
            } catch {
                #expect(object == nil || Self.isSurplusComma(error, body), "\(error), \(note)")
            }
        }
        print("JSON values: \(accepted * 100 / count) % accepted")
        #expect(accepted * 100 >= count * 30)
    }

    /// S-4: garbage is answered, never trapped on.
    @Test func garbageNeverTraps() {
        var random = SeededRandom(seed: 7)
        for _ in 0..<20000 {
            let count = random.int(0...60)
            var body = (0..<count).map { _ in JSONGenerator.alphabet.randomElement(using: &random) ?? 0 }
            if random.oneIn(2) { body.insert(UInt8(ascii: "{"), at: 0) }
            _ = self.scan(body)
            _ = try? JSONValue(parsing: body)
            body.withUnsafeBytes { all in
                _ = JSONText.string(all)
                _ = JSONText.integer(all)
                var capture = JSONMemberCapture(names: Self.names, capturedBytesMax: 10)
                capture.feed(all)
            }
        }
    }
}

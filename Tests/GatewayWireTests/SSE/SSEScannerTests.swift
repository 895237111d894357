import GatewayTesting
import GatewayWire
import Testing

@Suite struct SSEScannerTests {
    private struct Event: Equatable, CustomStringConvertible {
        var name: String
        var data: String
        var description: String { "\(self.name.debugDescription)=\(self.data.debugDescription)" }
    }

    /// Feeds chunks, and checks at every step what `boundary`, `end` and `hasPartialEvent` promise.
    private func events(_ chunks: [[UInt8]], check stream: [UInt8]? = nil) throws -> [Event] {
        var scanner = SSEScanner()
        var events: [Event] = []
        var (fed, boundary) = (0, 0)
        for chunk in chunks {
            var lastEnd = 0
            try chunk.withUnsafeBytes { bytes in
                try scanner.feed(bytes) { event in
                    events.append(Event(name: text(event.name), data: text(event.data)))
                    #expect(event.end > lastEnd && event.end <= bytes.count)
                    lastEnd = event.end
                }
            }
            #expect(scanner.boundary >= lastEnd && scanner.boundary <= chunk.count)
            if scanner.boundary > 0 { boundary = fed + scanner.boundary }
            fed += chunk.count
            #expect(scanner.hasPartialEvent == (fed > boundary))
            if let stream { #expect(Self.reference(Array(stream[..<boundary])) == events) }
        }
        return events
    }

    /// The specification's algorithm, word by word and slowly.
    private static func reference(_ stream: [UInt8]) -> [Event] {
        var rest = stream[...]
        if rest.starts(with: [0xef, 0xbb, 0xbf]) { rest = rest.dropFirst(3) }
        var (events, data, name) = ([Event](), [UInt8](), [UInt8]())
        while let stop = rest.firstIndex(where: { $0 == 0x0a || $0 == 0x0d }) {
            let line = rest[..<stop]
            let isPair = rest[stop] == 0x0d && stop + 1 < rest.endIndex && rest[stop + 1] == 0x0a
            rest = rest[(stop + (isPair ? 2 : 1))...]
            if line.isEmpty {
                if !data.isEmpty { events.append(Event(name: text(name), data: text(data.dropLast()))) }
                data = []
                name = []
                continue
            }
            let colon = line.firstIndex(of: UInt8(ascii: ":"))
            let field = text(line[..<(colon ?? line.endIndex)])
            var value = colon.map { line[($0 + 1)...] } ?? []
            if value.first == 0x20 { value = value.dropFirst() }
            if field == "data" { data += value + [0x0a] }
            if field == "event" { name = Array(value) }
        }
        return events
    }

    private static let samples = [
        "data: {\"a\":1}\n\ndata: [DONE]\n\n",
        "event: message_start\ndata: {\"type\":\"message_start\"}\n\nevent: ping\ndata: {}\n\n",
        "\u{feff}data:x\r\n\r\ndata: y\r\rdata:  z\n\n",
        ": comment\n\n:\ndata\n\ndata:\ndata:\n\n",
        "id: 1\nretry: 5\ndata: one\ndata:two\ndata:  three\n\n",
        "event: a\nevent: b\ndata: x\n\nevent: lost\n\ndata: y\n\nevent\ndata: z\n\n",
        "database: no\nevents: no\ndat: no\n data: no\nData: no\n\ndata : no\n\ndata: yes\n\n",
        "\n\n\r\n\r\rdata: after blanks\n\n\n\n",
        "data: a\r\ndata: b\rdata: c\n\r\nevent:n\r\ndata:é😀\r\n\r\n",
        "data: unfinished\n",
        "\u{feff}\u{feff}data: no field\n\ndata: \u{feff}kept\n\n",
        "data: \0nul\n\n",
        "event: x\ndata: 1\n\ndata: 2\n\nevent:  y\ndata: 3\n\nevent:\ndata: 4\n\n",
        "\u{feff}\n\u{feff}data: x\n\n",
    ]

    @Test func theReferenceReadsWhatTheStandardSays() {
        #expect(
            Self.reference(bytes(Self.samples[0])) == [
                Event(name: "", data: "{\"a\":1}"), Event(name: "", data: "[DONE]"),
            ])
        #expect(Self.reference(bytes(Self.samples[2])).map(\.data) == ["x", "y", " z"])
        #expect(Self.reference(bytes(Self.samples[3])).map(\.data) == ["", "\n"])
        #expect(Self.reference(bytes(Self.samples[4])).map(\.data) == ["one\ntwo\n three"])
        #expect(
            Self.reference(bytes(Self.samples[5]))
                == [Event(name: "b", data: "x"), Event(name: "", data: "y"), Event(name: "", data: "z")])
        #expect(Self.reference(bytes(Self.samples[6])).map(\.data) == ["yes"])
    }

    /// M-11, and reference/wire-formats.md: any split gives the same events.
    @Test(arguments: samples) func everySplitGivesTheSameEvents(sample: String) throws {
        let stream = bytes(sample)
        let expected = Self.reference(stream)
        #expect(try self.events([stream], check: stream) == expected)
        #expect(try self.events(stream.map { [$0] }, check: stream) == expected)
        for first in 0...stream.count {
            let (head, tail) = (Array(stream[..<first]), Array(stream[first...]))
            #expect(try self.events([head, tail], check: stream) == expected, "cut \(first)")
            for second in stride(from: 0, through: tail.count, by: 3) {
                let three = [head, Array(tail[..<second]), Array(tail[second...])]
                #expect(try self.events(three) == expected, "cuts \(first), \(second)")
            }
        }
    }

    @Test func randomStreamsReadAsTheStandardSays() throws {
        let pieces = [
            "data", "event", "data:", "data: ", "event: ", "id: 1", ":", " ", "x", "{\"a\":\"b\"}", "\n", "\n", "\n",
            "\r", "\r\n", "\n\n", "\u{feff}", "é",
            "a longer piece of text that takes more than one word",
        ]
        var count = 0
        for seed in 0..<6000 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let sample = (0..<random.int(0...40)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            let stream = bytes(sample)
            let expected = Self.reference(stream)
            count += expected.count
            let chunks = random.chunks(stream, every: random.oneIn(2) ? 3 : 12)
            #expect(try self.events(chunks, check: stream) == expected, "seed \(seed): \(sample.debugDescription)")
        }
        print("SSE random: \(count) events in 6000 streams")
        #expect(count > 2500)
    }

    @Test func garbageNeverTraps() throws {
        var random = SeededRandom(seed: 11)
        for _ in 0..<2000 {
            let stream = (0..<random.int(0...200)).map { _ in
                UInt8(truncatingIfNeeded: random.next()) & (random.oneIn(4) ? 0x0f : 0xff)
            }
            let expected = Self.reference(stream)
            #expect(try self.events(random.chunks(stream, every: 9)) == expected)
        }
    }

    /// The zero-copy promise: an event with one data line that lies in one chunk is handed out in place.
    @Test func anEventInOneChunkIsNotCopied() throws {
        var scanner = SSEScanner()
        try bytes(":\n\n").withUnsafeBytes { try scanner.feed($0) { _ in } }
        try bytes("event: a\ndata: {}\n\n").withUnsafeBytes { chunk in
            var calls = 0
            try scanner.feed(chunk) { event in
                calls += 1
                #expect(event.data.baseAddress == chunk.baseAddress.map { $0 + 15 })
                #expect(event.name.baseAddress == chunk.baseAddress.map { $0 + 7 })
            }
            #expect(calls == 1)
        }
    }

    @Test func anEventBeyondTheLimitIsRefusedHoweverItIsSplit() {
        let fits = bytes("data: 0123456789\n\n")
        let tooLarge = bytes("data: 01234567890\n\n")
        let comments = bytes(":234567890\n:234567\n\n")
        for stream in [fits, tooLarge, comments] {
            for cut in 0...stream.count {
                var scanner = SSEScanner(eventBytesMax: 17)
                var count = 0
                var fault: SSEFault?
                for chunk in [bytes(":\n\n"), Array(stream[..<cut]), Array(stream[cut...])] {
                    chunk.withUnsafeBytes { chunk in
                        do throws(SSEFault) { try scanner.feed(chunk) { _ in count += 1 } } catch { fault = error }
                    }
                }
                #expect(fault == (stream == fits ? nil : .eventTooLarge), "cut \(cut)")
                #expect(count == (stream == fits ? 1 : 0))
            }
        }
    }

    @Test func aFaultLasts() {
        var scanner = SSEScanner(eventBytesMax: 4)
        for chunk in ["data: long", "\n\n", "data:\n\n"] {
            #expect(throws: SSEFault.eventTooLarge) {
                try bytes(chunk).withUnsafeBytes { try scanner.feed($0) { _ in } }
            }
        }
    }

    @Test func manyEventsUnderTheLimitAddUpToNothing() throws {
        var scanner = SSEScanner(eventBytesMax: 32)
        var count = 0
        for _ in 0..<1000 {
            try bytes("data: 0123456789\n\n: c\n\n").withUnsafeBytes { try scanner.feed($0) { _ in count += 1 } }
        }
        #expect(count == 1000)
    }
}

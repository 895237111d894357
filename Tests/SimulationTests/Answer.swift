import GatewayTesting

/// What a provider is about to send for one request, as bytes on the wire and as what they mean.
struct Answer {
    enum Ending {
        case keepOpen, close, reset
        /// Nothing more comes, and the connection stays.
        case hang
    }

    /// In the order in which they are sent; cut at random places.
    var bursts: [[UInt8]] = []
    var ending = Ending.keepOpen
    var status = 200
    var isStream = false
    /// Events in order, comments left out.
    var events: [String] = []
    /// The body of an answer that is no stream.
    var body = ""
    /// Its last event, or its one object, says that it is whole.
    var isWhole = true
    /// What it reports.
    var totalTokens: Int64?

    /// Something of it has to be paid for.
    var hasContent: Bool { !self.isStream || self.events.contains { $0.contains("-0;") } }

    static let done = "data: [DONE]"
    /// Beyond it nothing is sent as one burst.
    static let burstBytesMax = 2048

    /// - Parameters:
    ///   - tag: stands in every piece of content, so that a byte in another client's answer is seen.
    static func make(
        tag: String, isStream: Bool, reportsUsage: Bool, isTroubled: Bool, random: inout SeededRandom
    ) -> Answer {
        let trouble = isTroubled ? random.int(0...13) : random.int(0...40)
        switch trouble {
        case 0: return Answer(bursts: [], ending: .reset)
        case 1: return Answer(bursts: [], ending: .close)
        case 2: return Answer(bursts: [], ending: .hang)
        case 3: return Self.raw("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello", &random)
        case 4: return Self.raw("\u{1}\u{2}garbage\r\n\r\n", &random)
        case 5: return Self.failure(429, "retry-after: 1\r\n", &random)
        case 6: return Self.failure(random.oneIn(2) ? 500 : 503, "", &random)
        case 7: return Self.failure(400, "", &random)
        case 8:
            return Self.raw("HTTP/1.1 302 Found\r\nlocation: http://169.254.0.1/\r\ncontent-length: 0\r\n\r\n", &random)
        case 9: return Self.raw("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi", &random)
        default: break
        }
        var answer =
            isStream
            ? Self.stream(tag, reportsUsage: reportsUsage, &random) : Self.whole(tag, &random)
        if trouble == 10 || trouble == 11 { answer.breakOff(&random) }
        if trouble == 12 { answer.bursts[answer.bursts.count - 1] += Array("HTTP/1.1 200 OK\r\n".utf8) }
        return answer
    }

    private static func raw(_ text: String, _ random: inout SeededRandom) -> Answer {
        var answer = Answer(ending: random.oneIn(2) ? .close : .keepOpen, isWhole: false)
        answer.send(Array(text.utf8), &random)
        return answer
    }

    private static func failure(_ status: Int, _ fields: String, _ random: inout SeededRandom) -> Answer {
        let body = #"{"error":{"message":"no","type":"server_error","code":null}}"#
        var answer = Answer(status: status, body: body)
        answer.send(
            Array(
                ("HTTP/1.1 \(status) No\r\ncontent-type: application/json\r\n\(fields)"
                    + "content-length: \(body.utf8.count)\r\n\r\n\(body)").utf8), &random)
        return answer
    }

    private static func whole(_ tag: String, _ random: inout SeededRandom) -> Answer {
        let (input, output) = (Int64(random.int(1...99)), Int64(random.int(0...99)))
        let text = String(repeating: "\(tag); ", count: random.int(1...60))
        var body = #"{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","#
        body += #""content":"\#(text)"},"finish_reason":"stop"}]"#
        var answer = Answer(ending: random.oneIn(6) ? .close : .keepOpen)
        if !random.oneIn(5) {
            body += #","usage":\#(Self.usage(input, output))"#
            answer.totalTokens = input + output
        }
        body += "}"
        answer.body = body
        let close = answer.ending == .close ? "connection: close\r\n" : ""
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\(close)"
        if random.oneIn(2) {
            answer.send(Array("\(head)content-length: \(body.utf8.count)\r\n\r\n\(body)".utf8), &random)
        } else {
            answer.send(
                Array("\(head)transfer-encoding: chunked\r\n\r\n".utf8) + Self.chunk(body) + Array("0\r\n\r\n".utf8),
                &random)
        }
        return answer
    }

    private static func usage(_ input: Int64, _ output: Int64) -> String {
        #"{"prompt_tokens":\#(input),"completion_tokens":\#(output),"total_tokens":\#(input + output)}"#
    }

    private static func chunk(_ text: String) -> [UInt8] {
        Array((String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n").utf8)
    }

    private static func event(_ choices: String, _ rest: String = "") -> String {
        #"data: {"id":"x","object":"chat.completion.chunk","choices":[\#(choices)]\#(rest)}"#
    }

    private static func stream(_ tag: String, reportsUsage: Bool, _ random: inout SeededRandom) -> Answer {
        var answer = Answer(isStream: true)
        var events = [Self.event(#"{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}"#)]
        for place in 0..<random.int(0...12) {
            if random.oneIn(6) { events.append(": ping") }
            events.append(Self.event(#"{"index":0,"delta":{"content":"\#(tag)-\#(place);"},"finish_reason":null}"#))
        }
        let lastWord = random.int(0...11)
        if lastWord == 0 {
            events.append(#"data: {"error":{"message":"no","type":"server_error","code":null}}"#)
            answer.isWhole = false
        } else if lastWord == 1 {
            answer.isWhole = false
        } else {
            events.append(Self.event(#"{"index":0,"delta":{},"finish_reason":"stop"}"#))
            if reportsUsage, !random.oneIn(6) {
                let (input, output) = (Int64(random.int(1...99)), Int64(random.int(0...99)))
                events.append(Self.event("", #","usage":\#(Self.usage(input, output))"#))
                answer.totalTokens = input + output
            }
            if !random.oneIn(6) { events.append(Self.done) }
        }
        answer.events = events.filter { !$0.hasPrefix(":") }
        let interim = random.oneIn(8) ? "HTTP/1.1 103 Early Hints\r\n\r\n" : ""
        var bytes = Array(
            "\(interim)HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".utf8)
        for event in events { bytes += Self.chunk(event + "\n\n") }
        answer.send(bytes + Array("0\r\n\r\n".utf8), &random)
        return answer
    }

    /// Cuts the bytes into bursts.
    private mutating func send(_ bytes: [UInt8], _ random: inout SeededRandom) {
        let size = random.oneIn(4) ? Self.burstBytesMax : random.int(20...600)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = min(rest.count, random.int(1...size))
            self.bursts.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
    }

    /// Ends the bytes early: the connection breaks there, or nothing more comes.
    private mutating func breakOff(_ random: inout SeededRandom) {
        let kept = random.int(0...max(0, self.bursts.count - 1))
        self.bursts.removeLast(self.bursts.count - kept)
        if let last = self.bursts.last, last.count > 1 {
            self.bursts[self.bursts.count - 1] = Array(last.prefix(random.int(1...last.count)))
        }
        self.ending = [.close, .reset, .hang][random.int(0...2)]
    }

    /// What the client of a whole stream gets.
    func eventsFor(wantsUsage: Bool) -> [String] {
        let shown = wantsUsage ? self.events : self.events.filter { !$0.contains(#""choices":[],"usage""#) }
        return shown.last == Self.done || !self.isWhole ? shown : shown + [Self.done]
    }
}

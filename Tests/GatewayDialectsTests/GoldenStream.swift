import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayWire
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// One recorded-style stream of `Golden/` and what is to be seen in it.
struct GoldenStream: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    /// The lines `key: value` of the `.expect` file.
    let expected: [String: String]

    var testDescription: String { self.name }

    /// Every stream; a name that has no file is a test failure, not a skipped case.
    static let names = [
        "chat-usage", "chat-usage-asked", "chat-tools-no-done", "chat-azure", "chat-vllm-continuous",
        "chat-two-choices", "chat-one-choice-unfinished", "chat-error-then-done", "chat-error-only", "chat-truncated",
        "completions", "responses-completed", "responses-incomplete", "responses-failed", "responses-error-event",
        "responses-function-call", "responses-truncated", "messages-thinking", "messages-input-in-delta",
        "messages-overloaded", "messages-truncated", "gemini-thoughts", "gemini-blocked", "gemini-function",
        "gemini-truncated", "gemini-error", "images", "transcription",
    ]

    init(_ name: String) throws {
        self.name = name
        self.bytes = try Self.file("\(name).sse")
        var expected: [String: String] = [:]
        for line in String(decoding: try Self.file("\(name).expect"), as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            expected[String(parts[0])] = String(parts[1].drop { $0 == " " })
        }
        self.expected = expected
    }

    struct NoFile: Error { let path: String }

    private static func file(_ name: String) throws -> [UInt8] {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let path = "/\(folder)/Golden/\(name)"
        guard let file = fopen(path, "rb") else { throw NoFile(path: path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }

    var endpoint: Endpoint? { self.expected["endpoint"].flatMap(Endpoint.init(rawValue:)) }

    func units(_ key: String) -> UsageUnits? {
        guard let text = self.expected[key], text != "none" else { return nil }
        var units = UsageUnits()
        for pair in text.split(separator: " ") {
            let parts = pair.split(separator: "=")
            let value = Int64(parts[1]) ?? -1
            switch parts[0] {
            case "inputUncached": units.inputUncached = value
            case "cacheRead": units.cacheRead = value
            case "cacheWrite5m": units.cacheWrite5m = value
            case "cacheWrite1h": units.cacheWrite1h = value
            case "output": units.output = value
            case "reasoning": units.reasoning = value
            case "audioInput": units.audioInput = value
            case "toolUnits": units.toolUnits = value
            default: Issue.record("unknown unit \(parts[0])")
            }
        }
        return units
    }
}

/// Everything that can be seen of a stream: equal for every way to cut it.
struct StreamSight: Equatable {
    var verdicts: [EventVerdict] = []
    var sawContent = false
    var textBytes: Int64 = 0
    var usage: UsageUnits?
    var settled = UsageUnits()
    var source = UsageSource.none
    var sawError = false
    var nextSequence: Int64 = 0
    var end = StreamEnd.truncated

    /// Feeds the pieces of `bytes` between the cuts.
    init(_ bytes: [UInt8], cuts: [Int], watch initial: StreamWatch) throws {
        var watch = initial
        var scanner = SSEScanner()
        var verdicts: [EventVerdict] = []
        var from = 0
        for cut in cuts + [bytes.count] {
            try bytes[from..<cut].withUnsafeBytes { chunk in
                try scanner.feed(chunk) { verdicts.append(watch.event(name: $0.name, data: $0.data)) }
            }
            from = cut
        }
        self.verdicts = verdicts
        self.usage = watch.usage
        (self.settled, self.source) = watch.settlement(estimatedInput: 100)
        self.end = watch.end()
        self.sawContent = watch.sawContent
        self.textBytes = watch.outputTextBytes
        self.sawError = watch.sawError
        self.nextSequence = watch.nextSequenceNumber
    }
}

import GatewayContract
import GatewayCore

/// The access log: one JSON object per line and exchange.
///
/// Fields keep their order; one that has no value is left out. There is no path, no query, no header, no credential and
/// no content in it, because the record has none (fault 62); text from outside is cut and escaped (fault 61). Times are
/// whole microseconds.
public enum AccessLog {
    private static let nameBytesMax = 256
    private static let detailBytesMax = 512
    /// Keys, numbers and punctuation of a line without attempts.
    private static let fixedBytes = 1024
    /// The same for one attempt.
    private static let attemptBytes = 160
    private static let attemptsMax = 32

    /// Appends one line, with its line feed, for a finished exchange. Reuse `out` from line to line.
    ///
    /// Cost: about 4,300 instructions for a line with every common field, 4,900 with an IPv6 address; no
    /// allocation that outlives the call.
    public static func append(_ record: UsageRecord, to out: inout [UInt8]) {
        LineCursor.append(upTo: Self.bound(record), to: &out) { line in
            Self.writeRequest(record, to: &line)
            Self.writeTarget(record, to: &line)
            if record.usageSource != .none { Self.writeUsage(record, to: &line) }
            if !record.attempts.isEmpty { Self.writeAttempts(record.attempts, to: &line) }
            Self.writeMeasures(record, to: &line)
        }
    }

    private static func bound(_ record: UsageRecord) -> Int {
        var bound = Self.fixedBytes
        bound &+= Self.bound(record.requestID) &+ Self.bound(record.method)
        bound &+= Self.bound(record.route?.text) &+ Self.bound(record.version?.text) &+ Self.bound(record.key?.text)
        bound &+= Self.bound(record.modelRequested) &+ Self.bound(record.model?.text)
        bound &+= Self.bound(record.provider?.text) &+ Self.bound(record.deployment?.text)
        bound &+= LineCursor.bound(record.errorDetail, bytesMax: Self.detailBytesMax)
        for attempt in record.attempts.prefix(Self.attemptsMax) {
            bound &+= Self.attemptBytes &+ Self.bound(attempt.deployment.text)
        }
        return bound
    }

    @inline(__always)
    private static func bound(_ text: String?) -> Int {
        LineCursor.bound(text, bytesMax: Self.nameBytesMax)
    }

    private static func writeRequest(_ record: UsageRecord, to line: inout LineCursor) {
        line.literal("{\"ts\":\"")
        line.timestamp(record.startedAt)
        line.literal("\",\"request_id\":")
        line.quoted(record.requestID, bytesMax: Self.nameBytesMax)
        line.literal(",\"generation\":")
        line.decimal(record.generation)
        if !record.method.isEmpty {
            line.literal(",\"method\":")
            line.quoted(record.method, bytesMax: Self.nameBytesMax)
        }
        Self.write(",\"route\":", record.route?.text, to: &line)
        Self.write(",\"version\":", record.version?.text, to: &line)
        Self.write(",\"endpoint\":", record.endpoint?.rawValue, to: &line)
        line.literal(",\"status\":")
        line.decimal(Int64(record.status))
        line.literal(",\"outcome\":\"")
        line.literal(Self.name(record.outcome))
        line.byte(UInt8(ascii: "\""))
        if let error = record.error {
            Self.write(",\"error\":", error.row.label, to: &line)
            if let detail = record.errorDetail {
                line.literal(",\"error_detail\":")
                line.quoted(detail, bytesMax: Self.detailBytesMax)
            }
        }
    }

    private static func writeTarget(_ record: UsageRecord, to line: inout LineCursor) {
        Self.write(",\"key\":", record.key?.text, to: &line)
        if let address = record.clientAddress {
            line.literal(",\"client\":")
            line.quoted(address)
        }
        Self.write(",\"model_requested\":", record.modelRequested, to: &line)
        Self.write(",\"model\":", record.model?.text, to: &line)
        Self.write(",\"provider\":", record.provider?.text, to: &line)
        Self.write(",\"deployment\":", record.deployment?.text, to: &line)
        line.literal(record.isStream ? ",\"stream\":true" : ",\"stream\":false")
    }

    private static func writeUsage(_ record: UsageRecord, to line: inout LineCursor) {
        let usage = record.usage
        line.literal(",\"usage\":{\"input\":")
        line.decimal(usage.inputUncached)
        line.literal(",\"output\":")
        line.decimal(usage.output)
        if usage.cacheRead != 0 { Self.write(",\"cache_read\":", usage.cacheRead, to: &line) }
        if usage.cacheWrite5m != 0 { Self.write(",\"cache_write_5m\":", usage.cacheWrite5m, to: &line) }
        if usage.cacheWrite1h != 0 { Self.write(",\"cache_write_1h\":", usage.cacheWrite1h, to: &line) }
        if usage.reasoning != 0 { Self.write(",\"reasoning\":", usage.reasoning, to: &line) }
        if usage.audioInput != 0 { Self.write(",\"audio_input\":", usage.audioInput, to: &line) }
        if usage.audioOutput != 0 { Self.write(",\"audio_output\":", usage.audioOutput, to: &line) }
        if usage.imageInput != 0 { Self.write(",\"image_input\":", usage.imageInput, to: &line) }
        if usage.toolUnits != 0 { Self.write(",\"tool_units\":", usage.toolUnits, to: &line) }
        line.literal(record.usageSource == .provider ? ",\"source\":\"provider\"}" : ",\"source\":\"estimated\"}")
    }

    private static func writeAttempts(_ attempts: [AttemptRecord], to line: inout LineCursor) {
        line.literal(",\"attempts\":[")
        for (index, attempt) in attempts.prefix(Self.attemptsMax).enumerated() {
            line.literal(index == 0 ? "{\"deployment\":" : ",{\"deployment\":")
            line.quoted(attempt.deployment.text, bytesMax: Self.nameBytesMax)
            line.literal(",\"status\":")
            line.decimal(Int64(attempt.status))
            if let error = attempt.error { Self.write(",\"error\":", error.row.label, to: &line) }
            line.literal(",\"us\":")
            line.decimal(attempt.elapsed.microseconds)
            line.byte(UInt8(ascii: "}"))
        }
        line.byte(UInt8(ascii: "]"))
    }

    private static func writeMeasures(_ record: UsageRecord, to line: inout LineCursor) {
        line.literal(",\"request_bytes\":")
        line.decimal(record.requestBytes)
        line.literal(",\"response_bytes\":")
        line.decimal(record.responseBytes)
        line.literal(",\"duration_us\":")
        line.decimal(record.elapsed.microseconds)
        if let firstContent = record.firstContent {
            line.literal(",\"first_content_us\":")
            line.decimal(firstContent.microseconds)
        }
        line.literal(",\"overhead_us\":")
        line.decimal(record.overhead.microseconds)
        line.literal("}\n")
    }

    @inline(__always)
    private static func write(_ key: StaticString, _ text: String?, to line: inout LineCursor) {
        guard let text else { return }
        line.literal(key)
        line.quoted(text, bytesMax: Self.nameBytesMax)
    }

    @inline(__always)
    private static func write(_ key: StaticString, _ number: Int64, to line: inout LineCursor) {
        line.literal(key)
        line.decimal(number)
    }

    private static func name(_ outcome: ExchangeOutcome) -> StaticString {
        switch outcome {
        case .completed: "completed"
        case .refused: "refused"
        case .failed: "failed"
        case .truncated: "truncated"
        case .clientLeft: "client_left"
        }
    }
}

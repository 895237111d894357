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
    private static let attemptsMax = 32

    /// Appends one line, with its line feed, for a finished exchange. Called on the loop that owns `lines`.
    ///
    /// Cost: about 2,300 instructions for a line with every common field, 600 more with an IPv6 address; allocates only
    /// when `lines` has to grow.
    public static func append(_ record: UsageRecord, to lines: inout LineBuffer) {
        lines.beginLine()
        Self.writeRequest(record, to: &lines)
        Self.writeTarget(record, to: &lines)
        if record.usageSource != .none { Self.writeUsage(record, to: &lines) }
        if !record.attempts.isEmpty { Self.writeAttempts(record.attempts, to: &lines) }
        Self.writeMeasures(record, to: &lines)
        lines.endLine()
    }

    private static func writeRequest(_ record: UsageRecord, to line: inout LineBuffer) {
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

    private static func writeTarget(_ record: UsageRecord, to line: inout LineBuffer) {
        Self.write(",\"key\":", record.key?.text, to: &line)
        if let id = record.keyID { Self.write(",\"key_id\":", id.description, to: &line) }
        if record.usedPreviousKey { line.literal(",\"key_state\":\"previous\"") }
        if let owner = record.owner { Self.write(owner, to: &line) }
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

    private static func write(_ owner: KeyOwner, to line: inout LineBuffer) {
        Self.write(",\"org\":", owner.org?.text, to: &line)
        Self.write(",\"team\":", owner.team?.text, to: &line)
        switch owner.holder {
        case .user(let name): Self.write(",\"user\":", name.text, to: &line)
        case .serviceAccount(let name): Self.write(",\"service_account\":", name.text, to: &line)
        case nil: break
        }
    }

    private static func writeUsage(_ record: UsageRecord, to line: inout LineBuffer) {
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

    private static func writeAttempts(_ attempts: [AttemptRecord], to line: inout LineBuffer) {
        line.literal(",\"attempts\":[")
        attempts.withUnsafeBufferPointer { attempts in
            for index in 0..<min(attempts.count, Self.attemptsMax) {
                if index > 0 { line.byte(UInt8(ascii: ",")) }
                Self.write(attempts[index], to: &line)
            }
        }
        line.byte(UInt8(ascii: "]"))
    }

    @inline(__always)
    private static func write(_ attempt: AttemptRecord, to line: inout LineBuffer) {
        line.literal("{\"deployment\":")
        line.quoted(attempt.deployment.text, bytesMax: Self.nameBytesMax)
        line.literal(",\"status\":")
        line.decimal(Int64(attempt.status))
        if let error = attempt.error { Self.write(",\"error\":", error.row.label, to: &line) }
        line.literal(",\"us\":")
        line.decimal(attempt.elapsed.microseconds)
        line.byte(UInt8(ascii: "}"))
    }

    private static func writeMeasures(_ record: UsageRecord, to line: inout LineBuffer) {
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
        line.byte(UInt8(ascii: "}"))
    }

    @inline(__always)
    private static func write(_ key: StaticString, _ text: String?, to line: inout LineBuffer) {
        guard let text else { return }
        line.literal(key)
        line.quoted(text, bytesMax: Self.nameBytesMax)
    }

    @inline(__always)
    private static func write(_ key: StaticString, _ number: Int64, to line: inout LineBuffer) {
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

import GatewayContract
import GatewayCore
import GatewayWire

/// Errors of the gateway in the three dialect families (reference: wire-formats 1.2, 2.2, 4.2).
public enum ErrorBody {
    /// One whole error body. `requestID` stands in Anthropic bodies only.
    public static func json(_ error: GatewayError, family: DialectFamily, requestID: String) -> [UInt8] {
        Self.json(
            status: error.status, type: error.code.row.type, label: error.code.row.label, message: error.message,
            parameter: error.parameter, family: family, requestID: requestID)
    }

    /// The same from its parts: for statuses that a provider chose.
    static func json(
        status: Int, type: String, label: String, message: String, parameter: String?, family: DialectFamily,
        requestID: String
    ) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(160 + message.utf8.count)
        switch family {
        case .openai:
            out.append(text: #"{"error":{"message":"#)
            JSONText.appendQuoted(message, to: &out)
            out.append(text: #","type":"#)
            JSONText.appendQuoted(type, to: &out)
            out.append(text: #","param":"#)
            out.append(quotedOrNull: parameter)
            out.append(text: #","code":"#)
            JSONText.appendQuoted(label, to: &out)
            out.append(text: "}}")
        case .anthropic:
            out.append(text: #"{"type":"error","error":{"type":"#)
            JSONText.appendQuoted(Self.anthropicType(status: status), to: &out)
            out.append(text: #","message":"#)
            JSONText.appendQuoted(message, to: &out)
            out.append(text: #"},"request_id":"#)
            JSONText.appendQuoted(requestID, to: &out)
            out.append(text: "}")
        case .gemini:
            out.append(text: #"{"error":{"code":"#)
            out.append(decimal: status)
            out.append(text: #","message":"#)
            JSONText.appendQuoted(message, to: &out)
            out.append(text: #","status":"#)
            JSONText.appendQuoted(Self.geminiStatus(status: status), to: &out)
            out.append(text: "}}")
        }
        return out
    }

    /// The event that ends a stream visibly after its head has gone out. Nothing may follow it, least of all `[DONE]`
    /// (pitfall S-8). For endpoints that do not stream it is the event of their family.
    ///
    /// - Parameter sequenceNumber: for `openai.responses`: one more than the last that the client saw.
    public static func streamEvent(
        _ error: GatewayError, endpoint: Endpoint, requestID: String, sequenceNumber: Int64 = 0
    ) -> [UInt8] {
        Self.streamEvent(
            error, family: endpoint.family, isResponses: endpoint == .responses, requestID: requestID,
            sequenceNumber: sequenceNumber)
    }

    static func streamEvent(
        _ error: GatewayError, family: DialectFamily, isResponses: Bool, requestID: String, sequenceNumber: Int64
    ) -> [UInt8] {
        var out: [UInt8] = []
        if isResponses {
            out.append(text: "event: error\ndata: {\"type\":\"error\",\"code\":")
            JSONText.appendQuoted(error.code.row.label, to: &out)
            out.append(text: #","message":"#)
            JSONText.appendQuoted(error.message, to: &out)
            out.append(text: #","param":"#)
            out.append(quotedOrNull: error.parameter)
            out.append(text: #","sequence_number":"#)
            out.append(decimal: sequenceNumber)
            out.append(text: "}\n\n")
            return out
        }
        if family == .anthropic { out.append(text: "event: error\n") }
        out.append(text: "data: ")
        out += Self.json(error, family: family, requestID: requestID)
        out.append(text: "\n\n")
        return out
    }

    /// `error.type` of Anthropic for an HTTP status.
    public static func anthropicType(status: Int) -> String {
        switch status {
        case 401: "authentication_error"
        case 402: "billing_error"
        case 403: "permission_error"
        case 404, 405, 410: "not_found_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 504: "timeout_error"
        case 503, 529: "overloaded_error"
        case 500...: "api_error"
        default: "invalid_request_error"
        }
    }

    /// `error.status` of Gemini, a name of google.rpc.Code, for an HTTP status.
    public static func geminiStatus(status: Int) -> String {
        switch status {
        case 401: "UNAUTHENTICATED"
        case 403: "PERMISSION_DENIED"
        case 404, 410: "NOT_FOUND"
        case 405, 501: "UNIMPLEMENTED"
        case 409: "ABORTED"
        case 429: "RESOURCE_EXHAUSTED"
        case 499: "CANCELLED"
        case 503, 529: "UNAVAILABLE"
        case 504, 408: "DEADLINE_EXCEEDED"
        case 500...: "INTERNAL"
        default: "INVALID_ARGUMENT"
        }
    }
}

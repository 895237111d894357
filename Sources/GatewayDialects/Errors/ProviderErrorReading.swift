import GatewayContract
import GatewayCore
import GatewayWire

/// A provider's error as the client gets it.
public struct ProviderErrorAnswer: Sendable, Equatable {
    /// The provider's, except for 401 and 402: 502.
    public var status: Int
    /// A JSON body in the client's dialect.
    public var body: [UInt8]
    /// `upstreamRefusedCredentials`, `upstreamTimeout` (408, 504) or `upstreamError`: for the record and the log.
    public var code: ErrorCode
    /// The provider's own message for the log, at most 512 bytes, without URLs and keys.
    public var detail: String
}

/// Turns answers with status 400 and above into what a client may see (DESIGN 13.15, wire-formats 1.2 and 3.6).
///
/// A well-formed error object of the family is passed on with URLs, keys and account ids taken out of every string in
/// it. HTML, empty and garbage bodies become a generic error with the same status. Off the hot path; `body` should be
/// capped by the caller (64 KiB is plenty).
public enum ProviderErrorReading {
    /// - Parameter credential: the provider's own; removed wherever it stands in the text.
    public static func read(
        status: Int, body: [UInt8], family: DialectFamily, requestID: String, credential: Secret? = nil
    ) -> ProviderErrorAnswer {
        let scrub = ErrorScrub(credential: credential)
        let parsed = (try? JSONValue(parsing: body)).map(scrub.value)
        let message = parsed.flatMap(Self.message) ?? "no error object in \(body.count) bytes"
        let detail = String(decoding: Array(message.utf8.prefix(512)), as: UTF8.self)
        if status == 401 || status == 402 {
            let error = GatewayError(.upstreamRefusedCredentials)
            return .init(
                status: error.status, body: ErrorBody.json(error, family: family, requestID: requestID),
                code: error.code, detail: detail)
        }
        let shown = (400...599).contains(status) ? status : 502
        let kept = parsed.flatMap { Self.wellFormed($0, family: family, requestID: requestID) }
        return .init(
            status: shown, body: kept ?? Self.generic(status: shown, family: family, requestID: requestID),
            code: status == 408 || status == 504 ? .upstreamTimeout : .upstreamError, detail: detail)
    }

    private static func message(_ value: JSONValue) -> String? {
        value["error"]?["message"]?.string ?? value["message"]?.string ?? value["error"]?.string
            ?? value[0].flatMap(Self.message)
    }

    /// Only the members that the family's error has are kept around the error object.
    private static func wellFormed(_ value: JSONValue, family: DialectFamily, requestID: String) -> [UInt8]? {
        switch family {
        case .openai:
            if let error = value["error"], error["message"]?.string != nil {
                return JSONValue.object([.init("error", error)]).serialized()
            }
            // The flat shape of some hosts (vLLM).
            guard value["object"]?.string == "error", let message = value["message"] else { return nil }
            let error: [JSONValue.Member] = [
                .init("message", message), .init("type", value["type"] ?? .null),
                .init("param", value["param"] ?? .null), .init("code", value["code"] ?? .null),
            ]
            return JSONValue.object([.init("error", .object(error))]).serialized()
        case .anthropic:
            guard value["type"]?.string == "error", let error = value["error"], error["type"]?.string != nil,
                error["message"]?.string != nil
            else { return nil }
            return JSONValue.object([
                .init("type", "error"), .init("error", error), .init("request_id", .string(requestID)),
            ]).serialized()
        case .gemini:
            // Streams that were asked for as an array answer with an array of one.
            guard let error = (value[0] ?? value)["error"], error["message"]?.string != nil else { return nil }
            return JSONValue.object([.init("error", error)]).serialized()
        }
    }

    private static func generic(status: Int, family: DialectFamily, requestID: String) -> [UInt8] {
        let (type, label, message): (String, String, String) =
            switch status {
            case 408, 504: ("server_error", "timeout", "The model provider did not answer in time.")
            case 429: ("requests", "rate_limit_exceeded", "The model provider's rate limit is reached.")
            case 500...: ("server_error", "upstream_error", "The model provider failed.")
            default: ("invalid_request_error", "upstream_error", "The model provider refused the request.")
            }
        return ErrorBody.json(
            status: status, type: type, label: label, message: message, parameter: nil, family: family,
            requestID: requestID)
    }
}

/// How much attention a failure asks for. `info`: an everyday refusal. `warning`: somebody should look if it stays.
/// `error`: somebody has to mend something. Printed in `docs/reference/errors.md`.
public enum FailureLevel: String, Sendable {
    case info, warning, error
}

/// What one error code means on the wire, in the log and in metrics.
public struct CatalogRow: Sendable {
    /// HTTP status.
    public let status: Int
    /// `error.type` for clients of the OpenAI dialects. Anthropic and Gemini types follow from the status.
    public let type: String
    /// `error.code` for clients of the OpenAI dialects; the label in metrics and logs.
    public let label: String
    /// Who can keep it from happening again.
    public let blame: Blame
    /// The access log has every failure, whatever its level.
    public let level: FailureLevel
    /// Holds unless the place of failure knows better, as a limit knows when it has room again.
    public let retry: RetrySafety
    /// Used when the place of failure has nothing more exact to say.
    public let message: String
    /// For `docs/reference/errors.md`: when it happens and what mends it.
    public let mend: String
}

extension ErrorCode {
    /// Refused for money (DESIGN 13.6): told with the status of the row in the OpenAI dialects, as 402 `billing_error`
    /// in Anthropic's, as `RESOURCE_EXHAUSTED` with a QuotaFailure detail in Gemini's; always with
    /// `x-should-retry: false`.
    public var isMoney: Bool { self == .budget || self == .teamBudget || self == .orgBudget }

    /// Exhaustive on purpose: a code without a row does not compile.
    public var row: CatalogRow {
        switch self {
        case .malformedRequest, .malformedBody, .missingModel, .invalidModel, .repeatedField, .storedObjectField,
            .dialectNotServed, .apiVersionUnknown, .expectationFailed:
            self.badRequestRow
        case .keyMissing, .keyInvalid, .keyMistyped, .keyOfOtherKind, .keyExpired, .keyReplaced, .keyRevoked,
            .scopeNotGranted, .addressNotAllowed, .modelNotAllowed:
            self.identityRow
        case .routeNotFound, .endpointNotAvailable, .modelNotFound, .methodNotAllowed, .apiVersionSunset:
            self.placeRow
        case .requestTimeout, .lengthRequired, .bodyTooLarge, .unsupportedEncoding, .unsupportedMediaType,
            .headTooLarge, .httpVersionNotSupported:
            self.transferRow
        case .requestLimit, .tokenLimit, .concurrencyLimit:
            self.limitRow
        case .budget, .teamBudget, .orgBudget, .costOutOfRange:
            self.moneyRow
        case .overloaded, .draining, .internalState, .priceUnknown, .clientClosedRequest:
            self.gatewayRow
        case .upstreamUnreachable, .upstreamReset, .upstreamGarbage, .upstreamRefusedCredentials, .upstreamTruncated,
            .upstreamTimeout, .upstreamError:
            self.providerRow
        }
    }

    private static func client(_ status: Int, _ label: String, _ message: String, _ mend: String) -> CatalogRow {
        .init(
            status: status, type: "invalid_request_error", label: label, blame: .client, level: .info, retry: .never,
            message: message, mend: mend)
    }

    private static func limit(_ type: String, _ label: String, _ message: String, _ mend: String) -> CatalogRow {
        .init(
            status: 429, type: type, label: label, blame: .client, level: .info, retry: .after(.seconds(1)),
            message: message, mend: mend)
    }

    private static func money(_ label: String, _ message: String, _ mend: String) -> CatalogRow {
        .init(
            status: 429, type: "insufficient_quota", label: label, blame: .client, level: .info, retry: .never,
            message: message, mend: mend)
    }

    private static func provider(_ status: Int, _ label: String, _ message: String, _ mend: String) -> CatalogRow {
        .init(
            status: status, type: "server_error", label: label, blame: .provider, level: .warning, retry: .safe,
            message: message, mend: mend)
    }

    private var badRequestRow: CatalogRow {
        switch self {
        case .malformedBody:
            Self.client(
                400, "invalid_json", "The request body is not a valid JSON object.",
                "Send one JSON object, in UTF-8, whose `Content-Length` covers all of it.")
        case .missingModel:
            Self.client(
                400, "missing_model", "The request names no model.",
                "Add the field `model`; `GET /v1/models` lists them.")
        case .invalidModel:
            Self.client(
                400, "invalid_model", "The field `model` is not a usable name.",
                "Send a non-empty string of valid UTF-8; in a path, one segment without `/ \\ % ? #` or white space.")
        case .repeatedField:
            Self.client(
                400, "repeated_field", "A field is given twice.", "Send each top-level field once.")
        case .storedObjectField:
            Self.client(
                400, "stored_object_not_available", "The request refers to an object stored at the provider.",
                "Stored objects of a shared account belong to nobody: send the content itself.")
        case .dialectNotServed:
            Self.client(
                400, "dialect_not_served", "The model's provider does not speak the wire format of this endpoint.",
                "Call the endpoint of the provider's own dialect, or choose another model.")
        case .apiVersionUnknown:
            Self.client(
                400, "api_version_unknown", "The requested API version does not exist on this route.",
                "`penstock routes list` shows the versions of each route.")
        case .expectationFailed:
            Self.client(
                417, "expectation_failed", "The only expectation that can be met is `100-continue`.",
                "Leave `Expect` out, or send `Expect: 100-continue`.")
        default:
            Self.client(
                400, "malformed_request", "The request is not well-formed HTTP/1.1.",
                "The framing was in doubt, so nothing was forwarded and the connection was closed. Mend the client.")
        }
    }

    private var identityRow: CatalogRow {
        switch self {
        case .keyMissing:
            Self.client(
                401, "missing_api_key", "No API key was given.",
                "Send `Authorization: Bearer KEY`, or `x-api-key`, `api-key`, `x-goog-api-key` or `?key=`.")
        case .keyExpired:
            Self.client(401, "expired_api_key", "The API key has expired.", "Ask the operator for a new key.")
        case .keyMistyped:
            Self.client(
                401, "mistyped_api_key", "The API key is mistyped: its checksum does not fit.",
                "Copy the key again, whole. `penstock keys check` says whether a key is as it was made.")
        case .keyOfOtherKind:
            Self.client(
                401, "admin_api_key", "This is an admin key, which calls no model: an inference key is needed.",
                "Use a key that begins with `sk-ps1_`; those of `sk-psa1_` are for administration.")
        case .keyReplaced:
            Self.client(
                401, "replaced_api_key", "The API key was replaced, and the time of the old one is over.",
                "Use the new key. How long the old one works stands in the key's `previous.until`.")
        case .keyRevoked:
            Self.client(401, "revoked_api_key", "The API key was revoked.", "Ask the operator for a new key.")
        case .scopeNotGranted:
            Self.client(
                403, "scope_not_granted", "The API key lacks the scope `inference`.",
                "Have the scope added to the key's `scopes`.")
        case .addressNotAllowed:
            Self.client(
                403, "address_not_allowed", "The API key may not be used from this address.",
                "Call from an address in the key's `allow_ips`.")
        case .modelNotAllowed:
            Self.client(
                403, "model_not_allowed", "The API key may not use this model.",
                "Use a model from the key's `models`, or have the list widened.")
        default:
            Self.client(
                401, "invalid_api_key", "The API key is not valid.",
                "Check the key. The first carrier that is present decides; the others are not tried.")
        }
    }

    private var placeRow: CatalogRow {
        switch self {
        case .endpointNotAvailable:
            Self.client(
                404, "endpoint_not_available", "This endpoint is not available through the gateway.",
                "Files, batches, stored responses and the like need an account of their own at the provider.")
        case .modelNotFound:
            Self.client(
                404, "model_not_found", "The model does not exist here.", "`GET /v1/models` lists what there is.")
        case .methodNotAllowed:
            Self.client(
                405, "method_not_allowed", "The method is not allowed here.", "The `Allow` header names what is.")
        case .apiVersionSunset:
            Self.client(
                410, "api_version_sunset", "This API version has been retired.",
                "Move to the version that the `Link` header names.")
        default:
            Self.client(
                404, "route_not_found", "There is no such endpoint.", "`penstock routes list` shows what there is.")
        }
    }

    private var transferRow: CatalogRow {
        switch self {
        case .requestTimeout:
            .init(
                status: 408, type: "invalid_request_error", label: "request_timeout", blame: .client, level: .info,
                retry: .safe, message: "The request did not arrive in time.",
                mend: "Send heads within `head_timeout` and let bodies make progress within `body_timeout`.")
        case .lengthRequired:
            Self.client(
                411, "length_required", "The request needs a `Content-Length`.", "Send `Content-Length` or chunks.")
        case .bodyTooLarge:
            Self.client(
                413, "request_too_large", "The request body is too large.",
                "Send less, or have `server.limits.max_body` raised.")
        case .unsupportedEncoding:
            Self.client(
                415, "unsupported_encoding", "The content encoding of the request is not supported.",
                "Send the body as it is, or with `Content-Encoding: gzip` or `deflate`.")
        case .headTooLarge:
            Self.client(
                431, "head_too_large", "The head of the request is too large.",
                "Send fewer or shorter header fields, or have `server.limits.max_header` raised.")
        case .httpVersionNotSupported:
            Self.client(
                505, "http_version_not_supported", "Only HTTP/1.0 and HTTP/1.1 are spoken here.", "Use HTTP/1.1.")
        default:
            Self.client(
                415, "unsupported_media_type", "The media type of the request does not fit this endpoint.",
                "Send `application/json`, or `multipart/form-data` where the endpoint takes files.")
        }
    }

    private var limitRow: CatalogRow {
        switch self {
        case .tokenLimit:
            Self.limit(
                "tokens", "rate_limit_exceeded", "The limit on tokens per minute is reached.",
                "Wait as long as `Retry-After` says, or have `limits.tpm` raised.")
        case .concurrencyLimit:
            Self.limit(
                "requests", "concurrency_limit_exceeded", "The limit on simultaneous requests is reached.",
                "Let running requests end first, or have `limits.concurrency` raised.")
        default:
            Self.limit(
                "requests", "rate_limit_exceeded", "The limit on requests per minute is reached.",
                "Wait as long as `Retry-After` says, or have `limits.rpm` raised.")
        }
    }

    private var moneyRow: CatalogRow {
        switch self {
        case .teamBudget:
            Self.money(
                "project_spend_limit_exceeded", "The budget of the team is exhausted.",
                "Wait until the window of the budget ends, or have the team's `budget` raised.")
        case .orgBudget:
            Self.money(
                "organization_spend_limit_exceeded", "The budget of the organization is exhausted.",
                "Wait until the window of the budget ends, or have the organization's `budget` raised.")
        case .costOutOfRange:
            Self.client(
                400, "cost_out_of_range", "What the request may cost is beyond what can be counted.",
                "Send a smaller output cap, fewer choices, or a smaller input.")
        default:
            Self.money(
                "insufficient_quota", "A budget is exhausted.",
                "Wait until the window of the budget ends, have it raised, or send a smaller output cap.")
        }
    }

    private var gatewayRow: CatalogRow {
        switch self {
        case .priceUnknown:
            .init(
                status: 503, type: "server_error", label: "price_unknown", blame: .operatorOfGateway, level: .error,
                retry: .never, message: "The model has no price, and a budget is on the path.",
                mend: "The operator has to add the model to `prices`, or set `prices.missing`.")
        case .overloaded:
            .init(
                status: 503, type: "server_error", label: "overloaded", blame: .gateway, level: .warning,
                retry: .after(.seconds(1)), message: "The gateway is at its limit of work in flight.",
                mend: "Try again; if it stays, raise the bound that the log names or add a node.")
        case .draining:
            .init(
                status: 503, type: "server_error", label: "draining", blame: .gateway, level: .info,
                retry: .after(.seconds(1)), message: "The gateway is shutting down.",
                mend: "Try again: another instance answers.")
        case .clientClosedRequest:
            .init(
                status: 499, type: "invalid_request_error", label: "client_closed_request", blame: .client,
                level: .info, retry: .never, message: "The client left before its answer was complete.",
                mend: "Only in logs and metrics; nobody is left to read it.")
        default:
            .init(
                status: 500, type: "server_error", label: "internal_error", blame: .gateway, level: .error,
                retry: .safe, message: "The gateway made an error.",
                mend: "Report it with the request id; the log has the detail.")
        }
    }

    private var providerRow: CatalogRow {
        switch self {
        case .upstreamUnreachable:
            Self.provider(
                502, "upstream_unreachable", "The model provider could not be reached.",
                "Check `base_url`, name resolution, certificates and the provider's status.")
        case .upstreamReset:
            Self.provider(
                502, "upstream_reset", "The model provider closed the connection before it answered.",
                "Try again; add a fallback deployment.")
        case .upstreamGarbage:
            Self.provider(
                502, "upstream_invalid_response", "The model provider sent an answer that is not valid.",
                "The answer was ambiguous or of the wrong kind, so it was not passed on. The log has the detail.")
        case .upstreamRefusedCredentials:
            .init(
                status: 502, type: "server_error", label: "upstream_error", blame: .operatorOfGateway, level: .error,
                retry: .never, message: "The model provider refused the gateway's own credentials.",
                mend: "The operator has to check the provider's `api_key` and account.")
        case .upstreamTruncated:
            Self.provider(
                502, "upstream_truncated", "The model provider's answer ended early.",
                "Try again. What was delivered is in the usage record.")
        case .upstreamTimeout:
            Self.provider(
                504, "timeout", "The model provider did not answer in time.",
                "Try again, or raise the provider's `timeouts`.")
        default:
            Self.provider(
                502, "upstream_error", "The model provider failed.", "Try again; the log has the detail.")
        }
    }
}

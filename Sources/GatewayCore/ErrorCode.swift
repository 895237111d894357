/// Every failure Penstock can answer with. The catalogue (`ErrorCatalog.swift`) has one row per code;
/// `docs/reference/errors.md` is printed from it.
public enum ErrorCode: String, CaseIterable, Sendable {
    // What the client sent.
    case malformedRequest, malformedBody, missingModel, invalidModel, repeatedField, storedObjectField
    case dialectNotServed, apiVersionUnknown, expectationFailed
    case keyMissing, keyInvalid, keyMistyped, keyOfOtherKind, keyExpired, keyReplaced, keyRevoked
    case scopeNotGranted, addressNotAllowed, modelNotAllowed
    case routeNotFound, endpointNotAvailable, modelNotFound
    case methodNotAllowed, requestTimeout, apiVersionSunset, lengthRequired, bodyTooLarge
    case unsupportedEncoding, unsupportedMediaType, headTooLarge, httpVersionNotSupported
    // What the client may not have now.
    case requestLimit, tokenLimit, concurrencyLimit
    case budget, teamBudget, orgBudget, costOutOfRange
    // The gateway.
    case overloaded, draining, internalState, priceUnknown
    // The provider.
    case upstreamUnreachable, upstreamReset, upstreamGarbage, upstreamRefusedCredentials, upstreamTruncated
    case upstreamTimeout, upstreamError
    // Only in logs.
    case clientClosedRequest
}

import GatewayContract
import GatewayCore
import GatewayWire

/// Bodies of Gemini: the model stands in the path, and some bodies repeat it.
extension RequestInspector {
    private static let generationNames = JSONNames([
        "maxOutputTokens", "candidateCount", "max_output_tokens", "candidate_count",
    ])
    private static let modelNames = JSONNames(["model"])

    static func inspectGemini(
        _ body: UnsafeRawBufferPointer, endpoint: Endpoint, modelInPath: String?
    ) throws(GatewayError) -> RequestInspection {
        guard let modelInPath, !modelInPath.isEmpty else { throw GatewayError(.missingModel, parameter: "model") }
        guard PathSegment.isSafe(modelInPath) else { throw GatewayError(.invalidModel, parameter: "model") }
        let fields = try BodyFields(body, Self.names)
        var inspection = InspectedFields(endpoint: endpoint, inputBytes: body.count)
        inspection.model = modelInPath
        inspection.isStream = endpoint == .geminiStreamGenerateContent
        for name in [Field.generationConfig, .generationConfigSnake] {
            guard let config = fields[name], config.kind == .object else { continue }
            let inner = try BodyFields.scan(body, in: config.value, Self.generationNames)
            let cap = fields.integer(inner.members[0] ?? inner.members[2])
            inspection.outputCap = cap.flatMap { $0 > 0 ? $0 : nil } ?? inspection.outputCap
            let count = fields.integer(inner.members[1] ?? inner.members[3])
            inspection.choiceCount = max(inspection.choiceCount, count ?? 1)
        }
        if let model = fields[.model], model.kind == .string { inspection.repeatedModelRanges.append(model.value) }
        if let request = fields[.generateContentRequest], request.kind == .object {
            let inner = try BodyFields.scan(body, in: request.value, Self.modelNames)
            if let model = inner.members[0], model.kind == .string {
                inspection.repeatedModelRanges.append(model.value)
            }
        }
        if endpoint == .geminiBatchEmbedContents { try self.readBatch(fields, &inspection) }
        try StoredObjects.check(fields, endpoint: endpoint)
        inspection.media = RequestMedia(body)
        return RequestInspection(inspection)
    }

    /// Each entry of `requests` names its model again. All of them must be the one of the path, which is the one that
    /// was looked up and is paid for; whether every entry has one is for the provider to say.
    private static func readBatch(
        _ fields: BodyFields, _ inspection: inout InspectedFields
    ) throws(GatewayError) {
        guard let requests = fields[.requests] else { return }
        // Readers of protocol buffers may take a single object for a list of one.
        guard requests.kind == .array else { throw self.noBatch() }
        var entries = JSONView(fields.body).elements(of: requests.value)
        while let entry = entries.next() {
            guard entry.kind == .object else { throw self.noBatch() }
            let inner = try BodyFields.scan(fields.body, in: entry.place, Self.modelNames)
            guard let model = inner.members[0] else { continue }
            guard model.kind == .string, let name = fields.text(model),
                name.utf8.elementsEqual(inspection.model.utf8)
                    || (name.hasPrefix("models/") && name.utf8.dropFirst(7).elementsEqual(inspection.model.utf8))
            else {
                throw GatewayError(
                    .invalidModel, "Every entry of `requests` must name the model of the path.",
                    parameter: "requests.model")
            }
            inspection.repeatedModelRanges.append(model.value)
        }
        guard entries.isAtEnd else { throw self.noBatch() }
    }

    private static func noBatch() -> GatewayError {
        GatewayError(.malformedBody, "The field `requests` must be a list of objects.", parameter: "requests")
    }
}

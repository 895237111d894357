import GatewayContract
import GatewayCore
import GatewayWire

/// Reads what admission needs from a request's body (DESIGN 3, stage Inspect): the top level of a JSON object, and
/// deeper only for what names stored objects. Pure; called on the exchange's loop once the body is whole.
public enum RequestInspector {
    /// For JSON bodies.
    ///
    /// - Parameter modelInPath: the path segment before the `:verb` as it came, for endpoints that have their model
    ///   there.
    /// - Throws: `malformedBody`, `missingModel`, `invalidModel`, `repeatedField`, `storedObjectField`.
    public static func inspect(
        _ body: UnsafeRawBufferPointer, endpoint: Endpoint, modelInPath: String? = nil
    ) throws(GatewayError) -> RequestInspection {
        if endpoint.family == .gemini {
            return try self.inspectGemini(body, endpoint: endpoint, modelInPath: modelInPath)
        }
        let fields = try BodyFields(body, Self.names)
        var inspection = InspectedFields(endpoint: endpoint, inputBytes: body.count)
        guard let model = fields[.model] else { throw GatewayError(.missingModel, parameter: "model") }
        guard model.kind == .string, let name = fields.text(model), !name.isEmpty else {
            throw GatewayError(.invalidModel, parameter: "model")
        }
        inspection.model = name
        inspection.modelRange = model.value
        inspection.isStream = try self.isStream(fields, endpoint)
        inspection.outputCap = self.outputCap(fields, endpoint)
        if endpoint == .chatCompletions || endpoint == .completions || endpoint == .imagesGenerations {
            inspection.choiceCount = max(1, fields.integer(.n) ?? 1)
        }
        if inspection.isStream, endpoint == .chatCompletions || endpoint == .completions {
            inspection.usageEdit = try self.usageEdit(fields)
            inspection.wantsUsage = inspection.usageEdit == .none
        }
        try StoredObjects.check(fields, endpoint: endpoint)
        inspection.media = RequestMedia(body)
        return RequestInspection(inspection)
    }

    /// For `multipart/form-data` bodies, once the scanner has all of it, or at least the model.
    ///
    /// - Parameter isWhole: when false, what has not come yet counts as one file.
    public static func inspect(
        multipart: MultipartScanner, endpoint: Endpoint, inputBytes: Int, isWhole: Bool = true
    ) throws(GatewayError) -> RequestInspection {
        try self.check(multipart: multipart, isWhole: isWhole)
        guard let place = multipart.modelPlace else { throw GatewayError(.missingModel, parameter: "model") }
        guard let name = multipart.model, !name.isEmpty else { throw GatewayError(.invalidModel, parameter: "model") }
        var inspection = InspectedFields(endpoint: endpoint, inputBytes: inputBytes)
        inspection.model = name
        inspection.modelRange = place
        inspection.isStream = multipart.stream ?? false
        let fileBytes = multipart.fileBytes + multipart.unfinishedFileBytes
        inspection.media = RequestMedia(
            byteCount: Int64(fileBytes), partCount: Int64(multipart.fileCount + (isWhole ? 0 : 1)))
        return RequestInspection(inspection)
    }

    /// What can be wrong with a form before all of it has come.
    ///
    /// - Throws: `malformedBody`, `storedObjectField`.
    public static func check(multipart: MultipartScanner, isWhole: Bool) throws(GatewayError) {
        guard multipart.state == .finished || !isWhole && multipart.state != .malformed else {
            throw GatewayError(.malformedBody, "The request body is not a well-formed multipart form.")
        }
        if let field = multipart.storedObjectField { throw StoredObjects.refusal(of: field) }
    }

    /// Gemini streams are served as server-sent events only: throws unless the query holds `alt=sse` there. Without it
    /// the answer would be one JSON array, whose end cannot be told from a broken stream in time.
    public static func checkQuery(_ query: UnsafeRawBufferPointer, endpoint: Endpoint) throws(GatewayError) {
        guard endpoint == .geminiStreamGenerateContent else { return }
        for pair in query.split(separator: UInt8(ascii: "&")) where pair.elementsEqual("alt=sse".utf8) { return }
        throw GatewayError(
            .dialectNotServed, "Streams are served as server-sent events only: add `?alt=sse`.", parameter: "alt")
    }

    // MARK: - Top-level fields

    /// Places in `names`.
    enum Field: Int {
        case model, stream, streamOptions, streamFormat, n, maxTokens, maxCompletionTokens, maxOutputTokens
        case previousResponse, conversation, background, store, prompt, container, input, tools
        case contents, generationConfig, generationConfigSnake, cachedContent, cachedContentSnake
        case generateContentRequest, requests
    }

    static let names = JSONNames([
        "model", "stream", "stream_options", "stream_format", "n", "max_tokens", "max_completion_tokens",
        "max_output_tokens", "previous_response_id", "conversation", "background", "store", "prompt", "container",
        "input", "tools", "contents", "generationConfig", "generation_config", "cachedContent", "cached_content",
        "generateContentRequest", "requests",
    ])
    private static let streamOptionNames = JSONNames(["include_usage"])

    private static func isStream(_ fields: BodyFields, _ endpoint: Endpoint) throws(GatewayError) -> Bool {
        switch endpoint {
        case .chatCompletions, .completions, .responses, .messages, .imagesGenerations: break
        case .audioSpeech:
            guard let format = fields[.streamFormat], format.kind == .string else { return false }
            return fields.text(format) == "sse"
        default: return false
        }
        switch fields[.stream]?.kind {
        case .true: return true
        case .false, .null, nil: return false
        default: throw GatewayError(.malformedBody, "The field `stream` must be true or false.", parameter: "stream")
        }
    }

    /// Numbers that are no positive whole ones are left for the provider to refuse.
    private static func outputCap(_ fields: BodyFields, _ endpoint: Endpoint) -> Int64? {
        let cap: Int64? =
            switch endpoint {
            case .chatCompletions: fields.integer(.maxCompletionTokens) ?? fields.integer(.maxTokens)
            case .completions, .messages: fields.integer(.maxTokens)
            case .responses: fields.integer(.maxOutputTokens)
            default: nil
            }
        return cap.flatMap { $0 > 0 ? $0 : nil }
    }

    private static func usageEdit(_ fields: BodyFields) throws(GatewayError) -> InspectedFields.UsageEdit {
        guard let options = fields[.streamOptions] else { return .insertOptions(at: fields.objectOpen) }
        switch options.kind {
        case .null: return .replaceOptions(options.value)
        case .object:
            let inner = try BodyFields.scan(fields.body, in: options.value, Self.streamOptionNames)
            guard let member = inner.members[0] else {
                return .insertMember(at: inner.objectOpen, isEmpty: inner.isEmptyObject)
            }
            return member.kind == .true ? .none : .replaceMember(member.value)
        default:
            throw GatewayError(
                .malformedBody, "The field `stream_options` must be an object.", parameter: "stream_options")
        }
    }
}

/// The looked-for top-level members of a body, with faults as errors for the client.
struct BodyFields {
    let body: UnsafeRawBufferPointer
    private let top: JSONTopLevel

    init(_ body: UnsafeRawBufferPointer, _ names: JSONNames) throws(GatewayError) {
        self.body = body
        self.top = try Self.scan(body, in: 0..<body.count, names)
    }

    static func scan(
        _ body: UnsafeRawBufferPointer, in place: Range<Int>, _ names: JSONNames
    ) throws(GatewayError) -> JSONTopLevel {
        do {
            return try JSONTopLevel.scan(body, in: place, for: names)
        } catch {
            throw Self.error(error)
        }
    }

    private static func error(_ fault: JSONFault) -> GatewayError {
        switch fault {
        case .notAnObject: GatewayError(.malformedBody)
        case .malformed(let place):
            GatewayError(
                .malformedBody, "The request body is not valid JSON: it breaks off or goes wrong at byte \(place).")
        case .tooDeep(let place):
            GatewayError(.malformedBody, "The request body is nested too deeply at byte \(place).")
        case .invalidText(let place):
            GatewayError(.malformedBody, "The request body holds text that is not valid UTF-8 at byte \(place).")
        case .repeated(let name):
            GatewayError(.repeatedField, "The field `\(ShownName.of(name))` is given twice.", parameter: name)
        }
    }

    var objectOpen: Int { self.top.objectOpen }

    subscript(field: RequestInspector.Field) -> JSONMember? { self.top.members[field.rawValue] }

    func text(_ member: JSONMember) -> String? {
        JSONText.string(UnsafeRawBufferPointer(rebasing: self.body[member.value]))
    }

    func integer(_ member: JSONMember?) -> Int64? { member.flatMap { JSONView(self.body).integer($0) } }
    func integer(_ field: RequestInspector.Field) -> Int64? { self.integer(self[field]) }
}

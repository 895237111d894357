import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayHTTP
import GatewayPolicy
import GatewayWire
import NIOCore

extension Exchange {
    /// Lists of models come from the configuration: no provider is asked.
    func answerLocally(_ config: LoopSnapshot, _ match: RouteMatch) -> Outcome {
        guard match.endpoint.shape == .none else { return .proceed }
        let visible = config.routing.models.filter { model in
            model.passthroughProvider == nil && (self.grant?.mayUse(model.name) ?? true)
        }
        guard match.endpoint == .modelGet, let place = match.modelInPath else {
            return .reply(
                LocalReply(
                    json: ModelListing.list(
                        family: self.family, models: visible.map { (name: $0.name.text, created: $0.created) })))
        }
        let name = self.pathText(place)
        guard let model = visible.first(where: { $0.name.text == name }) else {
            return .reply(LocalReply(GatewayError(.modelNotFound, parameter: "model")))
        }
        return .reply(
            LocalReply(json: ModelListing.one(family: self.family, name: model.name.text, created: model.created)))
    }

    private func pathText(_ place: Range<Int>) -> String {
        guard let head = self.head else { return "" }
        let start = Int(head.path.lowerBound)
        return String(
            decoding: head.fields.bytes[(start + place.lowerBound)..<(start + place.upperBound)], as: UTF8.self)
    }

    /// Model, stream and caps: the top level of the body, read once; of a form that is still coming, what is known.
    func inspect(_ head: RequestHead, _ match: RouteMatch) -> Outcome {
        if let inflater = self.inflater, !inflater.isFinished {
            return .reply(LocalReply(GatewayError(.malformedBody, "The compressed body ends early.")))
        }
        do throws(GatewayError) {
            try head.fields.bytes.withUnsafeBytes { bytes throws(GatewayError) in
                try RequestInspector.checkQuery(bytes.slice(head.query), endpoint: match.endpoint)
            }
            let inspection = try self.readBody(match, head)
            self.inspection = inspection
            self.modelName = inspection.model
            self.record.isStream = inspection.isStream
            self.record.modelRequested = Self.recorded(inspection.model)
            self.estimatedInput = inspection.estimatedInput
            return .proceed
        } catch {
            return .reply(LocalReply(error))
        }
    }

    /// Of a form that was admitted before all of it had come.
    func inspectAgain() -> Outcome {
        guard let head = self.head, let match = self.match else { return .proceed }
        return self.inspect(head, match)
    }

    private func readBody(_ match: RouteMatch, _ head: RequestHead) throws(GatewayError) -> RequestInspection {
        if let form = self.form {
            try form.check(receivedBytes: self.receivedBytes, isWhole: self.machine.isRequestWhole)
            return try RequestInspector.inspect(
                multipart: form.scanner, endpoint: match.endpoint, inputBytes: self.receivedBytes,
                isWhole: self.machine.isRequestWhole)
        }
        let modelInPath = match.modelInPath.map { self.pathText($0) }
        return try self.body.withUnsafeReadableBytesTyped { bytes throws(GatewayError) in
            try RequestInspector.inspect(bytes, endpoint: match.endpoint, modelInPath: modelInPath)
        }
    }

    /// The name to a model, and whether this key and this route may use it.
    func authorizeModel(_ config: LoopSnapshot, _ match: RouteMatch) -> Outcome {
        var name = self.modelName
        let (found, isAllowed) = name.withUTF8 {
            let name = UnsafeRawBufferPointer($0)
            return (config.routing.modelTable.find(name), self.grant?.mayUse(name) ?? true)
        }
        guard let index = found else {
            return .reply(LocalReply(self.modelError(.modelNotFound, "does not exist here.")))
        }
        let model = config.routing.models[index]
        let allowed = match.compiled.spec.models
        guard isAllowed, allowed?.contains(where: { $0.name == model.name }) ?? true else {
            return .reply(LocalReply(self.modelError(.modelNotAllowed, "may not be used with this key and route.")))
        }
        self.model = model
        self.record.model = model.name
        guard config.service(model, match.endpoint) != .none else {
            return .reply(LocalReply(GatewayError(.dialectNotServed, parameter: "model")))
        }
        return .proceed
    }

    /// At most 128 bytes of it.
    private static func recorded(_ name: String) -> String {
        name.utf8.count <= 128 ? name : String(decoding: name.utf8.prefix(128), as: UTF8.self)
    }

    private func modelError(_ code: ErrorCode, _ rest: String) -> GatewayError {
        GatewayError(code, "The model `\(ShownName.of(self.modelName))` \(rest)", parameter: "model")
    }
}

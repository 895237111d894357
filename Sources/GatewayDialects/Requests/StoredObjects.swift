import GatewayContract
import GatewayCore
import GatewayWire

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Refuses requests that name, make or leave behind objects in the provider account that all clients share (DESIGN 8).
///
/// `null`, `false` and empty lists name nothing and pass. `store: true` is refused although OpenAI's Responses store by
/// default: who asks for it wants the object back, and there is no way to it through the gateway. A `file_id` that is a
/// parameter of the client's own tool (inside of schemas, tool inputs and metadata) is not the provider's and passes.
enum StoredObjects {
    static func refusal(of field: String) -> GatewayError {
        GatewayError(
            .storedObjectField,
            "The field `\(field)` refers to an object stored at the provider, which this account does not offer.",
            parameter: field)
    }

    static func check(_ fields: BodyFields, endpoint: Endpoint) throws(GatewayError) {
        switch endpoint {
        case .responses:
            try self.refuse(fields, [(.previousResponse, "previous_response_id"), (.conversation, "conversation")])
            try self.refuseTrue(fields, .background, "background")
            try self.refuseTrue(fields, .store, "store")
            if fields[.prompt]?.kind == .object { throw self.refusal(of: "prompt") }
            try self.checkInputItems(fields)
        case .chatCompletions: try self.refuseTrue(fields, .store, "store")
        case .messages, .messagesCountTokens: try self.refuse(fields, [(.container, "container")])
        case .geminiGenerateContent, .geminiStreamGenerateContent, .geminiCountTokens, .geminiEmbedContent,
            .geminiBatchEmbedContents:
            try self.refuse(fields, [(.cachedContent, "cachedContent"), (.cachedContentSnake, "cached_content")])
        default: break
        }
        try self.checkNested(fields.body, family: endpoint.family)
    }

    private static func refuse(
        _ fields: BodyFields, _ names: [(RequestInspector.Field, String)]
    ) throws(GatewayError) {
        for (field, name) in names {
            if let member = fields[field], member.kind != .null { throw self.refusal(of: name) }
        }
    }

    /// `false` and `null` pass; anything else is no way around the rule.
    private static func refuseTrue(
        _ fields: BodyFields, _ field: RequestInspector.Field, _ name: String
    ) throws(GatewayError) {
        guard let member = fields[field], member.kind != .false, member.kind != .null else { return }
        throw self.refusal(of: name)
    }

    /// Items of a Responses input that only point at an earlier one; their `type` may be left out.
    private static func checkInputItems(_ fields: BodyFields) throws(GatewayError) {
        guard let input = fields[.input], input.kind == .array else { return }
        let view = JSONView(fields.body)
        var items = view.elements(of: input.value)
        while let item = items.next() {
            guard item.kind == .object else { continue }
            var type: JSONMember?
            var hasID = false
            var hasRole = false
            var walk = view.members(of: item.place)
            while let member = walk.next() {
                if view.isText(member.key, "type") { type = member }
                if view.isText(member.key, "id") { hasID = member.kind == .string }
                if view.isText(member.key, "role") { hasRole = true }
            }
            let isReference: Bool
            if let type, type.kind == .string {
                isReference = view.isText(type.value, "item_reference")
            } else {
                isReference = hasID && !hasRole
            }
            if isReference { throw self.refusal(of: "item_reference") }
        }
    }

    // MARK: - Names at any depth

    private static func checkNested(_ body: UnsafeRawBufferPointer, family: DialectFamily) throws(GatewayError) {
        guard family == .gemini || self.mayHold(body) else { return }
        let view = JSONView(body)
        var walk = MemberWalk(view: view, place: 0..<body.count)
        while let member = walk.next() {
            if self.isForeign(view, member.key, family) {
                // Only objects and arrays have an inside to step over.
                let first = member.value < body.count ? body[member.value] : 0
                if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") { _ = walk.skipValue() }
                continue
            }
            guard let name = self.storedName(view, member.key, family) else { continue }
            guard let value = walk.skipValue() else { return }
            if self.namesSomething(view, value.kind, value.place, name) { throw self.refusal(of: name) }
            // The value may be an object with more in it: a schema's property of that name.
            if value.kind == .object || value.kind == .array {
                try self.checkInside(view, value.place, family)
            }
        }
    }

    private static func checkInside(
        _ view: JSONView, _ place: Range<Int>, _ family: DialectFamily
    ) throws(GatewayError) {
        var walk = MemberWalk(view: view, place: place)
        while let member = walk.next() {
            guard let name = self.storedName(view, member.key, family), let value = walk.skipValue() else { continue }
            if self.namesSomething(view, value.kind, value.place, name) { throw self.refusal(of: name) }
        }
    }

    /// Whether one of the names may be in the body at all: a look at each `_`, and at each `\u00` that might hide a
    /// letter of a name. Ids of audio begin with `audio_`. Nearly every body ends here.
    private static func mayHold(_ body: UnsafeRawBufferPointer) -> Bool {
        guard let base = body.baseAddress else { return false }
        var at = 0
        while at < body.count, let found = memchr(base + at, 0x5F, body.count - at) {
            let place = UnsafeRawPointer(found) - base
            if self.stands("_id", body, at: place), self.endsWith("file", body, at: place) { return true }
            if self.stands("_store_ids", body, at: place) || self.endsWith("\"audio", body, at: place) { return true }
            at = place + 1
        }
        return self.holds("\\u00", body)
    }

    private static func stands(_ text: StaticString, _ body: UnsafeRawBufferPointer, at place: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        guard place >= 0, place + count <= body.count, let base = body.baseAddress else { return false }
        return memcmp(base + place, text.utf8Start, count) == 0
    }

    private static func endsWith(_ text: StaticString, _ body: UnsafeRawBufferPointer, at place: Int) -> Bool {
        self.stands(text, body, at: place - text.utf8CodeUnitCount)
    }

    private static func holds(_ text: StaticString, _ body: UnsafeRawBufferPointer) -> Bool {
        guard let base = body.baseAddress else { return false }
        var at = 0
        while at < body.count, let found = memchr(base + at, Int32(text.utf8Start[0]), body.count - at) {
            let place = UnsafeRawPointer(found) - base
            if self.stands(text, body, at: place) { return true }
            at = place + 1
        }
        return false
    }

    private static func storedName(_ view: JSONView, _ key: Range<Int>, _ family: DialectFamily) -> String? {
        if family == .gemini {
            if view.isText(key, "fileUri") || view.isText(key, "file_uri") { return "fileUri" }
            if view.isText(key, "fileSearchStoreNames") || view.isText(key, "file_search_store_names") {
                return "fileSearchStoreNames"
            }
            return nil
        }
        if view.isText(key, "file_id") { return "file_id" }
        if view.isText(key, "file_ids") { return "file_ids" }
        if view.isText(key, "vector_store_ids") { return "vector_store_ids" }
        if family == .openai, view.isText(key, "audio") { return "audio" }
        return nil
    }

    /// Members whose inside is the client's own: schemas, arguments of its tools, free metadata.
    private static func isForeign(_ view: JSONView, _ key: Range<Int>, _ family: DialectFamily) -> Bool {
        switch family {
        case .openai:
            view.isText(key, "parameters") || view.isText(key, "schema") || view.isText(key, "metadata")
        case .anthropic:
            view.isText(key, "input") || view.isText(key, "input_schema") || view.isText(key, "schema")
        case .gemini:
            view.isText(key, "args") || view.isText(key, "response") || view.isText(key, "parameters")
                || view.isText(key, "parametersJsonSchema") || view.isText(key, "responseSchema")
                || view.isText(key, "responseJsonSchema") || view.isText(key, "labels")
        }
    }

    private static func namesSomething(
        _ view: JSONView, _ kind: JSONKind, _ place: Range<Int>, _ name: String
    ) -> Bool {
        switch (name, kind) {
        case ("fileUri", .string): return self.isFilesURI(view, place)
        case ("audio", .object):
            // A reference to audio of an earlier answer; the request's own `audio` has a voice and a format.
            guard let id = view.member("id", of: place) else { return false }
            return id.kind != .null
        case ("audio", _): return false
        case (_, .string): return true
        case (_, .array):
            var elements = view.elements(of: place)
            return elements.next() != nil
        default: return false
        }
    }

    /// The Files API of Google: its host in any case, or a name without a scheme. Videos and web pages pass.
    private static func isFilesURI(_ view: JSONView, _ place: Range<Int>) -> Bool {
        guard let uri = view.string(place)?.lowercased() else { return true }
        let bytes = Array(uri.utf8)
        return bytes.withUnsafeBytes { bytes in
            !self.holds("://", bytes) || self.holds("generativelanguage", bytes)
        }
    }
}

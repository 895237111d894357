import GatewayWire

extension StreamWatch {
    /// A chunk of `gemini.generate` (wire-formats 4.2).
    mutating func gemini(_ view: JSONView, _ root: Range<Int>) -> EventVerdict {
        var walk = view.members(of: root)
        while let member = walk.next() {
            if view.isText(member.key, "candidates") {
                if member.kind == .array { self.geminiCandidates(view, member.value) }
            } else if view.isText(member.key, "usageMetadata") {
                // Cumulative: a field that comes again replaces what was known of it.
                if member.kind == .object { self.reported.read(view, member.value, .gemini) }
            } else if view.isText(member.key, "promptFeedback") {
                if member.kind == .object, view.member("blockReason", .string, of: member.value) != nil {
                    self.choices.note(index: 0, isFinished: true)
                }
            } else if view.isText(member.key, "error") {
                if member.kind != .null { self.sawError = true }
            }
        }
        return .pass
    }

    private mutating func geminiCandidates(_ view: JSONView, _ place: Range<Int>) {
        var candidates = view.elements(of: place)
        while let candidate = candidates.next() {
            guard candidate.kind == .object else { continue }
            var index: Int64 = 0
            var isFinished = false
            var walk = view.members(of: candidate.place)
            while let member = walk.next() {
                if view.isText(member.key, "content") {
                    if member.kind == .object, let parts = view.member("parts", .array, of: member.value) {
                        self.geminiParts(view, parts)
                    }
                } else if view.isText(member.key, "index") {
                    index = view.integer(member) ?? -1
                } else if view.isText(member.key, "finishReason") {
                    isFinished = member.kind == .string && !view.isText(member.value, "FINISH_REASON_UNSPECIFIED")
                }
            }
            self.choices.note(index: index, isFinished: isFinished)
        }
    }

    private mutating func geminiParts(_ view: JSONView, _ place: Range<Int>) {
        var parts = view.elements(of: place)
        while let part = parts.next() {
            guard part.kind == .object else { continue }
            var walk = view.members(of: part.place)
            while let member = walk.next() {
                if view.isText(member.key, "text") || view.isText(member.key, "functionCall")
                    || view.isText(member.key, "executableCode") || view.isText(member.key, "codeExecutionResult")
                {
                    self.take(view, member)
                } else if view.isText(member.key, "inlineData") || view.isText(member.key, "fileData") {
                    if view.isFilled(member) { self.noteContent() }
                }
            }
        }
    }
}

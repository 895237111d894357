import GatewayWire

extension StreamWatch {
    /// A chunk of `gemini.generate` (wire-formats 4.2).
    mutating func gemini(_ cursor: inout JSONCursor) -> EventVerdict {
        var root = cursor.enter()
        while let name = cursor.next(&root) {
            if name.says("candidates") {
                if cursor.isAtArray { self.geminiCandidates(&cursor) }
            } else if name.says("usageMetadata") {
                // Cumulative: a field that comes again replaces what was known of it.
                if cursor.isAtObject { self.reported.read(&cursor, .gemini) }
            } else if name.says("promptFeedback") {
                if cursor.isAtObject { self.geminiFeedback(&cursor) }
            } else if name.says("error") {
                if !cursor.isAtNull { self.sawError = true }
            }
        }
        return .pass
    }

    /// A prompt that was blocked gets no candidates, and that is the end.
    private mutating func geminiFeedback(_ cursor: inout JSONCursor) {
        var isFirst = true
        var feedback = cursor.enter()
        while let name = cursor.next(&feedback) {
            guard isFirst, name.says("blockReason") else { continue }
            isFirst = false
            if cursor.isAtString { self.choices.note(index: 0, isFinished: true) }
        }
    }

    private mutating func geminiCandidates(_ cursor: inout JSONCursor) {
        var candidates = cursor.enter()
        while cursor.nextElement(&candidates) {
            guard cursor.isAtObject else { continue }
            var index: Int64 = 0
            var isFinished = false
            var candidate = cursor.enter()
            while let name = cursor.next(&candidate) {
                if name.says("content") {
                    if cursor.isAtObject { self.geminiContent(&cursor) }
                } else if name.says("index") {
                    index = cursor.integer() ?? -1
                } else if name.says("finishReason") {
                    let reason = cursor.string()
                    isFinished = reason.map { !$0.says("FINISH_REASON_UNSPECIFIED") } ?? false
                }
            }
            self.choices.note(index: index, isFinished: isFinished)
        }
    }

    private mutating func geminiContent(_ cursor: inout JSONCursor) {
        var isFirst = true
        var content = cursor.enter()
        while let name = cursor.next(&content) {
            guard isFirst, name.says("parts") else { continue }
            isFirst = false
            if cursor.isAtArray { self.geminiParts(&cursor) }
        }
    }

    private mutating func geminiParts(_ cursor: inout JSONCursor) {
        var parts = cursor.enter()
        while cursor.nextElement(&parts) {
            guard cursor.isAtObject else { continue }
            var part = cursor.enter()
            while let name = cursor.next(&part) {
                if name.says("text") || name.says("functionCall") || name.says("executableCode")
                    || name.says("codeExecutionResult")
                {
                    self.take(&cursor)
                } else if name.says("inlineData") || name.says("fileData") {
                    self.note(&cursor)
                }
            }
        }
    }
}

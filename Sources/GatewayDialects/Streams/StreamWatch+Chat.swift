import GatewayWire

extension StreamWatch {
    /// A chunk of `openai.chat` or of the legacy completions (wire-formats 1.4).
    mutating func chat(_ cursor: inout JSONCursor) -> EventVerdict {
        var hasNoChoices = false
        var hasUsage = false
        var hasFilterResults = false
        var root = cursor.enter()
        while let name = cursor.next(&root) {
            if name.says("choices") {
                guard cursor.isAtArray else { continue }
                hasNoChoices = cursor.isAtEmptyArray
                self.chatChoices(&cursor)
            } else if name.says("usage") {
                guard cursor.isAtObject else { continue }
                hasUsage = true
                // Cumulative where it comes more than once: the last one counts as a whole.
                self.reported = ReportedUsage()
                self.reported.read(&cursor, self.convention)
            } else if name.says("error") {
                if !cursor.isAtNull { self.sawError = true }
            } else if name.says("prompt_filter_results") {
                hasFilterResults = true
            }
        }
        let isUsageEvent = hasNoChoices && hasUsage && !hasFilterResults && !self.sawError
        return self.dropsUsageEvent && isUsageEvent ? .drop : .pass
    }

    private mutating func chatChoices(_ cursor: inout JSONCursor) {
        var choices = cursor.enter()
        while cursor.nextElement(&choices) {
            guard cursor.isAtObject else { continue }
            var index: Int64 = 0
            var isFinished = false
            var choice = cursor.enter()
            while let name = cursor.next(&choice) {
                if name.says("delta") {
                    if cursor.isAtObject { self.chatDelta(&cursor) }
                } else if name.says("text") {
                    self.take(&cursor)
                } else if name.says("index") {
                    index = cursor.integer() ?? -1
                } else if name.says("finish_reason") {
                    isFinished = cursor.isAtString
                }
            }
            self.choices.note(index: index, isFinished: isFinished)
        }
    }

    private mutating func chatDelta(_ cursor: inout JSONCursor) {
        var delta = cursor.enter()
        while let name = cursor.next(&delta) {
            if name.says("content") || name.says("reasoning_content") || name.says("reasoning")
                || name.says("refusal") || name.says("tool_calls") || name.says("function_call")
                || name.says("audio")
            {
                self.take(&cursor)
            } else if name.says("images") || name.says("reasoning_details") {
                // The second repeats the text of `reasoning`.
                self.note(&cursor)
            }
        }
    }
}

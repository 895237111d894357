import GatewayWire

extension StreamWatch {
    /// A chunk of `openai.chat` or of the legacy completions (wire-formats 1.4).
    mutating func chat(_ view: JSONView, _ root: Range<Int>) -> EventVerdict {
        var walk = view.members(of: root)
        var hasNoChoices = false
        var hasUsage = false
        var hasFilterResults = false
        while let member = walk.next() {
            if view.isText(member.key, "choices") {
                guard member.kind == .array else { continue }
                hasNoChoices = !view.isFilled(member)
                self.chatChoices(view, member.value)
            } else if view.isText(member.key, "usage") {
                guard member.kind == .object else { continue }
                hasUsage = true
                // Cumulative where it comes more than once: the last one counts as a whole.
                self.reported = ReportedUsage()
                self.reported.read(view, member.value, self.convention)
            } else if view.isText(member.key, "error") {
                if member.kind != .null { self.sawError = true }
            } else if view.isText(member.key, "prompt_filter_results") {
                hasFilterResults = true
            }
        }
        let isUsageEvent = hasNoChoices && hasUsage && !hasFilterResults && !self.sawError
        return self.dropsUsageEvent && isUsageEvent ? .drop : .pass
    }

    private mutating func chatChoices(_ view: JSONView, _ place: Range<Int>) {
        var choices = view.elements(of: place)
        while let choice = choices.next() {
            guard choice.kind == .object else { continue }
            var index: Int64 = 0
            var isFinished = false
            var walk = view.members(of: choice.place)
            while let member = walk.next() {
                if view.isText(member.key, "delta") {
                    if member.kind == .object { self.chatDelta(view, member.value) }
                } else if view.isText(member.key, "text") {
                    self.take(view, member)
                } else if view.isText(member.key, "index") {
                    index = view.integer(member) ?? -1
                } else if view.isText(member.key, "finish_reason") {
                    isFinished = member.kind == .string
                }
            }
            self.choices.note(index: index, isFinished: isFinished)
        }
    }

    private mutating func chatDelta(_ view: JSONView, _ place: Range<Int>) {
        var walk = view.members(of: place)
        while let member = walk.next() {
            let key = member.key
            if view.isText(key, "content") || view.isText(key, "reasoning_content") || view.isText(key, "reasoning")
                || view.isText(key, "refusal")
            {
                self.take(view, member)
            } else if view.isText(key, "tool_calls") || view.isText(key, "function_call") || view.isText(key, "audio") {
                self.take(view, member)
            } else if view.isText(key, "images") || view.isText(key, "reasoning_details") {
                // The second repeats the text of `reasoning`.
                if view.isFilled(member) { self.noteContent() }
            }
        }
    }

    /// Counts a member as content if there is anything in it, and its text.
    @inline(__always)
    mutating func take(_ view: JSONView, _ member: JSONMember) {
        guard view.isFilled(member) else { return }
        self.noteContent()
        self.outputTextBytes &+=
            member.kind == .string ? view.textBytes(member.value) : OutputText.bytes(view, member.value)
    }
}

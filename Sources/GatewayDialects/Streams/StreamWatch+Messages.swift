import GatewayWire

extension StreamWatch {
    /// An event of `anthropic.messages` (wire-formats 2.3). Its `type` decides, without one its name.
    mutating func messages(
        _ view: JSONView, _ root: Range<Int>, name: UnsafeRawBufferPointer
    ) -> EventVerdict {
        var type: Range<Int>?
        var delta: Range<Int>?
        var block: Range<Int>?
        var message: Range<Int>?
        var usage: Range<Int>?
        var walk = view.members(of: root)
        while let member = walk.next() {
            if view.isText(member.key, "type") {
                if member.kind == .string { type = member.value }
            } else if member.kind == .object {
                if view.isText(member.key, "delta") { delta = member.value }
                if view.isText(member.key, "content_block") { block = member.value }
                if view.isText(member.key, "message") { message = member.value }
                if view.isText(member.key, "usage") { usage = member.value }
            }
        }
        if self.isType("content_block_delta", view, type, name) {
            if let delta { self.messagesDelta(view, delta) }
        } else if self.isType("content_block_start", view, type, name) {
            if let block { self.messagesBlock(view, block) }
        } else if self.isType("message_start", view, type, name) {
            if let message, let usage = view.member("usage", .object, of: message) {
                self.reported.read(view, usage, .anthropic, keepLargest: true)
            }
        } else if self.isType("message_delta", view, type, name) {
            if let usage { self.messagesUsage(view, usage) }
        } else if self.isType("message_stop", view, type, name) {
            self.sawEnd = true
        } else if self.isType("error", view, type, name) {
            self.sawError = true
        }
        return .pass
    }

    private func isType(
        _ text: StaticString, _ view: JSONView, _ type: Range<Int>?, _ name: UnsafeRawBufferPointer
    ) -> Bool {
        if let type { return view.isText(type, text) }
        guard name.count == text.utf8CodeUnitCount else { return false }
        return name.elementsEqual(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// `output_tokens` is cumulative, the input parts may be absent: per field the largest known value (M-10).
    private mutating func messagesUsage(_ view: JSONView, _ usage: Range<Int>) {
        if view.member("output_tokens", .null, of: usage) == nil, view.member("output_tokens", of: usage) != nil {
            self.isOutputFinal = true
        }
        self.reported.read(view, usage, .anthropic, keepLargest: true)
    }

    private mutating func messagesDelta(_ view: JSONView, _ delta: Range<Int>) {
        var walk = view.members(of: delta)
        while let member = walk.next() {
            if view.isText(member.key, "text") || view.isText(member.key, "partial_json")
                || view.isText(member.key, "thinking")
            {
                self.take(view, member)
            } else if view.isText(member.key, "signature") || view.isText(member.key, "citation") {
                if view.isFilled(member) { self.noteContent() }
            }
        }
    }

    /// A text or thinking block begins empty; every other kind says something by beginning.
    private mutating func messagesBlock(_ view: JSONView, _ block: Range<Int>) {
        guard let type = view.member("type", .string, of: block) else { return }
        if view.isText(type, "text") || view.isText(type, "thinking") {
            self.messagesDelta(view, block)
        } else {
            self.noteContent()
        }
    }
}

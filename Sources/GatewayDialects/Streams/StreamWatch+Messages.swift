import GatewayWire

extension StreamWatch {
    /// An event of `anthropic.messages` (wire-formats 2.3). Its `type` decides, without one its name.
    mutating func messages(_ cursor: inout JSONCursor, name eventName: UnsafeRawBufferPointer) -> EventVerdict {
        var type: JSONString?
        var delta: Range<Int>?
        var block: Range<Int>?
        var message: Range<Int>?
        var usage: Range<Int>?
        var root = cursor.enter()
        while let name = cursor.next(&root) {
            if name.says("type") {
                type = cursor.string() ?? type
            } else if cursor.isAtObject {
                if name.says("delta") {
                    delta = cursor.place()
                } else if name.says("content_block") {
                    block = cursor.place()
                } else if name.says("message") {
                    message = cursor.place()
                } else if name.says("usage") {
                    usage = cursor.place()
                }
            }
        }
        guard let kind = type ?? JSONString(unquoted: eventName) else { return .pass }
        if kind.says("content_block_delta") {
            if let delta { self.messagesDelta(&cursor, delta) }
        } else if kind.says("content_block_start") {
            if let block { self.messagesBlock(&cursor, block) }
        } else if kind.says("message_start") {
            if let message { self.messagesStart(&cursor, message) }
        } else if kind.says("message_delta") {
            if let usage { self.messagesUsage(&cursor, usage) }
        } else if kind.says("message_stop") {
            self.sawEnd = true
        } else if kind.says("error") {
            self.sawError = true
        }
        return .pass
    }

    private mutating func messagesStart(_ cursor: inout JSONCursor, _ place: Range<Int>) {
        cursor.seek(place)
        var isFirst = true
        var message = cursor.enter()
        while let name = cursor.next(&message) {
            guard isFirst, name.says("usage") else { continue }
            isFirst = false
            if cursor.isAtObject { self.reported.read(&cursor, .anthropic, keepLargest: true) }
        }
    }

    /// `output_tokens` is cumulative, the input parts may be absent: per field the largest known value (M-10).
    private mutating func messagesUsage(_ cursor: inout JSONCursor, _ place: Range<Int>) {
        cursor.seek(place)
        var isFirst = true
        var usage = cursor.enter()
        while let name = cursor.next(&usage) {
            guard isFirst, name.says("output_tokens") else { continue }
            isFirst = false
            if !cursor.isAtNull { self.isOutputFinal = true }
        }
        cursor.seek(place)
        self.reported.read(&cursor, .anthropic, keepLargest: true)
    }

    private mutating func messagesDelta(_ cursor: inout JSONCursor, _ place: Range<Int>) {
        cursor.seek(place)
        var delta = cursor.enter()
        while let name = cursor.next(&delta) {
            if name.says("text") || name.says("partial_json") || name.says("thinking") {
                self.take(&cursor)
            } else if name.says("signature") || name.says("citation") {
                self.note(&cursor)
            }
        }
    }

    /// A text or thinking block begins empty; every other kind says something by beginning.
    private mutating func messagesBlock(_ cursor: inout JSONCursor, _ place: Range<Int>) {
        cursor.seek(place)
        var type: JSONString?
        var isFirst = true
        var block = cursor.enter()
        while let name = cursor.next(&block) {
            guard isFirst, name.says("type") else { continue }
            isFirst = false
            type = cursor.string()
        }
        guard let type else { return }
        if type.says("text") || type.says("thinking") {
            self.messagesDelta(&cursor, place)
        } else {
            self.noteContent()
        }
    }
}

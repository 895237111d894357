import GatewayWire

extension StreamWatch {
    /// A chunk of `openai.chat` or of the legacy completions (wire-formats 1.4).
    ///
    /// All chunks of a stream begin alike, up to their choices: what was once read there is not read again.
    mutating func chat(_ cursor: inout JSONCursor) -> EventVerdict {
        var chunk = Chunk()
        var root = cursor.enter()
        if cursor.skipHead(self.chatHead.bytes, &root) {
            self.chatChoices(&cursor, &chunk)
            chunk.isHeadPassed = true
        }
        while let name = cursor.next(&root) {
            if name.says("choices") {
                if !chunk.isHeadPassed, !cursor.checksEnds { self.chatHead.learn(cursor.head) }
                self.chatChoices(&cursor, &chunk)
            } else if name.says("usage") {
                guard cursor.isAtObject else { continue }
                chunk.hasUsage = true
                // Cumulative where it comes more than once: the last one counts as a whole.
                self.reported = ReportedUsage()
                self.reported.read(&cursor, self.convention)
            } else if name.says("error") {
                if !cursor.isAtNull { self.sawError = true }
            } else if name.says("prompt_filter_results") {
                chunk.hasFilterResults = true
            } else {
                continue
            }
            chunk.isHeadPassed = true
        }
        let isUsageEvent = chunk.hasNoChoices && chunk.hasUsage && !chunk.hasFilterResults && !self.sawError
        return self.dropsUsageEvent && isUsageEvent ? .drop : .pass
    }

    private struct Chunk {
        var hasNoChoices = false
        var hasUsage = false
        var hasFilterResults = false
        /// A member came that counts: what stands before a later one is no head.
        var isHeadPassed = false
    }

    /// What the chunks of a stream begin with.
    struct ChunkHead: Sendable {
        /// Shorter ones are read as fast, longer ones are none.
        private static let usefulCounts = 24...1024

        private(set) var bytes: [UInt8] = []
        /// A provider whose chunks differ gets no more copies made.
        private var lessons = 0

        mutating func learn(_ head: UnsafeRawBufferPointer) {
            guard self.lessons < 4, Self.usefulCounts.contains(head.count) else { return }
            self.lessons += 1
            self.bytes = Array(head)
        }
    }

    /// The value of `choices` at the cursor, if it is an array.
    private mutating func chatChoices(_ cursor: inout JSONCursor, _ chunk: inout Chunk) {
        guard cursor.isAtArray else { return }
        chunk.hasNoChoices = cursor.isAtEmptyArray
        self.chatChoices(&cursor)
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

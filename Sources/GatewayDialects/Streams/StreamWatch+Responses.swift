import GatewayCore
import GatewayWire

extension StreamWatch {
    /// An event of `openai.responses` (wire-formats 1.5). Its `type` decides; the `event:` line only repeats it.
    mutating func responses(_ cursor: inout JSONCursor) -> EventVerdict {
        var type: JSONString?
        var delta: Range<Int>?
        var response: Range<Int>?
        var root = cursor.enter()
        while let name = cursor.next(&root) {
            if name.says("type") {
                type = cursor.string() ?? type
            } else if name.says("delta") {
                delta = cursor.place()
            } else if name.says("response") {
                if cursor.isAtObject { response = cursor.place() }
            } else if name.says("sequence_number") {
                self.noteSequence(cursor.integer())
            }
        }
        guard let type else { return .pass }
        if let delta {
            cursor.seek(delta)
            if type.says("response.audio.delta") || type.says("response.output_audio.delta") {
                // Base64, no text.
                self.note(&cursor)
            } else {
                self.take(&cursor)
            }
        } else if type.says("response.completed") || type.says("response.incomplete") {
            self.responsesEnd(&cursor, response)
            self.sawEnd = true
        } else if type.says("response.failed") {
            self.responsesEnd(&cursor, response)
            self.sawError = true
        } else if type.says("error") {
            self.sawError = true
        } else if type.says("response.output_item.done") || type.says("response.image_generation_call.partial_image") {
            self.noteContent()
        }
        return .pass
    }

    /// All three terminal events carry usage (M-11).
    private mutating func responsesEnd(_ cursor: inout JSONCursor, _ place: Range<Int>?) {
        guard let place else { return }
        cursor.seek(place)
        var response = cursor.enter()
        while let name = cursor.next(&response) {
            if name.says("usage") {
                if cursor.isAtObject { self.reported.read(&cursor, self.convention) }
            } else if name.says("output") {
                // Hosts that send no deltas show everything here.
                self.note(&cursor)
            }
        }
    }

    private mutating func noteSequence(_ number: Int64?) {
        guard let number, number >= 0, number < ReportedUsage.largest else { return }
        self.nextSequenceNumber = max(self.nextSequenceNumber, number + 1)
    }
}

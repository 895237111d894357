import GatewayWire

extension StreamWatch {
    /// An event of an image, speech or transcription stream: `image_generation.partial_image`, `speech.audio.delta`,
    /// `transcript.text.done` and their like. `….completed` and `….done` end the stream and carry its usage.
    mutating func media(_ cursor: inout JSONCursor) -> EventVerdict {
        var type: JSONString?
        var root = cursor.enter()
        while let name = cursor.next(&root) {
            if name.says("type") {
                type = cursor.string() ?? type
            } else if name.says("delta") {
                self.take(&cursor)
            } else if name.says("b64_json") || name.says("audio") {
                self.note(&cursor)
            } else if name.says("usage") {
                if cursor.isAtObject {
                    self.reported = ReportedUsage()
                    self.reported.read(&cursor, self.convention)
                }
            } else if name.says("error") {
                if !cursor.isAtNull { self.sawError = true }
            }
        }
        guard let type else { return .pass }
        if type.says("error") {
            self.sawError = true
        } else if type.says("image_generation.completed") || type.says("image_edit.completed")
            || type.says("transcript.text.done") || type.says("speech.audio.done")
        {
            self.noteContent()
            self.sawEnd = true
        }
        return .pass
    }
}

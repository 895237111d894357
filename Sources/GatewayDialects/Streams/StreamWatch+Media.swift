import GatewayWire

extension StreamWatch {
    /// An event of an image, speech or transcription stream: `image_generation.partial_image`, `speech.audio.delta`,
    /// `transcript.text.done` and their like. `….completed` and `….done` end the stream and carry its usage.
    mutating func media(_ view: JSONView, _ root: Range<Int>) -> EventVerdict {
        var type: Range<Int>?
        var walk = view.members(of: root)
        while let member = walk.next() {
            if view.isText(member.key, "type") {
                if member.kind == .string { type = member.value }
            } else if view.isText(member.key, "delta") {
                self.take(view, member)
            } else if view.isText(member.key, "b64_json") || view.isText(member.key, "audio") {
                if view.isFilled(member) { self.noteContent() }
            } else if view.isText(member.key, "usage") {
                if member.kind == .object {
                    self.reported = ReportedUsage()
                    self.reported.read(view, member.value, self.convention)
                }
            } else if view.isText(member.key, "error") {
                if member.kind != .null { self.sawError = true }
            }
        }
        guard let type else { return .pass }
        if view.isText(type, "error") {
            self.sawError = true
        } else if view.isText(type, "image_generation.completed") || view.isText(type, "image_edit.completed")
            || view.isText(type, "transcript.text.done") || view.isText(type, "speech.audio.done")
        {
            self.noteContent()
            self.sawEnd = true
        }
        return .pass
    }
}

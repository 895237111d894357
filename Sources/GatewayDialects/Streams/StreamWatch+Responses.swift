import GatewayCore
import GatewayWire

extension StreamWatch {
    /// An event of `openai.responses` (wire-formats 1.5). Its `type` decides; the `event:` line only repeats it.
    mutating func responses(_ view: JSONView, _ root: Range<Int>) -> EventVerdict {
        var type: Range<Int>?
        var delta: JSONMember?
        var response: Range<Int>?
        var walk = view.members(of: root)
        while let member = walk.next() {
            if view.isText(member.key, "type") {
                if member.kind == .string { type = member.value }
            } else if view.isText(member.key, "delta") {
                delta = member
            } else if view.isText(member.key, "response") {
                if member.kind == .object { response = member.value }
            } else if view.isText(member.key, "sequence_number") {
                self.noteSequence(view.integer(member))
            }
        }
        guard let type else { return .pass }
        if let delta {
            if view.isText(type, "response.audio.delta") || view.isText(type, "response.output_audio.delta") {
                // Base64, no text.
                if view.isFilled(delta) { self.noteContent() }
            } else {
                self.take(view, delta)
            }
        } else if view.isText(type, "response.completed") || view.isText(type, "response.incomplete") {
            self.responsesEnd(view, response)
            self.sawEnd = true
        } else if view.isText(type, "response.failed") {
            self.responsesEnd(view, response)
            self.sawError = true
        } else if view.isText(type, "error") {
            self.sawError = true
        } else if view.isText(type, "response.output_item.done")
            || view.isText(type, "response.image_generation_call.partial_image")
        {
            self.noteContent()
        }
        return .pass
    }

    /// All three terminal events carry usage (M-11).
    private mutating func responsesEnd(_ view: JSONView, _ response: Range<Int>?) {
        guard let response else { return }
        var walk = view.members(of: response)
        while let member = walk.next() {
            if view.isText(member.key, "usage") {
                if member.kind == .object { self.reported.read(view, member.value, self.convention) }
            } else if view.isText(member.key, "output") {
                // Hosts that send no deltas show everything here.
                if view.isFilled(member) { self.noteContent() }
            }
        }
    }

    private mutating func noteSequence(_ number: Int64?) {
        guard let number, number >= 0, number < ReportedUsage.largest else { return }
        self.nextSequenceNumber = max(self.nextSequenceNumber, number + 1)
    }
}

import GatewayWire

/// Counts the text in an answer, for estimates.
enum OutputText {
    /// Bytes of every string that a dialect shows as output, anywhere inside of the value at `place`.
    static func bytes(_ view: JSONView, _ place: Range<Int>) -> Int64 {
        var count: Int64 = 0
        var walk = MemberWalk(view: view, place: place)
        while let member = walk.next() {
            let first = view.bytes[min(member.value, view.bytes.count - 1)]
            if first == UInt8(ascii: "\"") {
                guard Self.isText(view, member.key), let value = walk.skipValue() else { continue }
                count &+= view.textBytes(value.place)
            } else if view.isText(member.key, "input") || view.isText(member.key, "args") {
                // Arguments of a tool call, as an object.
                guard let value = walk.skipValue() else { continue }
                count &+= Int64(value.place.count)
            }
        }
        return count
    }

    private static func isText(_ view: JSONView, _ key: Range<Int>) -> Bool {
        view.isText(key, "text") || view.isText(key, "content") || view.isText(key, "arguments")
            || view.isText(key, "name") || view.isText(key, "refusal") || view.isText(key, "thinking")
            || view.isText(key, "reasoning_content") || view.isText(key, "reasoning")
            || view.isText(key, "transcript") || view.isText(key, "code") || view.isText(key, "output")
            || view.isText(key, "input") || view.isText(key, "partial_json")
    }
}

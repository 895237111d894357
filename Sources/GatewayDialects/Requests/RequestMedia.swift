import GatewayWire

/// The images, sound and files that stand in a request itself: what of its bytes is no text.
struct RequestMedia: Sendable, Equatable {
    /// Bodies up to this size are not searched.
    static let freeBytes = 16 << 10
    /// A shorter string, with its quotes, counts as text.
    static let literalBytesMin = Base64Runs.shortest

    var byteCount: Int64 = 0
    var partCount: Int64 = 0

    init(byteCount: Int64 = 0, partCount: Int64 = 0) {
        self.byteCount = byteCount
        self.partCount = partCount
    }

    /// Searches a JSON body: `data:` URLs and `file_data` of OpenAI, `data` of its `input_audio`, of Gemini's
    /// `inlineData` and of Anthropic's sources of type `base64`. Anything else, also a data URL in a text, is text.
    ///
    /// No allocation. Small bodies cost nothing, larger ones without base64 one look at every thousandth byte; the
    /// others are walked once, from quote to quote.
    init(_ body: UnsafeRawBufferPointer) {
        guard body.count > Self.freeBytes else { return }
        var runs = Base64Runs()
        runs.feed(body)
        guard runs.byteCount > 0 else { return }
        let view = JSONView(body)
        var walk = MemberWalk(view: view, place: 0..<body.count)
        var holder = Holder.other
        while let member = walk.next() {
            guard member.value < body.count else { return }
            switch body[member.value] {
            case UInt8(ascii: "{"): holder = Holder(view, member.key)
            case UInt8(ascii: "\""):
                guard let value = walk.skipValue() else { return }
                if value.place.count >= Self.literalBytesMin {
                    self.take(view, member.key, value.place, &holder)
                } else if case .source(let data) = holder, view.isText(member.key, "type") {
                    holder = view.isText(value.place, "base64") ? .inlineData : .other
                    if holder == .inlineData, data > 0 { self.add(data, &holder) }
                }
            default: break
            }
        }
    }

    /// The object whose first members are read.
    private enum Holder: Equatable {
        case other
        /// Its `data` is base64.
        case inlineData
        /// Its `data` is base64 if its `type` says so, which may stand after the data of so many bytes.
        case source(data: Int)

        init(_ view: JSONView, _ key: Range<Int>) {
            if view.isText(key, "source") {
                self = .source(data: 0)
            } else if view.isText(key, "inlineData") || view.isText(key, "inline_data")
                || view.isText(key, "input_audio")
            {
                self = .inlineData
            } else {
                self = .other
            }
        }
    }

    /// A string long enough to be media.
    private mutating func take(_ view: JSONView, _ key: Range<Int>, _ value: Range<Int>, _ holder: inout Holder) {
        if view.isText(key, "data") {
            switch holder {
            case .other: break
            case .inlineData: self.add(value.count, &holder)
            case .source: holder = .source(data: value.count)
            }
        } else if view.isText(key, "file_data") {
            self.add(value.count, &holder)
        } else if view.isText(key, "url") || view.isText(key, "image_url") || view.isText(key, "video_url")
            || view.isText(key, "audio_url")
        {
            let scheme = view.bytes[value].dropFirst().prefix(5)
            if scheme.elementsEqual("data:".utf8) { self.add(value.count, &holder) }
        }
    }

    private mutating func add(_ count: Int, _ holder: inout Holder) {
        self.byteCount += Int64(count)
        self.partCount += 1
        holder = .other
    }
}

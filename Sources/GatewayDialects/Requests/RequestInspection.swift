import GatewayContract
import GatewayWire

/// What the gateway has to know of a request's body.
public struct RequestInspection: Sendable {
    public var endpoint: Endpoint
    /// As the client wrote it, after unescaping: never empty, never trimmed.
    public var model = ""
    /// The place of its JSON literal (quotes included), or of the value of the multipart part. `nil`: it stands in the
    /// path.
    public var modelRange: Range<Int>?
    /// The answer is a stream of server-sent events if all goes well.
    public var isStream = false
    /// The client itself asked for `stream_options.include_usage`.
    public var wantsUsage = false
    /// `max_tokens` and its namesakes; `nil` without a usable positive number.
    public var outputCap: Int64?
    /// `n` or `candidateCount`; at least 1.
    public var choiceCount: Int64 = 1
    /// Bytes of the whole body.
    public var inputBytes: Int
    /// Images, sound and files in it.
    var media = RequestMedia()
    /// What it takes to ask for a usage chunk.
    var usageEdit = UsageEdit.none
    /// Places where a Gemini body repeats the model of the path, as `"models/NAME"`.
    var repeatedModelRanges: [Range<Int>] = []

    init(endpoint: Endpoint, inputBytes: Int) {
        self.endpoint = endpoint
        self.inputBytes = inputBytes
    }

    /// Where `include_usage` goes.
    enum UsageEdit: Sendable, Equatable {
        /// The client asks itself, or the endpoint has no such thing.
        case none
        /// There are no `stream_options`: a member goes in at that offset, just after the body's `{`.
        case insertOptions(at: Int)
        /// `stream_options` is `null`.
        case replaceOptions(Range<Int>)
        /// An object without the member; the offset is just after its `{`.
        case insertMember(at: Int, isEmpty: Bool)
        /// The member is not `true`.
        case replaceMember(Range<Int>)
    }

    /// The estimate of its input tokens: four bytes of the body are one, and each inline image, sound or file is
    /// `UsageEstimate.tokensPerMediaPart` instead of its bytes. In JSON bodies of up to `RequestMedia.freeBytes` and
    /// for shorter values than `RequestMedia.literalBytesMin` the bytes count.
    public var estimatedInput: Int64 {
        UsageEstimate.tokens(ofTextBytes: Int64(self.inputBytes) - self.media.byteCount)
            + self.media.partCount * UsageEstimate.tokensPerMediaPart
    }
}

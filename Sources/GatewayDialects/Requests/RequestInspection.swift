import GatewayContract
import GatewayWire

/// What the gateway has to know of a request's body. An object, so that all who ask during the request share one.
public final class RequestInspection: Sendable {
    @usableFromInline let found: InspectedFields

    init(_ found: consuming InspectedFields) {
        self.found = found
    }

    /// What the route leads to. It decides which members of the body were looked for.
    @inlinable public var endpoint: Endpoint { self.found.endpoint }
    /// As the client wrote it, after unescaping: never empty, never trimmed.
    @inlinable public var model: String { self.found.model }
    /// The place of its JSON literal (quotes included), or of the value of the multipart part. `nil`: it stands in the
    /// path.
    @inlinable public var modelRange: Range<Int>? { self.found.modelRange }
    /// The answer is a stream of server-sent events if all goes well.
    @inlinable public var isStream: Bool { self.found.isStream }
    /// The client itself asked for `stream_options.include_usage`.
    @inlinable public var wantsUsage: Bool { self.found.wantsUsage }
    /// `max_tokens` and its namesakes; `nil` without a usable positive number.
    @inlinable public var outputCap: Int64? { self.found.outputCap }
    /// `n` or `candidateCount`; at least 1.
    @inlinable public var choiceCount: Int64 { self.found.choiceCount }
    /// Bytes of the whole body.
    @inlinable public var inputBytes: Int { self.found.inputBytes }
    /// Images, sound and files in it.
    var media: RequestMedia { self.found.media }

    /// The estimate of its input tokens: four bytes of the body are one, and each inline image, sound or file is
    /// `UsageEstimate.tokensPerMediaPart` instead of its bytes. In JSON bodies of up to `RequestMedia.freeBytes` and
    /// for shorter values than `RequestMedia.literalBytesMin` the bytes count.
    public var estimatedInput: Int64 {
        UsageEstimate.tokens(ofTextBytes: Int64(self.inputBytes) - self.media.byteCount)
            + self.media.partCount * UsageEstimate.tokensPerMediaPart
    }
}

/// What an inspection collects.
@usableFromInline
struct InspectedFields: Sendable {
    @usableFromInline var endpoint: Endpoint
    @usableFromInline var model = ""
    @usableFromInline var modelRange: Range<Int>?
    @usableFromInline var isStream = false
    @usableFromInline var wantsUsage = false
    @usableFromInline var outputCap: Int64?
    @usableFromInline var choiceCount: Int64 = 1
    @usableFromInline var inputBytes: Int
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
}

import GatewayContract
import GatewayCore
import GatewayHTTP
import GatewayPolicy
import GatewayWire
import NIOCore

extension Exchange {
    /// What the head says of the body to come: 411, 413 and 415 before a byte of it is kept.
    func checkTransfer(_ head: RequestHead, _ config: LoopSnapshot) -> Outcome {
        let bodyBytesMax = config.routing.server.limits.bodyBytesMax
        if case .length(let count) = head.framing, count > Int64(bodyBytesMax) {
            return .reply(LocalReply(GatewayError(.bodyTooLarge)))
        }
        guard self.endpoint.shape != .none else { return .proceed }
        if head.framing == .none { return .reply(LocalReply(GatewayError(.lengthRequired))) }
        if let refusal = self.checkMediaType(head) { return .reply(LocalReply(refusal)) }
        return self.prepareDecoding(head, bodyBytesMax: bodyBytesMax).then { self.prepareForm(head) }
    }

    private func checkMediaType(_ head: RequestHead) -> GatewayError? {
        guard let field = head.fields.first(.contentType) else {
            return self.endpoint.shape == .multipart ? GatewayError(.unsupportedMediaType) : nil
        }
        // Two of them would leave it to the provider which body is meant.
        guard head.fields.count(.contentType) == 1 else { return GatewayError(.unsupportedMediaType) }
        let isMultipart = head.fields.withBytes(field.value) { Self.hasMediaType($0, "multipart/form-data") }
        let isJSON = head.fields.withBytes(field.value) { Self.hasMediaType($0, "application/json") }
        switch self.endpoint.shape {
        case .multipart where isMultipart: return nil
        case .json where isJSON, .jsonModelInPath where isJSON: return nil
        case .none: return nil
        default: return GatewayError(.unsupportedMediaType)
        }
    }

    /// Whether a `Content-Type` names that type, whatever its parameters.
    ///
    /// - Parameter type: in lower case: letters, `/` and `-`.
    static func hasMediaType(_ value: UnsafeRawBufferPointer, _ type: StaticString) -> Bool {
        let count = type.utf8CodeUnitCount
        guard value.count >= count else { return false }
        // The bit of lower case: `/` and `-` have it too, and the control bytes that lack only it are in no value.
        let lower: UInt64 = 0x2020_2020_2020_2020
        var index = 0
        while index &+ 8 <= count {
            let word = value.loadUnaligned(fromByteOffset: index, as: UInt64.self) | lower
            let wanted = UnsafeRawPointer(type.utf8Start).loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if word != wanted { return false }
            index &+= 8
        }
        while index < count {
            if value[index] | 0x20 != type.utf8Start[index] { return false }
            index &+= 1
        }
        guard value.count > count else { return true }
        let next = value[count]
        return next == UInt8(ascii: ";") || next == UInt8(ascii: " ") || next == 0x09
    }

    private func prepareDecoding(_ head: RequestHead, bodyBytesMax: Int) -> Outcome {
        guard head.fields.contains(.contentEncoding) else { return .proceed }
        guard head.fields.count(.contentEncoding) == 1 else {
            return .reply(LocalReply(GatewayError(.unsupportedEncoding)))
        }
        let isIdentity = head.fields.withValue(.contentEncoding) { $0.elementsEqual("identity".utf8) } ?? false
        if isIdentity { return .proceed }
        guard
            let format = head.fields.withValue(.contentEncoding, { InflateFormat(contentEncoding: $0) }).flatMap({ $0 })
        else { return .reply(LocalReply(GatewayError(.unsupportedEncoding))) }
        self.inflater = Inflater(format: format, outputBytesMax: bodyBytesMax)
        return .proceed
    }

    /// A form is read as it comes. One that is encoded is kept whole: its parts are known only once it is inflated.
    private func prepareForm(_ head: RequestHead) -> Outcome {
        guard self.endpoint.shape == .multipart else { return .proceed }
        guard let scanner = head.fields.withValue(.contentType, { MultipartScanner(contentType: $0) }).flatMap({ $0 })
        else { return .reply(LocalReply(GatewayError(.malformedBody, "The multipart body has no usable boundary."))) }
        var announced: Int?
        if self.inflater == nil, case .length(let count) = head.framing { announced = Int(clamping: count) }
        self.form = FormRelay(scanner: scanner, announcedBytes: announced)
        return .proceed
    }

    /// Keeps a slice of the body. Bounded per request by `max_body` and over the process by `max_in_flight`.
    func keepBody(_ bytes: ByteBuffer) -> LocalReply? {
        self.record.requestBytes += Int64(bytes.readableBytes)
        guard let inflater = self.inflater else { return self.append(bytes) }
        var inflated = ByteBuffer()
        do throws(InflateFault) {
            try bytes.withUnsafeReadableBytesTyped { raw throws(InflateFault) in
                try inflater.feed(raw) { inflated.writeBytes($0) }
            }
        } catch {
            let code: ErrorCode = error == .tooLarge ? .bodyTooLarge : .unsupportedEncoding
            return LocalReply(GatewayError(code, "The compressed body cannot be read.", detail: "\(error)"))
        }
        return self.append(inflated)
    }

    private func append(_ bytes: ByteBuffer) -> LocalReply? {
        let count = bytes.readableBytes
        let bodyBytesMax = self.config?.routing.server.limits.bodyBytesMax ?? 0
        guard self.receivedBytes + count <= bodyBytesMax else { return LocalReply(GatewayError(.bodyTooLarge)) }
        guard self.loop.shared.takeInFlight(count) else {
            return LocalReply(GatewayError(.overloaded, detail: "server.limits.max_in_flight is reached"))
        }
        self.heldBytes += count
        if let form = self.form { bytes.withUnsafeReadableBytes { form.scanner.feed($0) } }
        if self.body.readableBytes == 0 {
            self.body = bytes
        } else {
            self.body.writeImmutableBuffer(bytes)
        }
        return nil
    }

    /// Bytes of the body that have come; of an encoded one, what they are without the encoding.
    var receivedBytes: Int { self.releasedBytes + self.body.readableBytes }

    /// The body is not needed any more.
    func releaseBody() {
        self.body = ByteBuffer()
        if self.heldBytes > 0 { self.loop.shared.giveBackInFlight(self.heldBytes) }
        self.heldBytes = 0
    }
}

extension ByteBuffer {
    /// `withUnsafeReadableBytes` that keeps the type of what is thrown.
    func withUnsafeReadableBytesTyped<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        let result: Result<R, E> = self.withUnsafeReadableBytes { raw in
            do throws(E) {
                return .success(try body(raw))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

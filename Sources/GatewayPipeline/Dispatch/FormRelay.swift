import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayHTTP
import GatewayPolicy
import GatewayUpstream
import GatewayWire
import NIOCore

/// A `multipart/form-data` body on its way through: read as it comes and, once its model is known, handed to the
/// provider as that takes it. One that is whole by then goes the way of every other body (`SendRequest.swift`).
final class FormRelay {
    /// Sees every byte before it is handed over.
    var scanner: MultipartScanner
    /// The length in the client's head; `nil` when there is none, or when it is that of an encoded body.
    let announcedBytes: Int?
    /// What the attempt changes.
    fileprivate var splices = JSONSplices()
    /// So many bytes of the client's body have gone to the current connection. `nil`: it does not get the body in
    /// parts, or has all of it.
    fileprivate var sentBytes: Int?
    /// Since when the provider has taken nothing, while something waits for it.
    fileprivate(set) var stalledSince: MonotonicTime?
    fileprivate var isSending = false
    fileprivate var isClientPaused = false

    init(scanner: MultipartScanner, announcedBytes: Int?) {
        self.scanner = scanner
        self.announcedBytes = announcedBytes
    }

    /// Whoever is connected to next gets the body from its beginning.
    func beginAgain() {
        self.sentBytes = nil
        self.stalledSince = nil
    }

    /// The provider has everything that came, and the rest is still to come.
    var isWaitingForClient: Bool { self.sentBytes != nil && self.stalledSince == nil }

    /// Asked before anything that came is handed over. With the last announced byte the form has to be whole, so that a
    /// provider never gets a request that looks whole and is refused here.
    ///
    /// - Parameter isWhole: the client has sent the end of its request.
    func check(receivedBytes: Int, isWhole: Bool) throws(GatewayError) {
        if let announcedBytes, receivedBytes > announcedBytes || isWhole && receivedBytes < announcedBytes {
            throw GatewayError(.malformedRequest, detail: "\(receivedBytes) bytes of \(announcedBytes)")
        }
        try RequestInspector.check(
            multipart: self.scanner, isWhole: isWhole || receivedBytes == self.announcedBytes)
    }
}

extension Exchange {
    /// As much is written before the connection is asked whether it takes more.
    private static let stepBytes = 64 << 10

    /// A slice of the form was kept. The second moment of admission comes with the model; afterwards the form is passed
    /// on.
    func formGrew(_ form: FormRelay) {
        self.eventAt = self.loop.now()
        do throws(GatewayError) {
            try form.check(receivedBytes: self.receivedBytes, isWhole: false)
        } catch {
            return self.refuse(LocalReply(error))
        }
        if let isStream = form.scanner.stream { self.record.isStream = isStream }
        if self.machine.state == .attempting { return self.sendOn() }
        // With the closing boundary the end of the request is about to come.
        guard form.scanner.state == .found, self.inflater == nil, !self.record.admitted else { return }
        switch self.admitBody() {
        case .reply(let reply): self.answer(reply)
        case .proceed:
            guard self.leadsToProvidersOnly else { return }
            self.bodyEndedAt = self.eventAt
            self.dispatch()
        }
    }

    /// The built-in `echo` reads the body itself and needs all of it.
    private var leadsToProvidersOnly: Bool {
        guard let model = self.model, let config = self.config else { return false }
        if let provider = model.passthroughProvider { return config.endpoints[provider] != nil }
        return model.tiers.joined().allSatisfy { config.endpoints[config.routing.deployments[$0].provider] != nil }
    }

    /// The head, and what there is of the form. Its length is the client's, with the change of the model's name;
    /// without one it goes in chunks.
    func sendAhead(_ prepared: PreparedCall, _ splices: JSONSplices, on connection: UpstreamConnection) {
        guard let form = self.form else { return }
        var output = self.loop.takeBuffer()
        self.writeHead(prepared, bodyCount: form.announcedBytes.map { splices.resultCount(of: $0) }, to: &output)
        connection.begin(self, requestIsHead: false)
        // It may have died in the pool: then another one is on its way already.
        guard case .connection(let current) = self.call, current === connection else { return }
        form.splices = splices
        form.sentBytes = 0
        connection.write(output)
        self.sendOn()
        self.loop.giveBuffer(output)
    }

    /// Hands over what waits, as far as the provider takes it. Called whenever there may be more to send, or room for
    /// it.
    func sendOn() {
        guard let form = self.form, !form.isSending else { return }
        form.isSending = true
        let sentBefore = form.sentBytes
        // A flush may end the attempt or begin another one: call and place are looked at anew each time.
        while case .connection(let connection) = self.call, let from = form.sentBytes, from < self.receivedBytes,
            connection.isWritable
        {
            self.hand(from..<min(from + Self.stepBytes, self.receivedBytes), of: form, to: connection)
            connection.flush()
        }
        form.isSending = false
        guard !self.machine.isOver else { return }
        if let sent = form.sentBytes, sent == self.receivedBytes { return self.sentAll(form) }
        if form.sentBytes != nil, form.stalledSince == nil || form.sentBytes != sentBefore {
            form.stalledSince = self.loop.now()
            self.armDeadline()
        }
        // Before there is a connection, as much is read as would be kept anyway.
        if form.sentBytes != nil || self.receivedBytes > self.loop.replayBytesMax { self.pauseClient() }
    }

    /// Everything that came is with the provider.
    private func sentAll(_ form: FormRelay) {
        form.stalledSince = nil
        if self.receivedBytes > self.loop.replayBytesMax {
            self.releasedBytes = self.receivedBytes
            self.releaseBody()
            self.machine.bodyReleased()
        }
        self.resumeClient()
        guard self.machine.isRequestWhole, case .connection(let connection) = self.call else {
            return self.armDeadline()
        }
        form.sentBytes = nil
        let now = self.loop.now()
        self.attempt?.sentAt = now
        if self.lastProgressAt != nil { self.lastProgressAt = now }
        if form.announcedBytes == nil { connection.write(ByteBuffer(bytes: ByteBuffer.lastChunk)) }
        connection.requestFinished()
        self.armDeadline()
        connection.flush()
        // What was answered so far has waited for the end of the request.
        if self.pendingAnswer != nil { self.upstreamReadComplete() }
    }

    /// - Parameter range: places in the client's body. An edit that begins in it goes as a whole.
    private func hand(_ range: Range<Int>, of form: FormRelay, to connection: UpstreamConnection) {
        var place = range.lowerBound
        for edit in form.splices.edits
        where edit.range.lowerBound >= place && edit.range.lowerBound < range.upperBound {
            self.hand(self.heldSlice(place..<edit.range.lowerBound), of: form, to: connection)
            self.hand(ByteBuffer(bytes: edit.replacement), of: form, to: connection)
            place = edit.range.upperBound
        }
        if place < range.upperBound {
            self.hand(self.heldSlice(place..<range.upperBound), of: form, to: connection)
            place = range.upperBound
        }
        form.sentBytes = place
    }

    private func hand(_ bytes: ByteBuffer?, of form: FormRelay, to connection: UpstreamConnection) {
        guard let bytes, bytes.readableBytes > 0 else { return }
        guard form.announcedBytes == nil else { return connection.write(bytes) }
        var header = ByteBuffer()
        header.writeChunkHeader(bytes.readableBytes)
        connection.write(header)
        connection.write(bytes)
        connection.write(ByteBuffer(string: "\r\n"))
    }

    private func heldSlice(_ range: Range<Int>) -> ByteBuffer? {
        self.body.getSlice(at: self.body.readerIndex + range.lowerBound - self.releasedBytes, length: range.count)
    }

    private func pauseClient() {
        guard let form = self.form, !form.isClientPaused, !self.machine.isRequestWhole else { return }
        form.isClientPaused = true
        self.sink.pauseRequest()
    }

    func resumeClient() {
        guard let form = self.form, form.isClientPaused else { return }
        form.isClientPaused = false
        self.sink.resumeRequest()
    }
}

import GatewayCore
import GatewayWire
import NIOCore

/// The answer's way out: head, body and end in as few writes as the answer allows.
extension HTTP1ServerConnection {
    /// Bodies up to this size are copied behind the head into one buffer and one write.
    private static let copiedBytesMax = 16 << 10

    func writeContinue() {
        guard self.machine.takeContinue() else { return }
        self.readyOutput()
        self.output?.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        self.flushOutput()
    }

    func writeHead(status: Int, fields: FieldLines, framing: AnswerFraming) {
        guard self.context != nil, always(!self.machine.headWritten, "an answer has one head") else { return }
        self.discardBufferedBody()
        if !self.loop.factory.acceptsMore { self.machine.mustClose() }
        let staysOpen = self.machine.answerHead(framing)
        let isHTTP10 = self.machine.isHTTP10
        var head = AnswerHeadFraming()
        switch framing {
        case .none: break
        case .length(let count): head.length = count
        case .stream: head.isChunked = !isHTTP10
        }
        head.connection = staysOpen ? isHTTP10 ? .keepAlive : .unsaid : .close
        self.readyOutput()
        self.output?.writeHead(status: status, fields: fields, date: self.loop.date, framing: head)
    }

    func writeBody(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard count > 0, !self.machine.isHead, self.context != nil else { return }
        let isChunked = self.machine.framing == .stream && !self.machine.isHTTP10
        self.readyOutput()
        if count <= Self.copiedBytesMax {
            if isChunked { self.output?.writeChunk(bytes) } else { self.output?.writeImmutableBuffer(bytes) }
            return
        }
        if isChunked { self.output?.writeChunkHeader(count) }
        self.writeOutput()
        self.writer.write(bytes)
        guard isChunked else { return }
        self.readyOutput()
        self.output?.writeChunkEnd()
    }

    func endAnswer() {
        guard self.context != nil else { return }
        if self.machine.framing == .stream, !self.machine.isHTTP10, !self.machine.isHead {
            self.readyOutput()
            self.output?.writeLastChunk()
        }
        self.flushOutput()
        // The flush may have met a dead connection, and its end is then over already.
        guard self.context != nil else { return }
        self.run(self.machine.answerEnd())
    }

    /// Ends the connection so that the client cannot take the answer for complete: no last chunk, and a reset where a
    /// close would be the end of the body (HTTP/1.0).
    func abortAnswer(_ reason: AbortReason) {
        self.dropExchange()
        self.flushOutput()
        guard self.machine.framing == .stream, self.machine.isHTTP10 else { return self.closeAfterWrites() }
        self.resetNow()
    }

    func flushOutput() {
        guard self.context != nil else { return }
        guard let output = self.output.take(), output.readableBytes > 0 else { return self.writer.flush() }
        self.writer.writeAndFlush(output)
        self.loop.buffers.give(output)
    }

    private func writeOutput() {
        guard let output = self.output.take(), output.readableBytes > 0 else { return }
        self.writer.write(output)
    }

    /// Output is written in place: nothing is copied or counted per piece.
    private func readyOutput() {
        if self.output == nil { self.output = self.loop.buffers.take() }
    }
}

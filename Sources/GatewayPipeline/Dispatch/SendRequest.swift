import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayHTTP
import GatewayUpstream
import GatewayWire
import NIOCore

extension Exchange {
    /// Bodies up to this size go out behind the head in one buffer; bigger ones as slices of what came in.
    private static let copiedBytesMax = 32 << 10

    /// Adapt and send: the prepared head, the client's forwarded fields, the body with its few splices. The body itself
    /// stays as it came, so that every attempt begins from the pristine request (pitfall T-3).
    func send(on connection: UpstreamConnection) {
        guard let target = self.attempt?.target, let prepared = target.prepared, let inspection = self.inspection
        else {
            self.abandonCall()
            self.attemptFailed(GatewayError(.internalState, detail: "nothing to send"), kind: [], health: nil)
            return
        }
        let splices = RequestSplices.make(
            for: inspection, upstreamModelLiteral: target.upstreamModelLiteral, addUsage: self.addsUsage)
        guard self.machine.isRequestWhole else { return self.sendAhead(prepared, splices, on: connection) }
        let count = splices.resultCount(of: self.body.readableBytes)
        var output = self.loop.takeBuffer()
        self.writeHead(prepared, bodyCount: count, to: &output)
        connection.begin(self, requestIsHead: false)
        // It may have died in the pool: then another one is on its way already.
        guard case .connection(let current) = self.call, current === connection else { return }
        self.attempt?.sentAt = self.eventAt
        if count <= Self.copiedBytesMax {
            self.body.withUnsafeReadableBytes { bytes in
                splices.forEachPiece(of: bytes) { output.writeBytes($0) }
            }
            connection.writeAndFlush(output)
        } else {
            connection.write(output)
            self.writeSlices(splices, on: connection)
            connection.flush()
        }
        self.loop.giveBuffer(consume output)
        connection.requestFinished()
        self.armDeadline()
    }

    /// Streams of these endpoints end with a usage chunk only when asked; it is asked for, and dropped again for a
    /// client that did not ask itself.
    var addsUsage: Bool {
        guard let inspection = self.inspection, inspection.isStream, !inspection.wantsUsage else { return false }
        return self.endpoint == .chatCompletions || self.endpoint == .completions
    }

    /// - Parameter bodyCount: `nil` when it is not known: then the body goes in chunks.
    func writeHead(_ prepared: PreparedCall, bodyCount: Int?, to output: inout ByteBuffer) {
        let fields = self.head?.fields ?? HeaderFields()
        // A field's line may have come without the space behind its colon.
        let room =
            prepared.head.count + prepared.lineWhenAbsent.count + fields.bytes.count + fields.fields.count
            + self.record.requestID.utf8.count + 64
        let hopByHop = ForwardedHeaders.namedByConnection(fields)
        output.writeLines(room: room) { lines in
            lines.lines(prepared.head)
            var hasField = false
            fields.bytes.withUnsafeBytes { bytes in
                for field in fields.fields where ForwardedHeaders.towardsProvider(field.id, family: self.family) {
                    guard !prepared.replaces(field.id), hopByHop & field.id.mask == 0 else { continue }
                    hasField = hasField || field.id == prepared.fieldWhenAbsent
                    lines.field(name: bytes.slice(field.name), bytes.slice(field.value))
                }
            }
            if !hasField, prepared.fieldWhenAbsent != nil { lines.lines(prepared.lineWhenAbsent) }
            lines.field(.xRequestID, self.record.requestID)
            if let bodyCount {
                lines.field(.contentLength, decimal: bodyCount)
            } else {
                lines.field(.transferEncoding, "chunked")
            }
            lines.end()
        }
    }

    private func writeSlices(_ splices: JSONSplices, on connection: UpstreamConnection) {
        var position = 0
        let start = self.body.readerIndex
        for edit in splices.edits {
            if let slice = self.body.getSlice(at: start + position, length: edit.range.lowerBound - position) {
                connection.write(slice)
            }
            connection.write(ByteBuffer(bytes: edit.replacement))
            position = edit.range.upperBound
        }
        if let rest = self.body.getSlice(at: start + position, length: self.body.readableBytes - position) {
            connection.write(rest)
        }
    }
}

import GatewayCore
import NIOCore

/// What a script was called with, as it went on the wire, until its reply is there: after NOSCRIPT the same call goes
/// out again with the source. Buffers are used again, the last one returned first.
struct ScriptPayloads {
    private struct Payload {
        var bytes = ByteBuffer()
        var elements = 0
    }

    /// A buffer that grew beyond this is given up when it is returned.
    private static let keptBytesMax = 4096

    private var payloads: [Payload] = []
    private var free: [Int] = []

    /// How many are in use.
    var count: Int { self.payloads.count - self.free.count }

    /// - Parameters:
    ///   - elements: how many bulk strings the whole command has.
    ///   - tail: those behind the digest, as they stand on the wire.
    /// - Returns: where it is kept, until `release`.
    mutating func keep(elements: Int, tail: UnsafeRawBufferPointer) -> Int {
        let place: Int
        if let last = self.free.popLast() {
            place = last
        } else {
            place = self.payloads.count
            self.payloads.append(Payload())
        }
        self.payloads[place].elements = elements
        self.payloads[place].bytes.writeBytes(tail)
        return place
    }

    /// Writes the call with its source.
    func write(_ place: Int, source: [UInt8], to buffer: inout ByteBuffer) {
        guard self.payloads.indices.contains(place) else { return }
        let size = source.count + RESPWriter.headerSize
        let isWhole = RESPWriter.append(to: &buffer, sizeMax: size) { writer in
            writer.arrayHeader(self.payloads[place].elements)
            writer.raw(source)
        }
        guard always(isWhole, "sizes are upper bounds") else { return }
        buffer.writeImmutableBuffer(self.payloads[place].bytes)
    }

    mutating func release(_ place: Int) {
        guard self.payloads.indices.contains(place) else { return }
        if self.payloads[place].bytes.capacity > Self.keptBytesMax {
            self.payloads[place].bytes = ByteBuffer()
        } else {
            self.payloads[place].bytes.clear()
        }
        self.free.append(place)
    }
}

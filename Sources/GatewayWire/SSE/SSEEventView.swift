/// One event of an event stream, in place. The bytes live as long as the call that hands them out.
public struct SSEEventView {
    /// The event's type as it was sent; empty without an `event` field (a browser would say `message`).
    public let name: UnsafeRawBufferPointer
    /// The event's data: its `data` lines joined by line feeds. May be empty. Whether it is UTF-8 is not judged.
    public let data: UnsafeRawBufferPointer
    /// Offset in the fed chunk just after the blank line that ends the event.
    public let end: Int

    @inlinable
    init(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, end: Int) {
        self.name = name
        self.data = data
        self.end = end
    }
}

/// Why an event stream is not read any further.
public enum SSEFault: Error, Equatable, Sendable {
    /// An event has more bytes than the scanner's limit. Every later `feed` fails alike.
    case eventTooLarge
}

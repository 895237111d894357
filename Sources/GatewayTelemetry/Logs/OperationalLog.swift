import GatewayCore

/// The daemon's own messages: one readable line each, `2026-01-31T08:00:00.000Z warning configuration refused file=…`.
///
/// A message is a constant, so that it can be searched for and never carries what a peer sent; what varies is metadata,
/// cut and escaped. Never logs a credential: `Secret` prints as `•••`.
public struct OperationalLog: Sendable {
    /// How much a message matters.
    public enum Level: Int, Sendable, CaseIterable, Comparable {
        case debug, info, warning, error

        /// By importance.
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    private let writer: LogWriter
    private let minimum: Level
    private static let valueBytesMax = 1024

    /// - Parameter minimum: what matters less is not written, and its metadata not built.
    public init(writer: LogWriter, minimum: Level = .info) {
        self.writer = writer
        self.minimum = minimum
    }

    /// Writes one line. From any thread; never waits for the destination.
    public func log(
        _ level: Level, _ message: StaticString,
        _ metadata: @autoclosure () -> KeyValuePairs<StaticString, String> = [:]
    ) {
        guard level >= self.minimum else { return }
        var line = LineBuffer(capacity: 512)
        Self.append(level, message, metadata(), at: .now(), to: &line)
        self.writer.submit(&line)
    }

    static func append(
        _ level: Level, _ message: StaticString, _ metadata: KeyValuePairs<StaticString, String>, at time: WallTime,
        to line: inout LineBuffer
    ) {
        line.beginLine()
        line.timestamp(time)
        switch level {
        case .debug: line.literal(" debug ")
        case .info: line.literal(" info ")
        case .warning: line.literal(" warning ")
        case .error: line.literal(" error ")
        }
        line.reserve(message.utf8CodeUnitCount)
        line.literal(message)
        for (key, value) in metadata {
            line.reserve(key.utf8CodeUnitCount)
            line.byte(UInt8(ascii: " "))
            line.literal(key)
            line.byte(UInt8(ascii: "="))
            if Self.isWord(value) {
                line.plain(value)
            } else {
                line.quoted(value, bytesMax: Self.valueBytesMax)
            }
        }
        line.endLine()
    }

    /// Readable without quotes: a name, a number, an address, a path.
    private static func isWord(_ value: String) -> Bool {
        !value.isEmpty && value.utf8.count <= 128
            && value.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || "._:/@%+,-[]".utf8.contains(byte)
            }
    }
}

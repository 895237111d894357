import FoundationEssentials
import GatewayCore
import Glibc

/// What the commands print.
enum Terminal {
    enum Stream: Int32 {
        case output = 1
        case errors = 2
    }

    /// Writes all of it, or as much as the other end takes.
    static func write(_ text: String, to stream: Stream = .output) {
        var text = text
        text.withUTF8 { bytes in
            var sent = 0
            while sent < bytes.count {
                guard let start = bytes.baseAddress else { return }
                let count = Glibc.write(stream.rawValue, start + sent, bytes.count - sent)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                sent += count
            }
        }
    }

    /// Whether colour helps: a terminal, and `NO_COLOR` is not set (https://no-color.org).
    static func wantsColour(_ stream: Stream) -> Bool {
        isatty(stream.rawValue) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    }

    /// A value for machines: one object, names in order, a newline at the end.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }

    /// One line of the standard input; at a terminal it is asked for and not shown.
    static func readSecret(prompt: String) -> Secret? {
        guard isatty(STDIN_FILENO) == 1 else { return Swift.readLine().map { Secret($0) } }
        self.write(prompt, to: .errors)
        var before = termios()
        let isTerminal = tcgetattr(STDIN_FILENO, &before) == 0
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        if isTerminal { tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) }
        let line = Swift.readLine()
        if isTerminal { tcsetattr(STDIN_FILENO, TCSAFLUSH, &before) }
        self.write("\n", to: .errors)
        return line.map { Secret($0) }
    }

    /// Columns padded to their widest cell; the first row is the head.
    static func table(_ rows: [[String]]) -> String {
        guard let first = rows.first else { return "" }
        let widths = first.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            return cells.joined(separator: "  ")
        }.joined(separator: "\n") + "\n"
    }
}

import FoundationEssentials
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

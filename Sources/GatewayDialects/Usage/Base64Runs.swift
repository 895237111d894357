#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Counts the bytes of base64 in a JSON text that comes in pieces, wherever they stand: each long run of its letters
/// without anything between them, to the end of the string that it stands in. The verdict does not depend on the
/// splits.
///
/// Text of a model is told from it by its spaces, punctuation or bytes beyond ASCII. Looks at few bytes of such text:
/// one in `shortest`, and from there back to the last byte that is none of base64. Of base64 the rest of the string is
/// searched for its quote only.
struct Base64Runs: Sendable {
    /// A shorter run counts as text.
    static let shortest = 1024

    /// Bytes of the run that is open at the end of the last piece.
    private var open = 0
    private var closed: Int64 = 0

    var byteCount: Int64 { self.closed &+ (self.open >= Self.shortest ? Int64(self.open) : 0) }

    mutating func feed(_ piece: UnsafeRawBufferPointer) {
        var at = 0
        while at < piece.count {
            // All of `open` stands just before `at`.
            if self.open >= Self.shortest {
                let end = Self.quote(piece, from: at)
                self.open &+= end &- at
                at = end
            } else {
                while at < piece.count, self.open < Self.shortest, Self.isLetter(piece[at]) {
                    at &+= 1
                    self.open &+= 1
                }
                if self.open >= Self.shortest { continue }
            }
            guard at < piece.count else { return }
            if self.open >= Self.shortest { self.closed &+= Int64(self.open) }
            self.open = 0
            at = self.skipShortRuns(piece, from: at)
        }
    }

    private static func quote(_ piece: UnsafeRawBufferPointer, from at: Int) -> Int {
        guard let base = piece.baseAddress, let found = memchr(base + at, 0x22, piece.count - at) else {
            return piece.count
        }
        return UnsafeRawPointer(found) - base
    }

    /// Up to the next byte that does not belong to a short run; what of its run stands before it is put into `open`.
    private mutating func skipShortRuns(_ piece: UnsafeRawBufferPointer, from start: Int) -> Int {
        var from = start
        while true {
            // A long run that begins at `from` or later and ends in this piece covers this byte.
            let probe = min(from &+ Self.shortest, piece.count) &- 1
            var at = probe
            while at >= from, Self.isLetter(piece[at]) { at &-= 1 }
            if at < from || probe == piece.count &- 1 {
                self.open = probe &- at
                return probe &+ 1
            }
            from = at &+ 1
        }
    }

    /// Both alphabets, their padding, and the backslash of an escaped slash or line end.
    @inline(__always)
    private static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || byte &- 0x2F < 11 || byte == 0x2B || byte == 0x2D || byte == 0x3D || byte == 0x5C
            || byte == 0x5F
    }
}

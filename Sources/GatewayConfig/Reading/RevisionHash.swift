/// The cryptographic digest of some bytes, 32 or more of them; `nil` when it cannot be computed. It comes from outside:
/// this module has no cryptography. Called from the thread that loads, once per file.
public typealias ContentDigest = @Sendable (_ content: [UInt8]) -> [UInt8]?

/// Names a configuration by everything that it was read from: the digest over each file's path, a zero byte and the
/// digest of its content, in the order of reading.
///
/// Secret files are part of it and it is shown to operators: so it is a hash that gives nothing of its input away.
struct RevisionHash: Sendable {
    private let digest: ContentDigest
    /// What is hashed at the end; `nil` once a digest could not be computed.
    private var listing: [UInt8]? = []

    init(digest: @escaping ContentDigest) {
        self.digest = digest
    }

    mutating func add(path: String, content: [UInt8]) {
        guard let digest = self.digest(content) else {
            self.listing = nil
            return
        }
        self.listing?.append(contentsOf: path.utf8)
        self.listing?.append(0)
        self.listing?.append(contentsOf: digest)
    }

    /// Hexadecimal digits, two per byte of the digest; `nil` when it could not be computed.
    var text: String? {
        guard let listing = self.listing, let digest = self.digest(listing) else { return nil }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

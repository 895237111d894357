import CLibCrypto

/// A Lua script that Redis runs as one atomic step. Made once per process and shared by all loops.
///
/// It is called by its SHA-1 (EVALSHA); a server that does not know it is sent the source, once per call.
/// Source: https://redis.io/docs/latest/develop/programmability/eval-intro/
public struct RedisScript: Sendable {
    /// With a version in it, `take/1`: stands in logs and tests.
    public let name: String
    /// Under which its calls are counted.
    public let commandClass: RedisCommandClass
    /// Lua. Its keys share one hash tag, so that Redis Cluster can run it.
    public let source: String
    /// 40 lower-case hexadecimal digits: Redis' name for the source. No protection hangs on it.
    public let digest: String

    /// The bulk strings `EVALSHA` and the digest, ready for the wire.
    let callPrefix: [UInt8]
    /// The bulk strings `EVAL` and the source.
    let sourcePrefix: [UInt8]

    /// - Returns: nil when libcrypto computes no SHA-1.
    public init?(name: String, commandClass: RedisCommandClass, source: String) {
        guard let digest = Self.sha1(Array(source.utf8)) else { return nil }
        self.name = name
        self.commandClass = commandClass
        self.source = source
        self.digest = digest
        self.callPrefix = Array("$7\r\nEVALSHA\r\n$40\r\n\(digest)\r\n".utf8)
        self.sourcePrefix = Array("$4\r\nEVAL\r\n$\(source.utf8.count)\r\n\(source)\r\n".utf8)
    }

    private static func sha1(_ bytes: [UInt8]) -> String? {
        var output = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        guard EVP_Digest(bytes, bytes.count, &output, &length, EVP_sha1(), nil) == 1, length == 20 else { return nil }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: output.prefix(20).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

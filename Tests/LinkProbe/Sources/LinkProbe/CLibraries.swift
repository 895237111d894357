import CHiredis
import CLibCrypto
import CPostgres
import CSQLite
import CZlib

/// One call into each C library of the system.
enum CLibraries {
    /// Parses `+PONG` with the reader that the RESP connection uses.
    static func hiredis() throws -> String {
        guard let reader = redisReaderCreate() else { throw WrongAnswer(what: "redisReaderCreate") }
        defer { redisReaderFree(reader) }
        var reply: UnsafeMutableRawPointer?
        let bytes = "+PONG\r\n"
        guard redisReaderFeed(reader, bytes, bytes.utf8.count) == REDIS_OK,
            redisReaderGetReply(reader, &reply) == REDIS_OK, let reply
        else { throw WrongAnswer(what: "redisReaderGetReply") }
        defer { freeReplyObject(reply) }
        let typed = reply.assumingMemoryBound(to: redisReply.self)
        return "\(HIREDIS_MAJOR).\(HIREDIS_MINOR).\(HIREDIS_PATCH) \(String(cString: typed.pointee.str))"
    }

    static func postgres() -> String {
        "\(PQlibVersion())"
    }

    static func zlib() throws -> String {
        let text = Array(String(repeating: "penstock ", count: 100).utf8)
        var packed = [UInt8](repeating: 0, count: Int(compressBound(uLong(text.count))))
        var count = uLongf(packed.count)
        guard compress(&packed, &count, text, uLong(text.count)) == Z_OK else { throw WrongAnswer(what: "compress") }
        return "\(String(cString: zlibVersion())), \(text.count) bytes to \(count)"
    }

    static func crypto() throws -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        guard EVP_Digest("abc", 3, &digest, &count, EVP_sha256(), nil) == 1, digest[0] == 0xba else {
            throw WrongAnswer(what: "EVP_Digest")
        }
        return String(cString: OpenSSL_version(OPENSSL_VERSION))
    }

    static func sqlite() -> String {
        String(cString: sqlite3_libversion())
    }
}

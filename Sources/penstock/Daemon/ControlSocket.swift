import GatewayCore
import Glibc

/// The owner-only Unix socket on which a running daemon takes `penstock reload`.
enum ControlSocket {
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    static func path(in dataFolder: String) -> String { dataFolder + "/control.sock" }

    /// Makes the folder with mode 0700: nobody else reaches what lies in it.
    static func prepareFolder(_ folder: String) throws {
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw Fault(description: "cannot make the folder \(folder): \(String(cString: strerror(errno)))")
        }
        var info = stat()
        guard stat(folder, &info) == 0, info.st_uid == geteuid() else {
            throw Fault(description: "the folder \(folder) does not belong to the user that penstock runs as")
        }
        if info.st_mode & 0o077 != 0, chmod(folder, 0o700) != 0 {
            throw Fault(description: "the folder \(folder) is open to others and cannot be closed to them")
        }
    }

    /// The folder keeps others away already; the socket says so itself.
    static func restrict(_ path: String) throws {
        guard chmod(path, 0o600) == 0 else {
            throw Fault(description: "cannot make \(path) private: \(String(cString: strerror(errno)))")
        }
    }

    /// Sends one request and waits for the whole answer.
    static func post(_ target: String, to path: String) throws -> (status: Int, body: String) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Fault(description: "no socket: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        try self.connect(descriptor, to: path)
        let request = "POST \(target) HTTP/1.1\r\nhost: penstock\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        _ = request.withCString { send(descriptor, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            answer += chunk[..<count]
        }
        return try self.parse(String(decoding: answer, as: UTF8.self))
    }

    private static func connect(_ descriptor: Int32, to path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Fault(description: "the path \(path) is too long for a socket")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            throw Fault(description: "no daemon answers on \(path): \(String(cString: strerror(errno)))")
        }
    }

    private static func parse(_ answer: String) throws -> (status: Int, body: String) {
        let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let words = answer.split(separator: " ", maxSplits: 2)
        guard parts.count == 2, words.count >= 2, let status = Int(words[1].prefix(3)) else {
            throw Fault(description: "the daemon's answer cannot be read")
        }
        return (status, String(parts[1]))
    }
}

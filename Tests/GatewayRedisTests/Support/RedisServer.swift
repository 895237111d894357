import Foundation
import NIOCore
import NIOPosix
import Synchronization

struct RedisServerProblem: Error, CustomStringConvertible {
    let description: String
}

/// A real `redis-server` on a free port of this machine, without persistence. It ends with `stop`.
final class RedisServer: Sendable {
    let port: Int
    private let arguments: [String]
    private let directory: String
    private let process = Mutex<Process?>(nil)

    /// - Parameter tls: the server speaks TLS only, with the certificate of `TestCertificates`.
    init(_ extra: [String] = [], tls: Bool = false) throws {
        self.port = try Self.freePort()
        let directory = NSTemporaryDirectory() + "penstock-redis-" + UUID().uuidString
        self.directory = directory
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        var arguments = ["--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly", "no"]
        if tls {
            let files = [
                ("cert", TestCertificates.server), ("key", TestCertificates.serverKey),
                ("ca-cert", TestCertificates.authority),
            ]
            for (name, text) in files {
                try text.write(toFile: "\(directory)/\(name).pem", atomically: true, encoding: .utf8)
                arguments += ["--tls-\(name)-file", "\(directory)/\(name).pem"]
            }
            arguments += ["--port", "0", "--tls-port", "\(self.port)", "--tls-auth-clients", "no"]
        } else {
            arguments += ["--port", "\(self.port)"]
        }
        self.arguments = arguments + extra
        try self.start()
    }

    var caFile: String { "\(self.directory)/ca-cert.pem" }

    /// Again after `kill`, on the same port and empty.
    func start() throws {
        let places = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
        guard
            let binary = places.map({ "\($0)/redis-server" }).first(
                where: FileManager.default.isExecutableFile(atPath:))
        else {
            throw RedisServerProblem(
                description: "no redis-server on the PATH: apt-get install redis-server, which Tests/run does")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = self.arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.process.withLock { $0 = process }
    }

    /// `SIGKILL`, `SIGSTOP`, `SIGCONT` to the process that was started here, and to no other.
    func signal(_ number: Int32) {
        self.process.withLock { process in
            guard let process, process.isRunning else { return }
            kill(process.processIdentifier, number)
        }
    }

    func killAndWait() {
        self.signal(SIGCONT)
        self.signal(SIGKILL)
        let process = self.process.withLock { $0.take() }
        process?.waitUntilExit()
    }

    func stop() {
        self.killAndWait()
        try? FileManager.default.removeItem(atPath: self.directory)
    }

    /// One that was free a moment ago.
    private static func freePort() throws -> Int {
        let channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).wait()
        defer { try? channel.close().wait() }
        guard let port = channel.localAddress?.port else { throw RedisServerProblem(description: "no free port") }
        return port
    }
}

import GatewayCore
import GatewayTesting
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import GatewayUpstream

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A file that is there as long as the value lives.
private final class TemporaryFile: Sendable {
    let path: String

    init(_ text: String) {
        var template = Array("/tmp/penstock-test-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        self.path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        _ = Array(text.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }

    deinit { unlink(self.path) }
}

/// Faults 15 and 17, and what TLS adds to the life of a connection.
@Suite struct UpstreamTLSTests {
    private static let request = PoolDriver.get.utf8.count
    private static let answers: [ServerStep] = (0..<3).flatMap { _ in
        [ServerStep.awaitBytes(Self.request), .send(PoolDriver.ok)]
    }

    private func serverContext(_ certificate: String) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(TestCertificates.serverKey.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.shutdownTimeout = .milliseconds(100)
        return try NIOSSLContext(configuration: configuration)
    }

    /// Every name is an address of this machine.
    private func exchanges(
        _ count: Int = 1, host: String, certificate: String = TestCertificates.server,
        authority: String? = TestCertificates.authority, script: [ServerStep] = Self.answers
    ) async throws -> (transcripts: [Transcript], accepted: Int, received: Int) {
        let resolver = NameResolver(threads: 1, now: MonotonicTime.now) { _ in
            .success([IPAddress(ipv4: 0x7f00_0001)])
        }
        let file = authority.map { TemporaryFile($0) }
        let driver = try await PoolDriver(resolver: resolver)
        let server = try await ScriptedServer(
            group: driver.group, tls: try self.serverContext(certificate), scripts: [script])
        let endpoint = UpstreamEndpoint(host: host, port: server.port, tls: true, caFile: file?.path)
        try await driver.adopt(endpoint)
        var transcripts: [Transcript] = []
        for _ in 0..<count { transcripts.append(try await driver.exchange(endpoint)) }
        let result = (transcripts, server.accepted, server.bytes(of: 0))
        await server.stop()
        try await driver.stop()
        withExtendedLifetime(file) {}
        return result
    }

    @Test(arguments: ["provider.test", "a.wild.test", "127.0.0.1"])
    func aVerifiedConnectionServesAndIsReused(host: String) async throws {
        let (transcripts, accepted, _) = try await self.exchanges(3, host: host)
        #expect(transcripts.map(\.events.first) == ["acquired", "reused", "reused"])
        #expect(transcripts.allSatisfy { $0.has("end") && $0.body == Array("ok".utf8) })
        #expect(accepted == 1)
    }

    /// Fault 17: refused, and not a byte of the request is sent. That the certificate names the address does not help.
    @Test func f17AnotherNameIsRefused() async throws {
        let (transcripts, _, received) = try await self.exchanges(host: "other.test")
        #expect(transcripts.first?.events == ["unavailable upstreamUnreachable"])
        #expect(received == 0)
    }

    @Test func f17AnExpiredCertificateIsRefused() async throws {
        let (transcripts, _, received) = try await self.exchanges(
            host: "provider.test", certificate: TestCertificates.expired)
        #expect(transcripts.first?.events == ["unavailable upstreamUnreachable"])
        #expect(received == 0)
    }

    @Test func f17AnUnknownAuthorityIsRefused() async throws {
        let (transcripts, _, received) = try await self.exchanges(host: "provider.test", authority: nil)
        #expect(transcripts.first?.events == ["unavailable upstreamUnreachable"])
        #expect(received == 0)
    }

    /// Fault 15: the handshake is inside the connect timeout.
    @Test func f15AHangingHandshakeEndsInTime() async throws {
        let driver = try await PoolDriver()
        let server = try await ScriptedServer(group: driver.group, scripts: [[.hang]])
        let endpoint = UpstreamEndpoint(host: "127.0.0.1", port: server.port, tls: true)
        try await driver.adopt(endpoint)
        let log = try await driver.start(endpoint)
        try await eventually { server.accepted == 1 }
        try await driver.run { $0.tick(now: MonotonicTime.now() + .seconds(61)) }
        #expect(log.now.events == ["unavailable upstreamUnreachable"])
        try await eventually { server.ended == 1 }
        #expect(try await driver.counts() == .init())
        await server.stop()
        try await driver.stop()
    }

    @Test func aPeerThatSpeaksNoTLSIsUnreachable() async throws {
        let driver = try await PoolDriver()
        let server = try await ScriptedServer(group: driver.group, scripts: [[.send(PoolDriver.ok), .hang]])
        let endpoint = UpstreamEndpoint(host: "127.0.0.1", port: server.port, tls: true)
        try await driver.adopt(endpoint)
        let transcript = try await driver.exchange(endpoint)
        #expect(transcript.events == ["unavailable upstreamUnreachable"])
        await server.stop()
        try await driver.stop()
    }

    /// A body that ends with the connection needs TLS' own end; without it somebody may have cut it off.
    @Test func anEndWithoutCloseNotifyIsTruncated() async throws {
        let head = "HTTP/1.1 200 OK\r\n\r\nhalf"
        let (cut, _, _) = try await self.exchanges(
            host: "provider.test", script: [.awaitBytes(Self.request), .send(head), .cut])
        #expect(cut.first?.fault?.code == .upstreamTruncated)
        let (clean, _, _) = try await self.exchanges(
            host: "provider.test", script: [.awaitBytes(Self.request), .send(head), .close])
        #expect(clean.first?.has("end") == true)
        #expect(clean.first?.body == Array("half".utf8))
    }

    @Test func aBadCAFileIsAnErrorValue() async throws {
        let (transcripts, _, _) = try await self.exchanges(host: "provider.test", authority: "not a certificate")
        #expect(transcripts.first?.events == ["unavailable upstreamUnreachable"])
        #expect(transcripts.first?.error?.detail?.contains("CA file") == true)
        #expect(TLSContexts.problem(caFile: "/nonexistent/ca.pem") != nil)
        let good = TemporaryFile(TestCertificates.authority)
        #expect(TLSContexts.problem(caFile: good.path) == nil)
    }

    @Test func aContextIsReadOnceForAllLoops() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let contexts = TLSContexts()
        let file = TemporaryFile(TestCertificates.authority)
        let futures = (0..<8).map { _ in contexts.context(caFile: file.path, on: group.next()) }
        var all: [NIOSSLContext] = []
        for future in futures { all.append(try await future.get()) }
        #expect(all.allSatisfy { $0 === all[0] })
        contexts.reload()
        let anew = try await contexts.context(caFile: file.path, on: group.next()).get()
        #expect(anew !== all[0])
        try await group.shutdownGracefully()
    }

    /// Fault 48 over TLS: the provider learns soon, even if it never confirms the close.
    @Test func f48AbandonReachesTheProvider() async throws {
        let file = TemporaryFile(TestCertificates.authority)
        let driver = try await PoolDriver()
        let stream = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n"
        let server = try await ScriptedServer(
            group: driver.group, tls: try self.serverContext(TestCertificates.server),
            scripts: [[.awaitBytes(Self.request), .send(stream), .hang]])
        let endpoint = UpstreamEndpoint(host: "127.0.0.1", port: server.port, tls: true, caFile: file.path)
        try await driver.adopt(endpoint)
        let log = try await driver.start(endpoint)
        try await eventually { log.now.bodyBytes == 1 }
        _ = try await driver.with(0) { $0.abandon() }
        try await eventually { server.ended == 1 }
        #expect(try await driver.counts() == .init())
        await server.stop()
        try await driver.stop()
    }
}

import GatewayCore
import NIOCore
import NIOPosix
import Testing

@testable import GatewayUpstream

/// One connection against scripted servers: what is delivered, and what becomes of the connection.
@Suite struct UpstreamConnectionTests {
    private static let request = PoolDriver.get.utf8.count

    private func exchange(
        _ script: [ServerStep], request: [String] = [PoolDriver.get]
    ) async throws -> (Transcript, UpstreamPool.Counts) {
        let driver = try await PoolDriver()
        let server = try await ScriptedServer(group: driver.group, scripts: [script])
        let endpoint = UpstreamEndpoint(host: "127.0.0.1", port: server.port, tls: false)
        try await driver.adopt(endpoint)
        let transcript = try await driver.exchange(endpoint, request: request)
        let counts = try await driver.counts()
        await server.stop()
        try await driver.stop()
        #expect(transcript.ends == 1 && transcript.late == 0, "\(transcript.events)")
        return (transcript, counts)
    }

    @Test func anAnswerByteByByte() async throws {
        let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        let (transcript, counts) = try await self.exchange([.awaitBytes(Self.request), .drip(answer)])
        #expect(transcript.has("end"))
        #expect(transcript.body == Array("abcde".utf8))
        #expect(counts.idle == 1)
    }

    @Test func anAnswerThatEndsWithTheConnection() async throws {
        let (transcript, counts) = try await self.exchange(
            [.awaitBytes(Self.request), .send("HTTP/1.1 200 OK\r\n\r\nall of it"), .close])
        #expect(transcript.has("end"))
        #expect(transcript.body == Array("all of it".utf8))
        #expect(counts == .init())
    }

    @Test func aHalfCloseEndsTheAnswerToo() async throws {
        let (transcript, counts) = try await self.exchange(
            [.awaitBytes(Self.request), .send("HTTP/1.1 200 OK\r\n\r\nall"), .halfClose, .hang])
        #expect(transcript.has("end"))
        #expect(counts == .init())
    }

    /// Fault 1.
    @Test(arguments: [ServerStep.reset, .close, .halfClose])
    func f01NoAnswerIsAReset(last: ServerStep) async throws {
        let (transcript, counts) = try await self.exchange([.awaitBytes(Self.request), last])
        #expect(transcript.events == ["acquired", "failed upstreamReset"])
        #expect(transcript.fault?.anyByteArrived == false)
        #expect(counts == .init())
    }

    @Test func halfAHeadIsAReset() async throws {
        let (transcript, _) = try await self.exchange([.awaitBytes(Self.request), .send("HTTP/1.1 200 O"), .close])
        #expect(transcript.fault?.code == .upstreamReset)
        #expect(transcript.fault?.anyByteArrived == true && transcript.fault?.headArrived == false)
    }

    /// Faults 2 and 3: never a clean end.
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
    ])
    func f02f03AnAnswerCutOffIsTruncated(answer: String) async throws {
        for last in [ServerStep.close, .halfClose] {
            let (transcript, counts) = try await self.exchange([.awaitBytes(Self.request), .send(answer), last])
            #expect(transcript.fault?.code == .upstreamTruncated)
            #expect(transcript.fault?.headArrived == true)
            #expect(transcript.body == Array("half".utf8), "what came is delivered")
            #expect(counts == .init())
        }
    }

    /// A body that ends with the connection must not end well when the connection is reset.
    @Test func f02AResetIsNoCleanEnd() async throws {
        let driver = try await PoolDriver()
        let server = try await ScriptedServer(
            group: driver.group,
            scripts: [[.awaitBytes(Self.request), .send("HTTP/1.1 200 OK\r\n\r\nhalf"), .awaitBytes(1), .reset]])
        let endpoint = UpstreamEndpoint(host: "127.0.0.1", port: server.port, tls: false)
        try await driver.adopt(endpoint)
        let log = try await driver.start(endpoint, finishes: false)
        try await eventually { log.now.bodyBytes == 4 }
        _ = try await driver.with(0) { connection in
            connection.write(ByteBuffer(string: "x"))
            connection.flush()
        }
        try await eventually { log.now.isOver }
        #expect(log.now.fault?.code == .upstreamTruncated)
        await server.stop()
        try await driver.stop()
    }

    /// Fault 18: an ambiguous answer is refused and its connection thrown away.
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
    ])
    func f18GarbageIsRefused(answer: String) async throws {
        let (transcript, counts) = try await self.exchange([.awaitBytes(Self.request), .send(answer), .hang])
        #expect(transcript.fault?.code == .upstreamGarbage)
        #expect(counts == .init())
    }

    /// Fault 18: bytes after an answer are nobody's answer.
    @Test func f18SurplusBytesEndTheConnection() async throws {
        let (transcript, counts) = try await self.exchange(
            [.awaitBytes(Self.request), .send(PoolDriver.ok + PoolDriver.ok), .hang])
        #expect(transcript.has("end"))
        #expect(transcript.body == Array("ok".utf8))
        #expect(counts == .init())
    }

    @Test func bytesOnAnIdleConnectionEndIt() async throws {
        let driver = try await PoolDriver()
        let script: [ServerStep] = [.send(PoolDriver.ok), .awaitBytes(Self.request), .send(PoolDriver.ok), .hang]
        let server = try await ScriptedServer(group: driver.group, scripts: [[.awaitBytes(1), .hang], script])
        let endpoint = UpstreamEndpoint(host: "127.0.0.1", port: server.port, tls: false, connectionsMax: 2)
        try await driver.adopt(endpoint)
        // The second ticket is cancelled while its connection is made: it becomes idle, and then an answer comes.
        _ = try await driver.start(endpoint)
        try await driver.start(endpoint)
        try await driver.cancel(1)
        try await eventually { server.accepted == 2 }
        try await eventually { server.ended >= 1 }
        try await eventually { try await driver.counts().idle == 0 }
        await server.stop()
        try await driver.stop()
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ])
    func noKeepAliveEndsTheConnection(answer: String) async throws {
        let (transcript, counts) = try await self.exchange([.awaitBytes(Self.request), .send(answer), .hang])
        #expect(transcript.has("end"))
        #expect(counts == .init())
    }

    @Test func interimAnswersAreSkipped() async throws {
        let (transcript, counts) = try await self.exchange(
            [
                .awaitBytes(Self.request),
                .send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + PoolDriver.ok),
            ])
        #expect(transcript.has("head 200") && transcript.has("end"))
        #expect(counts.idle == 1)
    }

    @Test func anAnswerToHEADHasNoBody() async throws {
        let head = "HEAD / HTTP/1.1\r\nhost: test\r\n\r\n"
        let (transcript, counts) = try await self.exchange(
            [.awaitBytes(head.utf8.count), .send("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n")], request: [head])
        #expect(transcript.has("end") && transcript.bodyBytes == 0)
        #expect(counts.idle == 1)
    }

    /// The answer came before all of the request was sent: the end is delivered, the connection is not kept.
    @Test func anEarlyAnswerEndsTheConnection() async throws {
        let driver = try await PoolDriver()
        let server = try await ScriptedServer(
            group: driver.group, scripts: [[.awaitBytes(Self.request), .send(PoolDriver.ok), .hang]])
        let endpoint = UpstreamEndpoint(host: "127.0.0.1", port: server.port, tls: false)
        try await driver.adopt(endpoint)
        let log = try await driver.start(endpoint, finishes: false)
        try await eventually { log.now.has("end") }
        try await eventually { server.ended == 1 }
        #expect(try await driver.counts() == .init())
        await server.stop()
        try await driver.stop()
    }

    /// The server answers and closes without reading a large request: its answer is not lost.
    @Test func anAnswerIsReadEvenIfWritingFails() async throws {
        let large = String(repeating: "x", count: 4 << 20)
        let answer = "HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        let (transcript, counts) = try await self.exchange(
            [.awaitBytes(Self.request), .send(answer), .halfClose, .hang], request: [PoolDriver.get, large])
        #expect(transcript.has("head 413") && transcript.has("end"), "\(transcript.events)")
        #expect(counts == .init())
    }

    @Test func writabilityIsReported() async throws {
        let large = String(repeating: "x", count: 8 << 20)
        let all = Self.request + large.utf8.count
        let (transcript, counts) = try await self.exchange(
            [.awaitBytes(all), .send(PoolDriver.ok)], request: [PoolDriver.get, large])
        #expect(transcript.has("full") && transcript.has("writable") && transcript.has("end"))
        #expect(counts.idle == 1, "a large request that was taken whole does not cost the connection")
    }

    /// Fault 42 in small: a reader that does not read costs bounded memory, loses nothing when the provider closes
    /// behind its answer, and gets the end only after all the bytes.
    @Test func f42APausedReaderIsBoundedAndLosesNothing() async throws {
        let count = 8 << 20
        let driver = try await PoolDriver()
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
        let server = try await ScriptedServer(
            group: driver.group,
            scripts: [[.awaitBytes(Self.request), .send(head), .sendZeros(count: count), .close]])
        let endpoint = UpstreamEndpoint(host: "127.0.0.1", port: server.port, tls: false)
        try await driver.adopt(endpoint)
        let log = try await driver.start(endpoint, pausesAtHead: true)
        try await eventually { log.now.has("head 200") }
        // The server cannot get rid of its bytes while nobody reads: its connection stays open.
        for _ in 0..<20 {
            #expect((try await driver.with(0) { $0.stashedBytes } ?? 0) <= 128 << 10)
            try await Task.sleep(for: .milliseconds(2))
        }
        #expect(log.now.bodyBytes == 0 && !log.now.isOver)
        var heldMost = 0
        // A slow reader: it takes a burst, then pauses again.
        while !log.now.isOver {
            let held = try await driver.with(0) { connection in
                let held = connection.stashedBytes
                connection.resumeReading()
                connection.pauseReading()
                return held
            }
            heldMost = max(heldMost, held ?? 0)
        }
        #expect(log.now.has("end"))
        #expect(log.now.bodyBytes == count)
        // At the close, what the kernel held: at most twice the buffer that was asked for.
        #expect(heldMost <= 1 << 20, "held \(heldMost)")
        await server.stop()
        try await driver.stop()
    }

    /// Everything came, the peer closed, and only then the reader goes on: bytes first, end last.
    @Test func theEndWaitsBehindTheBytes() async throws {
        let driver = try await PoolDriver()
        let answer = "HTTP/1.1 200 OK\r\n\r\nall of it"
        let server = try await ScriptedServer(
            group: driver.group, scripts: [[.awaitBytes(Self.request), .drip(answer), .close]])
        let endpoint = UpstreamEndpoint(host: "127.0.0.1", port: server.port, tls: false)
        try await driver.adopt(endpoint)
        let log = try await driver.start(endpoint, pausesAtHead: true)
        try await eventually { log.now.has("head 200") }
        try await eventually { server.ended == 1 }
        try await Task.sleep(for: .milliseconds(20))
        #expect(!log.now.isOver)
        _ = try await driver.with(0) { $0.resumeReading() }
        try await eventually { log.now.isOver }
        #expect(log.now.body == Array("all of it".utf8))
        #expect(log.now.events.last == "end")
        #expect(try await driver.counts() == .init())
        await server.stop()
        try await driver.stop()
    }

    /// neither side of an exchange keeps the other alive once it is over.
    @Test func r2NothingOutlivesItsExchange() async throws {
        let driver = try await PoolDriver()
        let server = try await ScriptedServer(
            group: driver.group,
            scripts: [
                [.awaitBytes(Self.request), .send(PoolDriver.ok), .awaitBytes(Self.request), .close],
                [.awaitBytes(Self.request), .send("HTTP/1.1 200 OK\r\n\r\n"), .close], [.close],
            ])
        let endpoint = UpstreamEndpoint(host: "127.0.0.1", port: server.port, tls: false)
        try await driver.adopt(endpoint)
        for _ in 0..<8 { _ = try await driver.exchange(endpoint) }
        try await driver.dropFinished()
        try await driver.run { $0.closeAll() }
        try await eventually { try await driver.living() == (connections: 0, exchanges: 0) }
        await server.stop()
        try await driver.stop()
    }

    /// Faults 48 and 49: abandoning closes the provider's connection.
    @Test func f48AbandonReachesTheProvider() async throws {
        let driver = try await PoolDriver()
        let stream = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n"
        let server = try await ScriptedServer(
            group: driver.group, scripts: [[.awaitBytes(Self.request), .send(stream), .hang]])
        let endpoint = UpstreamEndpoint(host: "127.0.0.1", port: server.port, tls: false)
        try await driver.adopt(endpoint)
        let log = try await driver.start(endpoint)
        try await eventually { log.now.bodyBytes == 1 }
        _ = try await driver.with(0) { $0.abandon() }
        try await eventually { server.ended == 1 }
        #expect(log.now.ends == 0)
        #expect(try await driver.counts() == .init())
        await server.stop()
        try await driver.stop()
    }
}

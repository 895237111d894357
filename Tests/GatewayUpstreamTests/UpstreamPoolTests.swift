import GatewayCore
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import GatewayUpstream

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The pool against real servers on the loopback.
@Suite struct UpstreamPoolTests {
    private static let request = PoolDriver.get.utf8.count
    /// Answers three requests on one connection, then only reads.
    private static let thrice: [ServerStep] = (0..<3).flatMap { _ in
        [ServerStep.awaitBytes(Self.request), .send(PoolDriver.ok)]
    }

    private func endpoint(_ port: Int, host: String = "127.0.0.1", max: Int = 8) -> UpstreamEndpoint {
        .init(host: host, port: port, tls: false, connectionsMax: max)
    }

    private func world(
        _ scripts: [[ServerStep]], resolver: NameResolver = NameResolver(threads: 1),
        settings: UpstreamPool.Settings = .init(),
        _ body: (PoolDriver, ScriptedServer) async throws -> Void
    ) async throws {
        let driver = try await PoolDriver(resolver: resolver, settings: settings)
        let server = try await ScriptedServer(group: driver.group, scripts: scripts)
        try await body(driver, server)
        await server.stop()
        try await driver.stop()
    }

    @Test func aConnectionIsReused() async throws {
        try await self.world([Self.thrice]) { driver, server in
            let endpoint = self.endpoint(server.port)
            try await driver.adopt(endpoint)
            let first = try await driver.exchange(endpoint)
            #expect(first.events.first == "acquired" && first.events.last == "end")
            #expect(first.body == Array("ok".utf8))
            for _ in 0..<2 {
                let next = try await driver.exchange(endpoint)
                #expect(next.events.first == "reused" && next.events.last == "end")
            }
            #expect(server.accepted == 1)
            #expect(try await driver.counts() == .init(idle: 1, connecting: 0, leased: 0, waiting: 0))
        }
    }

    @Test func withABoundOfOneEverybodyTakesTurns() async throws {
        try await self.world([Self.thrice]) { driver, server in
            let endpoint = self.endpoint(server.port, max: 1)
            try await driver.adopt(endpoint)
            let logs = [
                try await driver.start(endpoint), try await driver.start(endpoint), try await driver.start(endpoint),
            ]
            for log in logs {
                try await eventually { log.now.isOver }
                #expect(log.now.has("end"))
            }
            #expect(server.accepted == 1)
        }
    }

    /// The peer closed while the connection was idle: either the pool noticed, or the exchange learns that no byte of
    /// an answer came on a reused connection, which makes another attempt on a fresh one safe.
    @Test func aStaleConnectionIsToldApart() async throws {
        let once: [ServerStep] = [.awaitBytes(Self.request), .send(PoolDriver.ok), .awaitBytes(1), .reset]
        try await self.world([once, Self.thrice]) { driver, server in
            let endpoint = self.endpoint(server.port)
            try await driver.adopt(endpoint)
            _ = try await driver.exchange(endpoint)
            let stale = try await driver.exchange(endpoint)
            #expect(stale.events == ["reused", "failed upstreamReset"])
            #expect(stale.fault?.anyByteArrived == false && stale.fault?.headArrived == false)
            let log = try await driver.start(endpoint, fresh: true)
            try await eventually { log.now.isOver }
            #expect(log.now.events.first == "acquired" && log.now.has("end"))
        }
    }

    @Test func anIdleConnectionThatThePeerClosesIsDropped() async throws {
        try await self.world([[.awaitBytes(Self.request), .send(PoolDriver.ok), .close]]) { driver, server in
            let endpoint = self.endpoint(server.port)
            try await driver.adopt(endpoint)
            _ = try await driver.exchange(endpoint)
            try await eventually { try await driver.counts().idle == 0 }
            let next = try await driver.exchange(endpoint)
            #expect(next.events.first == "acquired" && next.has("end"))
        }
    }

    @Test func aRefusedConnectIsUnreachable() async throws {
        try await self.world([[.hang]]) { driver, server in
            let port = server.port
            await server.stop()
            let endpoint = self.endpoint(port)
            try await driver.adopt(endpoint)
            let refused = try await driver.exchange(endpoint)
            #expect(refused.events == ["unavailable upstreamUnreachable"])
            #expect(refused.error?.detail?.contains("127.0.0.1") == true)
            #expect(try await driver.counts() == .init())
        }
    }

    /// Nothing listens at the first address; the second one serves.
    @Test func furtherAddressesAreTried() async throws {
        let lookUp: NameResolver.LookUp = { _ in .success(["127.0.0.2", "127.0.0.1"].compactMap { IPAddress($0) }) }
        let resolver = NameResolver(threads: 1, now: MonotonicTime.now, lookUp: lookUp)
        try await self.world([Self.thrice], resolver: resolver) { driver, server in
            let endpoint = self.endpoint(server.port, host: "provider.test")
            try await driver.adopt(endpoint)
            let answered = try await driver.exchange(endpoint)
            #expect(answered.events.first == "acquired" && answered.has("end"))
        }
    }

    @Test func aNameWithoutAddressIsUnreachable() async throws {
        let lookUp: NameResolver.LookUp = { _ in .failure(.init(detail: "no such name")) }
        let resolver = NameResolver(threads: 1, now: MonotonicTime.now, lookUp: lookUp)
        try await self.world([[.hang]], resolver: resolver) { driver, server in
            let endpoint = self.endpoint(server.port, host: "provider.test")
            try await driver.adopt(endpoint)
            let failed = try await driver.exchange(endpoint)
            #expect(failed.events == ["unavailable upstreamUnreachable"])
            #expect(failed.error?.detail?.contains("no such name") == true)
        }
    }

    /// Fault 16: while one name hangs in the resolver, the loop goes on and the connect timeout counts.
    @Test func aHangingNameServerBlocksNobody() async throws {
        let release = Mutex(false)
        let lookUp: NameResolver.LookUp = { _ in
            while !release.withLock({ $0 }) { _ = poll(nil, 0, 2) }
            return .failure(.init(detail: "late"))
        }
        let resolver = NameResolver(threads: 1, now: MonotonicTime.now, lookUp: lookUp)
        try await self.world([Self.thrice], resolver: resolver) { driver, server in
            let slow = self.endpoint(server.port, host: "slow.test")
            let quick = self.endpoint(server.port)
            try await driver.adopt(slow, quick)
            let log = try await driver.start(slow)
            let answered = try await driver.exchange(quick)
            #expect(answered.has("end"))
            #expect(!log.now.isOver)
            try await driver.run { $0.tick(now: MonotonicTime.now() + .seconds(61)) }
            #expect(log.now.events == ["unavailable upstreamUnreachable"])
            release.withLock { $0 = true }
        }
    }

    @Test func idleConnectionsExpire() async throws {
        try await self.world([Self.thrice]) { driver, server in
            let endpoint = self.endpoint(server.port)
            try await driver.adopt(endpoint)
            _ = try await driver.exchange(endpoint)
            try await driver.run { $0.tick(now: MonotonicTime.now() + .seconds(61)) }
            #expect(try await driver.counts() == .init())
            try await eventually { server.ended == 1 }
        }
    }

    @Test func aVanishedEndpointClosesWhenItsExchangeEnds() async throws {
        let slow: [ServerStep] = [.awaitBytes(Self.request + 4), .send(PoolDriver.ok), .hang]
        try await self.world([slow]) { driver, server in
            let endpoint = self.endpoint(server.port)
            try await driver.adopt(endpoint)
            let log = try await driver.start(endpoint, finishes: false)
            try await eventually { log.now.has("acquired") }
            try await driver.adopt()
            _ = try await driver.with(0) { connection in
                connection.write(ByteBuffer(string: "more"))
                connection.flush()
                connection.requestFinished()
            }
            try await eventually { log.now.has("end") }
            try await eventually { server.ended == 1 }
            #expect(try await driver.counts() == .init())
        }
    }

    @Test func closeAllRefusesLaterRequests() async throws {
        try await self.world([Self.thrice]) { driver, server in
            let endpoint = self.endpoint(server.port)
            try await driver.adopt(endpoint)
            _ = try await driver.exchange(endpoint)
            try await driver.run { $0.closeAll() }
            #expect(try await driver.exchange(endpoint).events == ["unavailable draining"])
            try await eventually { server.ended == 1 }
        }
    }

    @Test func aCancelledTicketHearsNothing() async throws {
        try await self.world([[.awaitBytes(Self.request), .hang]]) { driver, server in
            let endpoint = self.endpoint(server.port, max: 1)
            try await driver.adopt(endpoint)
            let first = try await driver.start(endpoint)
            try await eventually { first.now.has("acquired") }
            let second = try await driver.start(endpoint)
            try await driver.cancel(1)
            _ = try await driver.with(0) { $0.abandon() }
            try await eventually { try await driver.counts() == .init() }
            #expect(second.now.events.isEmpty)
            #expect(first.now.events == ["acquired"], "who abandons hears nothing more")
            try await eventually { server.ended == 1 }
        }
    }
}

import GatewayCore
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import GatewayUpstream

@Suite struct NameResolverTests {
    private func onLoop<T: Sendable>(
        _ body: @escaping @Sendable (any EventLoop) -> EventLoopFuture<T>
    ) async throws -> T {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        return try await loop.flatSubmit { body(loop) }.get()
    }

    @Test func addressesNeedNoLookUp() async throws {
        let resolver = NameResolver(threads: 1, now: MonotonicTime.now) { _ in .failure(.init(detail: "asked")) }
        for text in ["127.0.0.1", "::1", "2001:db8::7"] {
            let addresses = try await self.onLoop { resolver.addresses(of: text, on: $0) }
            #expect(addresses == [IPAddress(text)])
        }
    }

    @Test func theSystemKnowsLocalhost() async throws {
        let resolver = NameResolver()
        let addresses = try await self.onLoop { resolver.addresses(of: "localhost", on: $0) }
        let loopback = ["127.0.0.1", "::1"].compactMap { IPAddress($0) }
        #expect(!addresses.isEmpty && addresses.allSatisfy { loopback.contains($0) })
    }

    /// RFC 6761: `.invalid` never exists.
    @Test func anUnknownNameIsAFault() async throws {
        let resolver = NameResolver()
        await #expect(throws: ResolveFault.self) {
            try await self.onLoop { resolver.addresses(of: "penstock.invalid", on: $0) }
        }
    }

    /// Askers on several loops share one look-up, and each is answered on its own loop.
    @Test func lookUpsAreCoalescedOverLoops() async throws {
        let asked = Mutex(0)
        let release = Mutex(false)
        let resolver = NameResolver(threads: 2, now: MonotonicTime.now) { _ in
            asked.withLock { $0 += 1 }
            while !release.withLock({ $0 }) {}
            return .success([IPAddress(ipv4: 0x7f00_0001)])
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
        let futures = (0..<12).map { _ in
            let loop = group.next()
            return loop.flatSubmit {
                resolver.addresses(of: "a.test", on: loop).map { addresses in
                    loop.preconditionInEventLoop()
                    return addresses
                }
            }
        }
        try await eventually { asked.withLock { $0 } == 1 }
        release.withLock { $0 = true }
        for future in futures { #expect(try await future.get() == [IPAddress(ipv4: 0x7f00_0001)]) }
        #expect(asked.withLock { $0 } == 1)
        try await group.shutdownGracefully()
    }
}

import GatewayCore
import GatewayTesting
import Testing

@testable import GatewayUpstream

@Suite struct DeploymentHealthTests {
    private func at(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: 0) + .seconds(seconds) }

    /// Pitfall O-6: nothing is sent before `Retry-After` has passed; afterwards traffic flows without a probe.
    @Test func o6A429KeepsAwayForAsLongAsItSays() {
        var health = DeploymentHealth()
        health.failed(.rateLimited, retryAfter: .seconds(20), at: self.at(100))
        #expect(!health.isUsable(at: self.at(119)))
        #expect(health.isUsable(at: self.at(120)))
        #expect(!health.needsProbe)
        health.succeeded(at: self.at(121))
        #expect(health.state == .healthy)
    }

    /// Answers to requests that were sent before the refusal do not shorten the pause.
    @Test func aSuccessBeforeItsTimeDoesNotEndABackOff() {
        var health = DeploymentHealth()
        health.failed(.rateLimited, retryAfter: .seconds(20), at: self.at(100))
        health.succeeded(at: self.at(101))
        #expect(!health.isUsable(at: self.at(119)))
    }

    @Test func aFurther429NeverMovesTheTimeForward() {
        var health = DeploymentHealth()
        health.failed(.rateLimited, retryAfter: .seconds(20), at: self.at(100))
        health.failed(.rateLimited, retryAfter: .seconds(2), at: self.at(101))
        #expect(health.state == .backingOff(until: self.at(120)))
        health.failed(.rateLimited, retryAfter: .seconds(30), at: self.at(102))
        #expect(health.state == .backingOff(until: self.at(132)))
    }

    /// Pitfall B-19: a 429 without a usable `Retry-After` backs off, longer each time.
    @Test func b19VagueRefusalsDouble() {
        var health = DeploymentHealth()
        var now = self.at(100)
        var pauses: [Int64] = []
        for _ in 0..<9 {
            health.failed(.rateLimited, at: now)
            guard case .backingOff(let until) = health.state else { return #expect(Bool(false), "\(health)") }
            pauses.append((until - now).milliseconds / 1000)
            now = until
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60])
        health.succeeded(at: now)
        health.failed(.rateLimited, at: now)
        #expect(health.state == .backingOff(until: now + .seconds(1)))
    }

    @Test(arguments: [HealthFailure.connection, .serverError, .timeout, .garbage])
    func fiveFailuresInARowEject(failure: HealthFailure) {
        var health = DeploymentHealth()
        for _ in 0..<4 { health.failed(failure, at: self.at(100)) }
        #expect(health.isUsable(at: self.at(100)))
        health.succeeded(at: self.at(100))
        for _ in 0..<4 { health.failed(failure, at: self.at(100)) }
        #expect(health.state == .healthy, "a success in between starts the count again")
        health.failed(failure, at: self.at(100))
        #expect(health.state == .ejected(until: self.at(101)))
        #expect(!health.isUsable(at: self.at(100)))
    }

    /// Half open: one probe at a time, and its failure doubles the pause up to a minute.
    @Test func ejectionsDoubleAndProbesAreSingle() {
        var health = DeploymentHealth()
        var now = self.at(100)
        for _ in 0..<5 { health.failed(.serverError, at: now) }
        var pauses: [Int64] = []
        for _ in 0..<8 {
            guard case .ejected(let until) = health.state else { return #expect(Bool(false), "\(health)") }
            pauses.append((until - now).milliseconds / 1000)
            now = until
            #expect(health.isUsable(at: now) && health.needsProbe)
            health.startProbe(at: now)
            #expect(health.state == .probing(until: now + .seconds(60)))
            #expect(!health.isUsable(at: now + .seconds(1)), "a second probe has to wait")
            health.failed(.timeout, at: now)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60])
        health.startProbe(at: now + .seconds(60))
        health.succeeded(at: now + .seconds(61))
        #expect(health.state == .healthy)
        for _ in 0..<5 { health.failed(.serverError, at: now) }
        #expect(health.state == .ejected(until: now + .seconds(1)), "after a recovery the pauses start anew")
    }

    @Test func aProbeWithoutVerdictBlocksNobodyForEver() {
        var health = DeploymentHealth()
        for _ in 0..<5 { health.failed(.serverError, at: self.at(100)) }
        health.startProbe(at: self.at(101))
        #expect(!health.isUsable(at: self.at(160)))
        #expect(health.isUsable(at: self.at(161)), "the probe is given up after a minute")
        health.startProbe(at: self.at(161))
        health.abandonedProbe(at: self.at(162))
        #expect(health.isUsable(at: self.at(162)))
    }

    /// What older attempts report while it is ejected says nothing new.
    @Test func failuresOfOlderAttemptsDoNotProlongAnEjection() {
        var health = DeploymentHealth()
        for _ in 0..<5 { health.failed(.connection, at: self.at(100)) }
        for _ in 0..<50 { health.failed(.connection, at: self.at(100)) }
        #expect(health.state == .ejected(until: self.at(101)))
    }

    /// DESIGN 13.9: the last candidate is tried all the same; its success heals at once.
    @Test func aSuccessHealsAnEjectedDeployment() {
        var health = DeploymentHealth()
        for _ in 0..<5 { health.failed(.connection, at: self.at(100)) }
        health.succeeded(at: self.at(100))
        #expect(health.state == .healthy)
    }

    /// Whatever happens: it is usable again within the longest pause, and a success after its pause makes it healthy.
    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6]) func walksAlwaysComeBack(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var health = DeploymentHealth()
        var clock = ManualClock()
        let failures: [HealthFailure] = [.connection, .serverError, .timeout, .garbage, .rateLimited]
        for _ in 0..<5000 {
            switch random.int(0...5) {
            case 0: health.succeeded(at: clock.now)
            case 1: health.startProbe(at: clock.now)
            case 2: health.abandonedProbe(at: clock.now)
            default:
                health.failed(
                    failures[random.int(0...4)],
                    retryAfter: random.oneIn(2) ? .seconds(Int64(random.int(1...60))) : nil, at: clock.now)
            }
            clock.advance(by: .milliseconds(Int64(random.int(0...2000))))
            #expect(health.isUsable(at: clock.now + .seconds(60)))
            var later = health
            later.succeeded(at: clock.now + .seconds(60))
            #expect(later.state == .healthy)
        }
    }
}

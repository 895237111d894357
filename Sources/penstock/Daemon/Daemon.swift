import GatewayConfig
import GatewayContract
import GatewayCore
import GatewayHTTP
import GatewayPipeline
import GatewayPolicy
import GatewayTelemetry
import GatewayUpstream
import NIOCore
import Synchronization

/// The running process: its loops, its listeners, and the one place where the configuration is exchanged.
final class Daemon: Sendable {
    let loops: [GatewayLoop]
    let shared: SharedState
    let accessLog: LogWriter
    let log: OperationalLog
    let source: ConfigurationSource
    let listeners: ListenerSet
    /// Shared by every loop's pool; read anew with each configuration.
    let tls: TLSContexts
    private let state: Mutex<ServingState>
    /// One reload at a time; whoever comes later waits and then reads the files as they are by then.
    private let reloading = Mutex<Void>(())
    private let watch = Mutex<FileWatch?>(nil)

    init(
        loops: [GatewayLoop], shared: SharedState, accessLog: LogWriter, log: OperationalLog,
        source: ConfigurationSource, listeners: ListenerSet, tls: TLSContexts, state: ServingState
    ) {
        self.loops = loops
        self.shared = shared
        self.accessLog = accessLog
        self.log = log
        self.source = source
        self.listeners = listeners
        self.tls = tls
        self.state = Mutex(state)
    }

    var serving: ServingState { self.state.withLock { $0 } }

    var health: HealthState {
        var health = self.serving.health
        health.isDraining = self.shared.isDraining
        return health
    }

    /// Reloads when a file of the configuration changes. Called once, at the start.
    func watchFiles() {
        let watch = FileWatch(self.serving.watched) { [weak self] in
            _ = self?.reload(because: "file change")
        }
        if watch == nil { self.log.log(.warning, "files are not watched: reload by SIGHUP or `penstock reload`") }
        self.watch.withLock { $0 = watch }
    }

    func stopWatching() {
        self.watch.withLock { $0?.stop() }
    }

    var gauges: GatewayGauges {
        let serving = self.serving
        return GatewayGauges(
            generation: serving.generation, revision: serving.revision, lastReloadSuccessful: serving.refusal == nil,
            lastReloadAt: serving.changedAt, logLinesDropped: self.accessLog.droppedLines,
            certificates: Self.certificates(serving, at: .now()))
    }

    /// How long the certificates of each listener last; one that is named twice by its shortest time.
    private static func certificates(_ serving: ServingState, at now: WallTime) -> [CertificateExpiry] {
        serving.routing.server.listen.flatMap { listener -> [CertificateExpiry] in
            let specs = listener.tls?.certificates ?? []
            let served = serving.tls[listener.address]?.certificates ?? []
            var left: [String: Int64] = [:]
            for (spec, certificate) in zip(specs, served) {
                let seconds = certificate.notAfter.unixSeconds - now.unixSeconds
                left[spec.chain.path] = min(left[spec.chain.path] ?? .max, seconds)
            }
            return left.map {
                CertificateExpiry(listener: listener.description, certificate: $0.key, secondsLeft: $0.value)
            }
        }
    }

    struct ReloadOutcome: Sendable {
        var isTaken: Bool
        /// For people: what changed, or the problems.
        var text: String
    }

    /// Load everything → validate → compile → bind → swap. On any error the running generation stays. It blocks on the
    /// disk: never called on an event loop.
    func reload(because trigger: String) -> ReloadOutcome {
        self.reloading.withLock { _ in
            let outcome = self.reloadNow(trigger)
            let watched = self.serving.watched
            self.watch.withLock { $0?.update(watched) }
            return outcome
        }
    }

    private func reloadNow(_ trigger: String) -> ReloadOutcome {
        let before = self.serving
        let compilation = Compilation.compile(
            self.source.load(), generation: before.generation + 1, limits: self.shared.limits,
            pepper: self.shared.pepper)
        let warnings = compilation.result.problems.isEmpty ? "" : compilation.result.report()
        guard let routing = compilation.routing else { return self.refuse(compilation.result, warnings, trigger) }
        if routing.revision == before.revision, before.refusal == nil {
            return ReloadOutcome(
                isTaken: true, text: "nothing has changed: generation \(before.generation) serves on\n")
        }
        do {
            try self.listeners.bindMissing(routing.server.listen.map(\.address), tls: compilation.tls)
            try self.accessLog.redirect(to: routing.accessLog.output)
            self.tls.reload()
            for loop in self.loops { try loop.adopt(routing, keys: compilation.keys) }
        } catch {
            self.listeners.keepOnly(before.routing.server.listen.map(\.address))
            return self.refuse(compilation.result, "error: \(error)\n", trigger)
        }
        let secured = self.listeners.secure(compilation.tls)
        self.listeners.keepOnly(routing.server.listen.map(\.address))
        self.apply(routing.server)
        self.state.withLock { state in
            state = ServingState(
                generation: routing.generation, revision: routing.revision, routing: routing,
                desired: compilation.result.desired ?? before.desired,
                watched: compilation.result.watched, keyCount: compilation.keys.count, tls: compilation.tls,
                refusal: nil, changedAt: .now())
        }
        self.log.log(
            .info, "configuration taken",
            ["generation": "\(routing.generation)", "revision": routing.revision, "because": trigger])
        for address in secured {
            self.log.log(
                .info, "new connections get other certificates",
                ["listener": "\(address)", "tls": compilation.tls[address] == nil ? "off" : "on"])
        }
        let restart = compilation.result.desired.map { Self.restartNotes(from: before.desired, to: $0) } ?? ""
        if !restart.isEmpty { Terminal.write(restart, to: .errors) }
        return ReloadOutcome(
            isTaken: true, text: warnings + restart + "generation \(routing.generation) is being served\n")
    }

    func apply(_ server: ServerSettings) {
        self.listeners.limit.setMax(server.limits.connectionsMax)
        self.shared.setInFlightBytesMax(server.limits.inFlightBytesMax)
    }

    private func refuse(_ result: ConfigResult, _ report: String, _ trigger: String) -> ReloadOutcome {
        self.state.withLock { state in
            state.refusal = report
            state.watched = result.watched
            state.changedAt = .now()
        }
        let generation = self.serving.generation
        self.log.log(
            .error, "configuration refused, the one before serves on",
            ["generation": "\(generation)", "because": trigger])
        Terminal.write(report, to: .errors)
        return ReloadOutcome(isTaken: false, text: report + "generation \(generation) serves on\n")
    }

    /// Keys that only a restart can change are reported by name (reference: config 6).
    private static func restartNotes(from before: DesiredState, to after: DesiredState) -> String {
        StateDifference(from: before, to: after).restartKeys
            .map { "note: `\($0)` has changed and needs a restart\n" }.joined()
    }
}

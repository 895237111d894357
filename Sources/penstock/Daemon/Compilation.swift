import FoundationEssentials
import GatewayConfig
import GatewayContract
import GatewayCore
import GatewayHTTP
import GatewayPolicy
import GatewayUpstream
import Glibc

/// Files to a snapshot that can be served, or to every problem in them.
struct Compilation {
    /// `nil` as soon as there is one error.
    var routing: RoutingSnapshot?
    var keys: KeyTable
    /// TLS of the listeners that have it.
    var tls: [ListenAddress: ServerTLS] = [:]
    /// With the compiler's problems added.
    var result: ConfigResult

    /// - Parameters:
    ///   - result: what the loader made of the files.
    ///   - limits: the process's slab; a throw-away one for `check`.
    ///   - pepper: for a configuration without one.
    static func compile(
        _ result: ConfigResult, generation: UInt64, limits: LimitSlab, pepper: [UInt8]
    ) -> Compilation {
        guard let state = result.desired ?? result.checkable else {
            return Compilation(routing: nil, keys: .empty, result: result)
        }
        var found: [CompileProblem] = []
        var routing: RoutingSnapshot?
        var keys = KeyTable.empty
        switch SnapshotCompiler.compile(state, generation: generation, limits: limits, created: .now()) {
        case .success(let snapshot):
            routing = snapshot
            found += snapshot.warnings
        case .failure(let problems): found += problems.list
        }
        let pepper = state.server.keyPepper.map { Array($0.revealed.utf8) } ?? pepper
        switch KeyTable.compile(state.keys, pepper: pepper, limits: limits) {
        case .success(let table): keys = table
        case .failure(let problems): found += problems.list
        }
        let listeners = ListenerCompilation.compile(state, at: .now())
        let all = result.adding(
            found.map { Self.problem($0, in: state) } + Self.trustProblems(state) + listeners.problems)
        return Compilation(routing: all.hasErrors ? nil : routing, keys: keys, tls: listeners.tls, result: all)
    }

    private static func problem(_ problem: CompileProblem, in state: DesiredState) -> Problem {
        Problem(
            code: problem.code, message: problem.message, origin: problem.origin, other: problem.other,
            suggestion: problem.suggestion,
            suggestionOrigin: problem.suggestion.flatMap { Self.origin(of: $0, in: state) },
            help: problem.help, isWarning: problem.isWarning)
    }

    private static func origin(of name: String, in state: DesiredState) -> Origin? {
        state.deployments.first { $0.name.text == name }?.origin ?? state.models.first { $0.name.text == name }?.origin
            ?? state.providers.first { $0.name.text == name }?.origin
    }

    /// Certificate files are read before the swap, not when the first request needs them.
    private static func trustProblems(_ state: DesiredState) -> [Problem] {
        state.providers.compactMap { provider in
            guard let file = provider.caFile, let fault = TLSContexts.problem(caFile: file) else { return nil }
            return Problem(
                "E2116", "the certificate authorities of provider `\(provider.name)` cannot be used: \(fault.detail)",
                at: provider.origin, help: "name a PEM file with at least one certificate in `ca_file`")
        }
    }
}

/// Where the configuration of a command comes from.
struct ConfigurationSource: Sendable {
    /// As given; `nil`: `gateway.yaml` if there is one, else made up from the environment.
    var path: String?

    static let defaultPath = "gateway.yaml"

    /// False when none was named and there is none in the working folder.
    var exists: Bool { self.path != nil || access(Self.defaultPath, F_OK) == 0 }

    func load() -> ConfigResult {
        let loader = ConfigLoader(environment: ProcessInfo.processInfo.environment, digest: Digest.sha256)
        return loader.load(path: self.path ?? Self.defaultPath)
    }

    /// The start without a file: a configuration made up from the environment; the equivalent file is printed.
    func loadOrMakeUp() -> (result: ConfigResult, isMadeUp: Bool) {
        guard !self.exists else { return (self.load(), false) }
        let key = KeyText.random()?.revealed ?? ""
        let madeUp = ConfigLoader.madeUp(
            environment: ProcessInfo.processInfo.environment, developmentKey: key, digest: Digest.sha256)
        let isOwnKey = ProcessInfo.processInfo.environment["PENSTOCK_DEV_KEY"]?.isEmpty ?? true
        let keyText = isOwnKey ? "The key `dev` of this run is \(key)\n\n" : ""
        Terminal.write(
            "There is no \(Self.defaultPath): this is what is served. Save it to change it.\n\n"
                + "\(madeUp.yaml)\n\(keyText)",
            to: .errors)
        return (madeUp.result, true)
    }

    /// The folder of run-time files: `data/` beside the configuration (reference: config 2).
    var dataFolder: String {
        let path = self.path ?? Self.defaultPath
        guard let slash = path.lastIndex(of: "/") else { return "data" }
        return String(path[..<slash]) + "/data"
    }
}

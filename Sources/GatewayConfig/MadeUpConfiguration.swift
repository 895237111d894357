import GatewayContract
import GatewayCore

/// The configuration of a start without any file, and the file that says the same.
public struct MadeUpConfiguration: Sendable {
    /// What a `gateway.yaml` would have to say. No credential stands in it.
    public var yaml: String
    /// That text, loaded. Nothing is watched.
    public var result: ConfigResult
}

extension ConfigLoader {
    /// Providers whose variables are set, each behind a prefix, and `echo`.
    private static let known = [
        ("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY"), ("gemini", "GEMINI_API_KEY"),
    ]
    private static let keyVariable = "PENSTOCK_DEV_KEY"

    /// The start without a file: `openai/*`, `anthropic/*` and `gemini/*` for the accounts whose variables are set,
    /// `echo/*`
    /// always, and one key, `dev`.
    ///
    /// - Parameters:
    ///   - developmentKey: the secret of `dev` when `PENSTOCK_DEV_KEY` is not set. The caller makes it up and prints
    /// it.
    ///   - digest: as for a loader.
    public static func madeUp(
        environment: [String: String], developmentKey: String, digest: @escaping ContentDigest
    ) -> MadeUpConfiguration {
        var environment = environment
        if environment[self.keyVariable]?.isEmpty ?? true { environment[self.keyVariable] = developmentKey }
        let accounts = self.known.filter { !(environment[$0.1]?.isEmpty ?? true) }
        var yaml = "version: 1\nlisten: 127.0.0.1:8080\n"
        if !accounts.isEmpty {
            yaml += "providers:\n"
            for (name, variable) in accounts { yaml += "  \(name): { api_key: \"${\(variable)}\" }\n" }
        }
        yaml += "models:\n"
        for name in accounts.map(\.0) + ["echo"] { yaml += "  \"\(name)/*\": { passthrough: \(name) }\n" }
        yaml += "keys:\n  - { name: dev, secret: \"${\(self.keyVariable)}\" }\n"
        let file = "(made up)"
        let loader = ConfigLoader(environment: environment, digest: digest, fileSystem: MemoryFiles([file: yaml]))
        var result = loader.load(path: file)
        // There is nothing to watch.
        result.watched = WatchedSet()
        return MadeUpConfiguration(yaml: yaml, result: result)
    }
}

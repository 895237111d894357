import ArgumentParser
import FoundationEssentials
import Glibc

/// The `penstock` executable. Exit codes: 0 done, 1 errors in the configuration or a daemon that cannot start,
/// 2 differences (`diff`), 3 wrong usage.
@main
struct Penstock: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "penstock",
        abstract: "An AI API gateway: one daemon between your applications and the model providers.",
        version: PenstockVersion.text,
        subcommands: [
            ServeCommand.self, CheckCommand.self, DiffCommand.self, ShowCommand.self, ReloadCommand.self,
            RoutesCommand.self, KeysCommand.self, SchemaCommand.self, VersionCommand.self,
        ])

    /// Synchronous on purpose: signals are waited for on the main thread.
    static func main() {
        do {
            var command = try Penstock.parseAsRoot()
            try command.run()
        } catch {
            let code = Penstock.exitCode(for: error)
            let message = Penstock.fullMessage(for: error)
            if !message.isEmpty { Terminal.write(message + "\n", to: code.isSuccess ? .output : .errors) }
            Glibc.exit(code == .validationFailure ? 3 : code.rawValue)
        }
    }
}

enum PenstockVersion {
    static let text = "0.1.0"
}

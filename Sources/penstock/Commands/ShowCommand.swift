import ArgumentParser
import GatewayConfig

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print the configuration as it is understood, secrets redacted.")

    @OptionGroup var options: ConfigOption

    @Flag(help: "With every default and every short form written out (there is no other form yet).")
    var resolved = false

    func run() throws {
        let (compilation, _) = try self.options.compile()
        guard let state = compilation.result.desired else { throw ExitCode(1) }
        Terminal.write(ResolvedRendering.yaml(state))
    }
}

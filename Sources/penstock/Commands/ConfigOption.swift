import ArgumentParser
import GatewayConfig
import GatewayCore
import GatewayPolicy

/// `--config FILE`, the same for every command.
struct ConfigOption: ParsableArguments {
    @Option(name: .shortAndLong, help: "The configuration file (default: gateway.yaml).")
    var config: String?

    var source: ConfigurationSource { ConfigurationSource(path: self.config) }

    /// Loads and compiles with throw-away limits; prints the problems and ends the command when there are errors.
    func compile() throws -> (Compilation, RoutingSnapshot) {
        let compilation = Compilation.compile(
            self.source.load(), generation: 0, limits: LimitSlab(), pepper: Array(repeating: 0, count: 32))
        guard let routing = compilation.routing else {
            Terminal.write(compilation.result.report(.text, colour: Terminal.wantsColour(.errors)), to: .errors)
            throw ExitCode(1)
        }
        return (compilation, routing)
    }
}

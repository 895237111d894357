import ArgumentParser
import GatewayConfig
import GatewayPolicy

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Validate the whole configuration. Exit code 0 without errors, else 1.")

    @OptionGroup var options: ConfigOption

    @Option(help: "text, json, sarif or github.")
    var format: ProblemReport.Format = .text

    @Option(help: "Print the long text of a problem's code, such as E2103.")
    var explain: String?

    func run() throws {
        if let code = self.explain { return try self.printExplanation(of: code) }
        let compilation = Compilation.compile(
            self.options.source.load(), generation: 0, limits: LimitSlab(), pepper: Array(repeating: 0, count: 32))
        let report = compilation.result.report(
            self.format, colour: self.format == .text && Terminal.wantsColour(.output))
        Terminal.write(report)
        guard let routing = compilation.routing else { throw ExitCode(1) }
        if self.format == .text {
            Terminal.write(
                "ok: \(routing.providers.count) providers, \(routing.models.count) models, "
                    + "\(compilation.keys.count) keys, \(routing.routes.routes.count) routes\n")
        }
    }

    private func printExplanation(of code: String) throws {
        guard let text = ProblemCatalog.explanation(of: code) else {
            throw ValidationError("there is no problem with the code `\(code)`")
        }
        Terminal.write(text.hasSuffix("\n") ? text : text + "\n")
    }
}

extension ProblemReport.Format: ExpressibleByArgument {}

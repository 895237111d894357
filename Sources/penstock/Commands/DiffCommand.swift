import ArgumentParser
import GatewayConfig
import GatewayContract
import GatewayCore
import GatewayPolicy

struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "What another configuration would change. Exit code 2 when something would.")

    @Argument(help: "The configuration to compare with.")
    var old: String

    @Argument(help: "The configuration that would be taken.")
    var new: String

    func run() throws {
        let difference = StateDifference(from: try Self.state(of: self.old), to: try Self.state(of: self.new))
        if difference.isEmpty { return Terminal.write("no differences\n") }
        Terminal.write(difference.text)
        throw ExitCode(2)
    }

    private static func state(of path: String) throws -> DesiredState {
        var options = ConfigOption()
        options.config = path
        guard let state = try options.compile().0.result.desired else { throw ExitCode(1) }
        return state
    }
}

import ArgumentParser
import GatewayConfig

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of the configuration, for editors.")

    @Flag(help: "The schema of a route file instead.")
    var route = false

    func run() {
        Terminal.write(self.route ? ConfigSchema.route : ConfigSchema.gateway)
    }
}

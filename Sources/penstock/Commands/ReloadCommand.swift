import ArgumentParser

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Make the running daemon read its configuration again.")

    @OptionGroup var options: ConfigOption

    func run() throws {
        let answer: (status: Int, body: String)
        do {
            answer = try ControlSocket.post("/reload", to: ControlSocket.path(in: self.options.source.dataFolder))
        } catch {
            Terminal.write("penstock: \(error)\n", to: .errors)
            throw ExitCode(1)
        }
        Terminal.write(answer.body, to: answer.status == 200 ? .output : .errors)
        if answer.status != 200 { throw ExitCode(1) }
    }
}

import ArgumentParser
import GatewayConfig
import GatewayContract
import GatewayCore
import GatewayTelemetry
import Glibc

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the daemon until SIGTERM or SIGINT; SIGHUP reloads.")

    @OptionGroup var options: ConfigOption

    func run() throws {
        let started = MonotonicTime.now()
        Signals.block()
        Signals.raiseFileLimit()
        let logWriter = try LogWriter(output: .stderr)
        let source = self.options.source
        let (result, isMadeUp) = source.loadOrMakeUp()
        let daemon: Daemon
        do {
            daemon = try Assembly.start(source, result, log: OperationalLog(writer: logWriter))
        } catch {
            Terminal.write("penstock: \(error)\n", to: .errors)
            throw ExitCode(1)
        }
        if !isMadeUp { daemon.watchFiles() }
        let name = isMadeUp ? "made up from the environment" : source.path ?? ConfigurationSource.defaultPath
        Terminal.write(StartupText.render(daemon, started: started, configuration: name), to: .errors)
        self.serve(daemon)
        daemon.stopWatching()
        _ = daemon.accessLog.close(within: .seconds(2))
        _ = logWriter.close(within: .seconds(1))
    }

    private func serve(_ daemon: Daemon) {
        while Signals.wait() == .hangUp {
            _ = daemon.reload(because: "SIGHUP")
            daemon.accessLog.reopen()
        }
        Self.endAtOnceOnSecondSignal()
        daemon.drain()
    }

    /// Who asks twice does not want to wait.
    private static func endAtOnceOnSecondSignal() {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { _ in
                while Signals.wait() == .hangUp {}
                _exit(1)
            }, nil)
    }
}

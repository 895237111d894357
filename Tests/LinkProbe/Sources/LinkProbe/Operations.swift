import Logging
import Metrics
import ServiceLifecycle
import Tracing

/// One call into each library of operations.
enum Operations {
    private struct Brief: Service {
        func run() async throws {}
    }

    static func lifecycle() async throws -> String {
        let logger = Logger(label: "link-probe") { _ in SwiftLogNoOpLogHandler() }
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: Brief(), successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger))
        try await group.run()
        return "ran a service"
    }

    static func log() -> String {
        var logger = Logger(label: "link-probe") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .debug
        logger.debug("probe")
        return logger.label
    }

    static func metrics() -> String {
        let counter = Counter(label: "probe")
        counter.increment()
        return counter.label
    }

    static func tracing() -> String {
        withSpan("probe") { span in "span is recording: \(span.isRecording)" }
    }
}

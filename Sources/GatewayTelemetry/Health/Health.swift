/// An answer of a health endpoint.
public struct HealthAnswer: Sendable, Equatable {
    /// HTTP status: 200 or 503.
    public var status: Int
    /// One JSON object and a line feed.
    public var body: [UInt8]
}

/// What readiness depends on.
public struct HealthState: Sendable {
    /// Of the configuration that is being served; `nil` until there is one.
    public var generation: UInt64?
    /// The hash that names the configuration that is being served.
    public var revision: String
    /// What was wrong with the configuration offered last, when it was refused; its first line is shown.
    public var configProblem: String?
    /// No new work is taken: other instances should get it.
    public var isDraining: Bool

    /// Made anew for every request, by the admin listener.
    public init(generation: UInt64?, revision: String, configProblem: String? = nil, isDraining: Bool = false) {
        self.generation = generation
        self.revision = revision
        self.configProblem = configProblem
        self.isDraining = isDraining
    }
}

/// `/health/live` and `/health/ready` as pure functions of state.
public enum Health {
    /// The `Content-Type` of both answers.
    public static let contentType = "application/json"
    private static let textBytesMax = 512

    /// Whether the process answers at all; a restart is the cure when it does not. Says nothing of its dependencies.
    public static func live() -> HealthAnswer {
        .init(status: 200, body: Array("{\"status\":\"live\"}\n".utf8))
    }

    /// Whether this instance should get traffic: 503 before the first configuration and while draining.
    ///
    /// A refused reload leaves it ready, because the configuration before goes on being served, and shows as `stale`.
    public static func ready(_ state: HealthState) -> HealthAnswer {
        let isReady = state.generation != nil && !state.isDraining
        let problem = state.configProblem?.split(separator: "\n", maxSplits: 1).first.map(String.init)
        var line = LineBuffer(capacity: 512)
        line.beginLine()
        if isReady {
            line.literal("{\"status\":\"ready\",\"generation\":")
        } else if state.isDraining {
            line.literal("{\"status\":\"draining\",\"generation\":")
        } else {
            line.literal("{\"status\":\"starting\",\"generation\":")
        }
        line.decimal(state.generation ?? 0)
        line.literal(",\"revision\":")
        line.quoted(state.revision, bytesMax: Self.textBytesMax)
        if state.configProblem != nil {
            line.literal(",\"config\":\"stale\",\"config_problem\":")
            line.quoted(problem ?? "", bytesMax: Self.textBytesMax)
        } else {
            line.literal(",\"config\":\"ok\"")
        }
        line.literal(state.isDraining ? ",\"draining\":true}" : ",\"draining\":false}")
        line.endLine()
        return .init(status: isReady ? 200 : 503, body: line.bytes)
    }
}

import GatewayCore
import GatewayUpstream

/// One try at one target.
struct Attempt {
    let target: Target
    var startedAt: MonotonicTime
    /// When the request was written; the answer's timeouts count from here.
    var sentAt: MonotonicTime?
    var headAt: MonotonicTime?
    /// Its connection came from the pool: if that was stale, a fresh one is tried silently.
    var isReused = false
    var isFresh = false
    /// It tells whether an ejected deployment has recovered.
    var isProbe = false
    var status = 0
}

/// What answers: a connection to a provider, the built-in `echo`, or nothing (yet).
enum UpstreamCall {
    case none
    case waiting(UpstreamTicket)
    case connection(UpstreamConnection)
    case echo(EchoBackend)

    func pause() {
        switch self {
        case .connection(let connection): connection.pauseReading()
        case .echo(let echo): echo.pause()
        case .none, .waiting: break
        }
    }

    func resume() {
        switch self {
        case .connection(let connection): connection.resumeReading()
        case .echo(let echo): echo.resume()
        case .none, .waiting: break
        }
    }
}

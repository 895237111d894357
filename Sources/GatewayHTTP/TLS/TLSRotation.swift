import Synchronization

/// What the connections to come of one listener are served with, over the reloads of the configuration.
///
/// Equal settings keep what there is, and with it the sessions that clients may resume. A configuration with faults
/// never comes here: it is refused whole, and what was taken last serves on.
struct TLSRotation: Sendable {
    enum Change: Equatable, Sendable {
        /// Nothing is different for a client.
        case none
        /// Connections from now on get the other certificates, or TLS, or none.
        case exchanged
    }

    /// `nil`: HTTP in the clear.
    private(set) var current: ServerTLS?

    init(_ first: ServerTLS?) {
        self.current = first
    }

    mutating func take(_ next: ServerTLS?) -> Change {
        guard next?.settings != self.current?.settings else { return .none }
        self.current = next
        return .exchanged
    }
}

/// A listener's rotation, shared by the loop that accepts and the thread that reloads.
final class ListenerSecurity: Sendable {
    private let rotation: Mutex<TLSRotation>

    init(_ first: ServerTLS?) {
        self.rotation = Mutex(TLSRotation(first))
    }

    /// Read once per connection, when it is accepted.
    var current: ServerTLS? { self.rotation.withLock { $0.current } }

    func take(_ next: ServerTLS?) -> TLSRotation.Change { self.rotation.withLock { $0.take(next) } }
}

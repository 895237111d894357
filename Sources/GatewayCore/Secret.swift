/// A credential. It prints as `•••` wherever it is interpolated, logged or dumped, and has no `Codable`.
///
/// Read it only where it is put on the wire or hashed.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    /// - Parameter text: the bare credential, without a scheme such as `Bearer`. Not checked: it may be empty.
    public init(_ text: String) {
        self.text = text
    }

    /// The credential itself. Each caller is a place where it may leak: keep them few.
    public var revealed: String { self.text }

    /// Tells an empty credential from a real one without revealing either.
    public var isEmpty: Bool { self.text.isEmpty }

    public var description: String { "•••" }
    public var debugDescription: String { "•••" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

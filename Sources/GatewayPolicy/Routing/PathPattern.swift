import GatewayContract

/// A path as configured or built in: all of it, or with the name of a model inside.
struct PathPattern: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// The whole path is `prefix`.
        case exact
        /// One safe segment between `prefix` and `suffix`, which begins with `:`.
        case modelSegment
        /// Everything after `prefix`, slashes included; at least one byte.
        case rest
    }

    let kind: Kind
    let prefix: [UInt8]
    let suffix: [UInt8]

    static let placeholder = "{model}"

    /// - Returns: `nil` when `path` is none that the endpoint can have; `flaw` says why.
    init?(_ path: String, for endpoint: Endpoint) {
        guard Self.flaw(of: path, for: endpoint) == nil else { return nil }
        let parts = Self.split(path)
        self.prefix = Array(parts[0].utf8)
        self.suffix = parts.count > 1 ? Array(parts[1].utf8) : []
        self.kind = parts.count == 1 ? .exact : self.suffix.isEmpty ? .rest : .modelSegment
    }

    /// Why a configured path cannot be used. Paths are compared byte for byte, so that only what a client can send
    /// in one way is accepted: no percent sign, no empty and no dot segment.
    static func flaw(of path: String, for endpoint: Endpoint) -> String? {
        let parts = Self.split(path)
        guard path.utf8.first == UInt8(ascii: "/") else { return "does not begin with `/`" }
        guard parts.count <= 2 else { return "names `\(Self.placeholder)` more than once" }
        let text = parts.joined()
        guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !Self.unusable.contains($0) }) else {
            return "holds a byte that a path here may not have"
        }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard !segments.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
            return "has an empty segment or a dot segment"
        }
        return Self.placeholderFlaw(parts, endpoint)
    }

    private static func placeholderFlaw(_ parts: [String], _ endpoint: Endpoint) -> String? {
        switch (endpoint.shape, endpoint) {
        case (.jsonModelInPath, _):
            guard parts.count == 2, parts[0].hasSuffix("/"), parts[1].utf8.count > 1, parts[1].hasPrefix(":"),
                !parts[1].contains("/")
            else { return "needs one segment `\(Self.placeholder):verb`" }
        case (_, .modelGet):
            guard parts.count == 2, parts[0].hasSuffix("/"), parts[1].isEmpty else {
                return "needs `\(Self.placeholder)` as its last segment"
            }
        default:
            guard parts.count == 1 else { return "may not hold `\(Self.placeholder)`: the model stands in the body" }
        }
        return nil
    }

    /// Quotes, angle brackets and the like have no place in a URI; the rest has a meaning of its own.
    private static let unusable = Set("%?#\\{}<>\"^`|".utf8)

    private static func split(_ path: String) -> [String] {
        var parts: [String] = []
        var part: [UInt8] = []
        var rest = Array(path.utf8)[...]
        let placeholder = Array(Self.placeholder.utf8)
        while let byte = rest.first {
            if rest.starts(with: placeholder) {
                parts.append(String(decoding: part, as: UTF8.self))
                part = []
                rest = rest.dropFirst(placeholder.count)
            } else {
                part.append(byte)
                rest = rest.dropFirst()
            }
        }
        return parts + [String(decoding: part, as: UTF8.self)]
    }

    enum Match {
        case no
        /// The verb is ours, but what stands before it is no name of a model.
        case unsafeModel
        case model(Range<Int>)
    }

    /// For the kinds that have a model.
    func match(_ path: UnsafeRawBufferPointer) -> Match {
        let end = path.count - self.suffix.count
        guard end >= self.prefix.count, Self.holds(path, self.prefix, at: 0) else { return .no }
        guard Self.holds(path, self.suffix, at: end) else { return .no }
        let model = self.prefix.count..<end
        if self.kind == .rest { return model.isEmpty ? .no : .model(model) }
        return Self.isSafeSegment(path, model) ? .model(model) : .unsafeModel
    }

    private static func holds(_ path: UnsafeRawBufferPointer, _ bytes: [UInt8], at start: Int) -> Bool {
        bytes.withUnsafeBytes { bytes in
            for offset in 0..<bytes.count where path[start + offset] != bytes[offset] { return false }
            return true
        }
    }

    /// One segment that means the same to everybody who reads the path: no separator, escape, dot segment, white space
    /// or control byte, and nothing beyond ASCII.
    static func isSafeSegment(_ path: UnsafeRawBufferPointer, _ place: Range<Int>) -> Bool {
        guard !place.isEmpty else { return false }
        var previous: UInt8 = 0
        for index in place {
            let byte = path[index]
            switch byte {
            case UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "%"), UInt8(ascii: "?"), UInt8(ascii: "#"):
                return false
            case UInt8(ascii: ".") where previous == byte:
                return false
            case 0x21...0x7e:
                previous = byte
            default:
                return false
            }
        }
        return !(place.count == 1 && path[place.lowerBound] == UInt8(ascii: "."))
    }
}

/// Which of a listener's certificates a client gets, by the name that it asks for (SNI, RFC 6066 section 3).
///
/// A certificate with exactly the name comes before one with a wildcard, and of equal ones the first. `*` stands for
/// exactly one label, the first, and only before two or more others (RFC 9525 section 6.3). A look-up is two hashes.
public struct CertificateStore: Sendable {
    private var exact: [String: Int] = [:]
    /// By what stands behind `*.`.
    private var wildcards: [String: Int] = [:]
    private let count: Int

    /// - Parameter names: of each certificate, in their order.
    public init(_ names: [[String]]) {
        self.count = names.count
        for (place, names) in names.enumerated() {
            for name in names.map(Self.normal) where !name.isEmpty {
                guard name.hasPrefix("*.") else {
                    self.exact[name] = self.exact[name] ?? place
                    continue
                }
                let base = String(name.dropFirst(2))
                guard base.contains("."), !base.contains("*"), !base.hasPrefix(".") else { continue }
                self.wildcards[base] = self.wildcards[base] ?? place
            }
        }
    }

    /// The place of the certificate for a name; `nil`: none is for it.
    public func place(for name: String) -> Int? {
        let name = Self.normal(name)
        if let place = self.exact[name] { return place }
        guard let dot = name.firstIndex(of: "."), dot > name.startIndex else { return nil }
        return self.wildcards[String(name[name.index(after: dot)...])]
    }

    /// Places but the first one, which is for every other name, that no name leads to.
    public var unreachable: [Int] {
        let reached = Set(self.exact.values).union(self.wildcards.values)
        return (0..<self.count).dropFirst().filter { !reached.contains($0) }
    }

    /// Lower case (ASCII only: names in certificates and SNI are A-labels), without a final dot.
    static func normal(_ name: String) -> String {
        let lower = name.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
        return String(decoding: lower.last == UInt8(ascii: ".") ? lower.dropLast() : lower[...], as: UTF8.self)
    }
}

import GatewayCore

/// Resolves the names that clients send. Byte for byte: never trimmed, case-folded or normalised.
public struct ModelTable: Sendable {
    private let exact: ByteTable
    /// From a place in `exact` to one in `models`.
    private let exactModels: [Int]
    private let wildcards: [Wildcard]

    private struct Wildcard: Sendable {
        let prefix: [UInt8]
        let model: Int
    }

    /// - Parameter names: by place in the snapshot's `models`, all different; one that ends in `*` is a wildcard.
    init(_ names: [ModelName]) {
        var exact: [[UInt8]] = []
        var exactModels: [Int] = []
        var wildcards: [Wildcard] = []
        for (index, name) in names.enumerated() {
            if name.isWildcard {
                wildcards.append(Wildcard(prefix: Array(name.text.utf8.dropLast()), model: index))
            } else {
                exact.append(Array(name.text.utf8))
                exactModels.append(index)
            }
        }
        self.exact = ByteTable(exact)
        self.exactModels = exactModels
        self.wildcards = wildcards.sorted { $0.prefix.count > $1.prefix.count }
    }

    /// The place in the snapshot's `models`: the exact name, else the wildcard with the longest prefix that leaves at
    /// least one byte. `nil`: 404 `model_not_found`. No allocation.
    public func find(_ name: UnsafeRawBufferPointer) -> Int? {
        if let place = self.exact.find(name) { return self.exactModels[place] }
        for wildcard in self.wildcards
        where name.count > wildcard.prefix.count && name.prefix(wildcard.prefix.count).elementsEqual(wildcard.prefix) {
            return wildcard.model
        }
        return nil
    }

    /// The same for a name from the configuration: resolves what routes and keys refer to. May copy the text.
    public func find(_ name: ModelName) -> Int? {
        var text = name.text
        return text.withUTF8 { self.find(UnsafeRawBufferPointer($0)) }
    }
}

extension Name<ModelKind> {
    var isWildcard: Bool { self.text.utf8.last == UInt8(ascii: "*") }
}

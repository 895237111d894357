import GatewayContract
import GatewayCore
import Glibc
import Testing

@testable import GatewayPolicy

/// Prints what keys cost; asserts nothing about time. `PENSTOCK_KEYS=100000` for the figures of docs/performance.md,
/// with optimization: `swift test -c release -Xswiftc -enable-testing --filter KeyTableScaleTests`.
struct KeyTableScaleTests {
    private static let count = getenv("PENSTOCK_KEYS").flatMap { Int(String(cString: $0)) } ?? 5000

    private func nanoseconds(_ count: Int, _ body: (Int) -> Void) -> Int64 {
        let start = MonotonicTime.now()
        for index in 0..<count { body(index) }
        return (MonotonicTime.now() - start).nanoseconds / Int64(count)
    }

    /// Of the whole process, other tests included: of use only where this one runs alone.
    private static func residentKiB() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4 : 0
    }

    @Test func manyKeys() throws {
        let secrets = try (0..<Self.count).map { _ in try #require(KeyText.random()) }
        let before = Self.residentKiB()
        let keys = secrets.enumerated().map { KeySpec(name: KeyName("key-\($0)"), secret: $1) }
        let specs = Self.residentKiB()
        let table = try KeyTable.compile(keys, pepper: [1, 2, 3], limits: LimitSlab(capacity: 1)).get()
        let after = Self.residentKiB()

        // In an order that no cache foresees.
        let order = (0..<Self.count).map { $0 &* 7919 % Self.count }
        let texts = secrets.map { Array($0.revealed.utf8) }
        let hasher = table.makeHasher()
        var found = 0
        let all = self.nanoseconds(Self.count) { index in
            texts[order[index]].withUnsafeBytes { bytes in
                if case .found(let match) = table.match(bytes, hasher), match.grant.index == order[index] { found += 1 }
            }
        }
        var written = 0
        let hash = self.nanoseconds(Self.count) { index in
            texts[order[index]].withUnsafeBytes { written += hasher.digest(of: $0).isNone ? 0 : 1 }
        }
        #expect(found == Self.count && written == Self.count)
        print(
            "keys: \(Self.count); table \(after - specs) KiB, specs \(specs - before) KiB; "
                + "look-up \(all - hash) ns without the hash, hash \(hash) ns")
    }
}

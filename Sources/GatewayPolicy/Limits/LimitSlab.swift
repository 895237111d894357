import GatewayContract
import GatewayCore
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What a limit counts for.
public enum LimitScope: UInt8, CaseIterable, Sendable {
    /// All requests with one key.
    case key
    /// All requests to one configured model.
    case model

    /// For logs and messages.
    public var text: String {
        switch self {
        case .key: "key"
        case .model: "model"
        }
    }
}

/// The counters of every limit of the process, shared by all loops: one preallocated block of 64-bit atomics.
///
/// A scope that has limits owns three neighbouring cells (requests, tokens, concurrency), found by its name when a
/// snapshot is compiled. A name keeps its cells for as long as the process runs, so that neither an edit nor a removal
/// and return resets what was used (pitfall B-17). The path of a request only reads and writes cells: no lock there.
///
/// SAFETY: `cells` points to memory that lives as long as the slab, is written only through `Atomic`, and is indexed
/// only by what `claim` handed out; the registry is behind a mutex.
public final class LimitSlab: @unchecked Sendable {
    static let cellsPerScope = 3

    /// Scopes that can ever be named.
    public let capacity: Int
    private let cells: UnsafeMutablePointer<Atomic<Int64>>
    private let registry = Mutex(Registry())

    private struct Registry {
        var keys: [KeyName: Int32] = [:]
        var models: [ModelName: Int32] = [:]
        var used: Int32 = 0
    }

    /// - Parameter capacity: scopes, 1 to 16,777,216. Each takes 24 bytes of address space, and memory only once used.
    public init(capacity: Int = 350_000) {
        let scopes = min(max(capacity, 1), 1 << 24)
        let count = scopes * Self.cellsPerScope
        let stride = MemoryLayout<Atomic<Int64>>.stride
        // The second form ends the process when there is no memory, which only happens at the start.
        let memory = calloc(count, stride) ?? .allocate(byteCount: count * stride, alignment: stride)
        // Zeroed memory is `Atomic(0)`: the theoretical arrival time of a full bucket, an empty gate.
        self.cells = memory.bindMemory(to: Atomic<Int64>.self, capacity: count)
        self.capacity = scopes
    }

    deinit {
        free(self.cells)
    }

    /// Scopes that have cells.
    public var usedCount: Int { self.registry.withLock { Int($0.used) } }

    /// The cells of a key's limits: the same ones for the same name. Only while compiling: takes a lock.
    /// - Returns: `nil` when the slab is exhausted; no cells at all for limits that are empty.
    public func cells(for limits: LimitSpec, ofKey name: KeyName) -> LimitCells? {
        guard !limits.isEmpty else { return LimitCells.none }
        let base = self.registry.withLock { registry in
            self.claim(&registry.keys[name], &registry.used)
        }
        return base.map { LimitCells(scope: .key, base: $0, limits: limits) }
    }

    /// As `cells(for:ofKey:)`, for a model.
    public func cells(for limits: LimitSpec, ofModel name: ModelName) -> LimitCells? {
        guard !limits.isEmpty else { return LimitCells.none }
        let base = self.registry.withLock { registry in
            self.claim(&registry.models[name], &registry.used)
        }
        return base.map { LimitCells(scope: .model, base: $0, limits: limits) }
    }

    private func claim(_ entry: inout Int32?, _ used: inout Int32) -> Int32? {
        if let entry { return entry }
        guard Int(used) < self.capacity else { return nil }
        let base = used * Int32(Self.cellsPerScope)
        used += 1
        entry = base
        return base
    }

    /// Counters publish nothing but themselves, so every access is relaxed.
    @inline(__always)
    func load(_ cell: Int32) -> Int64 {
        self.cells[Int(cell)].load(ordering: .relaxed)
    }

    /// - Returns: `nil` when the cell held `expected` and now holds `desired`; otherwise what it holds.
    @inline(__always)
    func replace(_ cell: Int32, expected: Int64, desired: Int64) -> Int64? {
        let (exchanged, original) = self.cells[Int(cell)].weakCompareExchange(
            expected: expected, desired: desired, ordering: .relaxed)
        return exchanged ? nil : original
    }

    @inline(__always)
    func subtract(_ cell: Int32, _ amount: Int64) {
        self.cells[Int(cell)].wrappingSubtract(amount, ordering: .relaxed)
    }
}

/// The limits of one scope and where their counters are: 20 bytes, copied into grants and models.
public struct LimitCells: Sendable, Hashable {
    let base: Int32
    private let requestsPerMinute: UInt32
    private let tokensPerMinute: UInt32
    private let concurrencyMax: UInt32
    /// Whose limits they are.
    public let scope: LimitScope

    /// No limit of any kind.
    public static var none: LimitCells { LimitCells() }

    private init() {
        self.scope = .key
        self.base = 0
        self.requestsPerMinute = 0
        self.tokensPerMinute = 0
        self.concurrencyMax = 0
    }

    /// Numbers beyond 1 to 1,000,000,000 are brought to the nearer end; the compiler has refused them before.
    init(scope: LimitScope, base: Int32, limits: LimitSpec) {
        func bounded(_ number: Int?) -> UInt32 { number.map { UInt32(min(max($0, 1), 1_000_000_000)) } ?? 0 }
        self.scope = scope
        self.base = base
        self.requestsPerMinute = bounded(limits.requestsPerMinute)
        self.tokensPerMinute = bounded(limits.tokensPerMinute)
        self.concurrencyMax = bounded(limits.concurrency)
    }

    /// Whether nothing is limited.
    public var isEmpty: Bool { self.requestsPerMinute | self.tokensPerMinute | self.concurrencyMax == 0 }

    /// The limit on requests per minute; `nil` without one.
    @inline(__always)
    public var requests: RateCell? {
        self.requestsPerMinute == 0 ? nil : RateCell(index: self.base, perMinute: Int64(self.requestsPerMinute))
    }

    /// The limit on tokens per minute; `nil` without one.
    @inline(__always)
    public var tokens: RateCell? {
        self.tokensPerMinute == 0 ? nil : RateCell(index: self.base + 1, perMinute: Int64(self.tokensPerMinute))
    }

    /// The limit on simultaneous exchanges; `nil` without one.
    @inline(__always)
    public var concurrency: GateCell? {
        self.concurrencyMax == 0 ? nil : GateCell(index: self.base + 2, maximum: Int64(self.concurrencyMax))
    }
}

import GatewayCore

/// Why a name has no address.
public struct ResolveFault: Error, Hashable, Sendable {
    /// For the log.
    public let detail: String

    public init(detail: String) {
        self.detail = detail
    }
}

/// The resolver's memory as a value: what is known about each name, and who waits for what is not.
///
/// An answer is good for 30 s. After that it is served on while one look-up renews it, for as long as that takes;
/// a look-up that fails leaves the old addresses in force and is tried again a second later at the earliest (fault 16).
/// A name that was never found is not asked for again within a second. At most one look-up per name is under way.
struct AddressBook<Waiter> {
    static var answerLifetime: TimeSpan { .seconds(30) }
    static var failureLifetime: TimeSpan { .seconds(1) }
    /// Names come from configuration; the bound is a belt for whatever else asks. The oldest answers go first.
    static var namesMax: Int { 4096 }

    enum Answer {
        /// Use these; `lookUp`: and have the name looked up meanwhile.
        case known([IPAddress], lookUp: Bool)
        case failed(ResolveFault)
        /// The waiter was kept; `lookUp`: have the name looked up.
        case waiting(lookUp: Bool)
    }

    private struct Entry {
        var addresses: [IPAddress] = []
        var fault: ResolveFault?
        /// From then on the entry is renewed.
        var expires: MonotonicTime
        var isLookedUp = false
        var waiters: [Waiter] = []
    }

    private var entries: [String: Entry] = [:]

    mutating func ask(_ name: String, at now: MonotonicTime, waiter: @autoclosure () -> Waiter) -> Answer {
        guard var entry = self.entries[name] else {
            self.makeRoom()
            self.entries[name] = Entry(expires: now, isLookedUp: true, waiters: [waiter()])
            return .waiting(lookUp: true)
        }
        let isDue = entry.expires <= now && !entry.isLookedUp
        if !entry.addresses.isEmpty {
            if isDue { self.entries[name]?.isLookedUp = true }
            return .known(entry.addresses, lookUp: isDue)
        }
        if !entry.isLookedUp, !isDue, let fault = entry.fault { return .failed(fault) }
        entry.isLookedUp = true
        entry.waiters.append(waiter())
        self.entries[name] = entry
        return .waiting(lookUp: isDue)
    }

    /// A look-up has ended.
    /// - Returns: those who waited for it.
    mutating func learn(
        _ name: String, _ result: Result<[IPAddress], ResolveFault>, at now: MonotonicTime
    ) -> [Waiter] {
        guard var entry = self.entries[name] else { return [] }
        let waiters = entry.waiters
        entry.waiters = []
        entry.isLookedUp = false
        switch result {
        case .success(let addresses) where !addresses.isEmpty:
            entry.addresses = addresses
            entry.fault = nil
            entry.expires = now + Self.answerLifetime
        case .success:
            entry.fault = .init(detail: "the name has no address")
            entry.expires = now + Self.failureLifetime
        case .failure(let fault):
            entry.fault = fault
            entry.expires = now + Self.failureLifetime
        }
        self.entries[name] = entry
        return waiters
    }

    private mutating func makeRoom() {
        guard self.entries.count >= Self.namesMax else { return }
        let quiet = self.entries.filter { !$0.value.isLookedUp }
        if let oldest = quiet.min(by: { $0.value.expires < $1.value.expires }) { self.entries[oldest.key] = nil }
    }
}

import GatewayCore

/// How to reach one Redis server, and the bounds of a connection to it.
public struct RedisSettings: Hashable, Sendable {
    /// A name or an address, without brackets.
    public var host: String
    /// 1 to 65535.
    public var port = 6379
    /// An ACL user; nil is Redis' `default`. Needs a password.
    public var user: String?
    /// Sent with AUTH as soon as a connection stands; nil sends no AUTH. Never in an error or a log.
    public var password: Secret?
    /// 0 to 65535; how many there are is the server's choice (16 by default).
    public var database = 0
    /// `rediss://`: the server's certificate is verified, its name with it.
    public var tls = false
    /// PEM file of the authorities to trust; nil trusts the system's. Counts with TLS only.
    public var caFile: String?
    /// Shown by `CLIENT LIST`. Letters, digits and punctuation without spaces; empty sets none.
    public var clientName = "penstock"

    /// From a command to its reply; 1 ms to 10 s. What a dead Redis costs a request at most.
    public var timeout = TimeSpan.milliseconds(50)
    /// For TCP, TLS and the greeting together; 10 ms to 60 s.
    public var connectTimeout = TimeSpan.seconds(1)
    /// An attempt to reconnect comes after a random part of `backoffBase` × 2ⁿ, at most of `backoffMax`; 1 ms to 60 s.
    public var backoffBase = TimeSpan.milliseconds(20)
    /// 1 ms to 10 min, not below `backoffBase`.
    public var backoffMax = TimeSpan.seconds(1)
    /// A connection on which the oldest command is unanswered for so long is given up; 10 ms to 60 s.
    public var stallTimeout = TimeSpan.seconds(1)
    /// Failures and timeouts in a row that open the breaker; 1 to 1000.
    public var breakerFailures = 5
    /// For how long; 1 ms to 60 s.
    public var breakerSpan = TimeSpan.seconds(1)
    /// Commands that are sent and not answered, overdue ones among them; 1 to 1,000,000.
    public var outstandingMax = 4096
    /// Bytes of one command; 1 KiB to 512 MiB, which is Redis' own bound.
    public var commandBytesMax = 4 << 20
    /// Bytes of one reply; 1 KiB to 512 MiB.
    public var replyBytesMax = 16 << 20
    /// Items of one reply; 16 to 10,000,000.
    public var replyElementsMax = 65536

    public init(host: String, port: Int = 6379) {
        self.host = host
        self.port = port
    }

    /// What is outside its range: the name of the first such field, else nil. For checks of a configuration.
    public var fieldOutOfRange: String? {
        func isBetween(_ span: TimeSpan, _ low: TimeSpan, _ high: TimeSpan) -> Bool { low <= span && span <= high }
        let checks: [(String, Bool)] = [
            ("host", !self.host.isEmpty && self.host.utf8.count <= 255),
            ("port", (1...65535).contains(self.port)),
            ("user", self.user == nil || self.password != nil),
            ("database", (0...65535).contains(self.database)),
            ("clientName", self.clientName.utf8.allSatisfy { (0x21...0x7e).contains($0) }),
            ("timeout", isBetween(self.timeout, .milliseconds(1), .seconds(10))),
            ("connectTimeout", isBetween(self.connectTimeout, .milliseconds(10), .seconds(60))),
            ("backoffBase", isBetween(self.backoffBase, .milliseconds(1), .seconds(60))),
            ("backoffMax", isBetween(self.backoffMax, self.backoffBase, .minutes(10))),
            ("stallTimeout", isBetween(self.stallTimeout, .milliseconds(10), .seconds(60))),
            ("breakerFailures", (1...1000).contains(self.breakerFailures)),
            ("breakerSpan", isBetween(self.breakerSpan, .milliseconds(1), .seconds(60))),
            ("outstandingMax", (1...1_000_000).contains(self.outstandingMax)),
            ("commandBytesMax", (1024...512 << 20).contains(self.commandBytesMax)),
            ("replyBytesMax", (1024...512 << 20).contains(self.replyBytesMax)),
            ("replyElementsMax", (16...10_000_000).contains(self.replyElementsMax)),
        ]
        return checks.first { !$0.1 }?.0
    }
}

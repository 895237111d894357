import GatewayCore
import NIOCore

/// The connection of one loop to one Redis server. All of it happens on that loop; nothing waits, nothing blocks.
///
/// Commands of one tick are gathered and go out together: when `flush` is called, at the end of a burst of replies, or
/// at the end of the tick (unless `flushesItself` is off). Replies are matched to commands by their order. A command is
/// answered, or failed at its deadline, or refused at once; while there is no server, refused at once is what it is.
///
/// Commands that change what replies mean must not be sent: SUBSCRIBE, MONITOR, CLIENT REPLY, HELLO, QUIT, RESET.
/// Cost of a script call in steady state: the bytes, no allocation.
public final class RedisConnection {
    /// Where it connects to and how long it waits; never changed, a reload makes another connection.
    public let settings: RedisSettings
    private let loop: any EventLoop
    private let dialer: RedisDialer
    private let now: @Sendable () -> MonotonicTime
    private var random: any RandomNumberGenerator
    private var machine: RedisConnectionStateMachine
    private var outstanding = OutstandingCommands()
    private var payloads = ScriptPayloads()

    /// The channel that is in use, and the reader of its bytes.
    private var handler: RedisChannelHandler?
    private var handlerAttempt = 0
    private var reader: RESPReader?
    private var dialsPending = 0
    /// What was gathered since the last flush.
    private var output = ByteBuffer()
    private var isFlushScheduled = false
    /// Replies are being handed out; a flush follows.
    private var isInBurst = false
    private var wake: (at: MonotonicTime, task: Scheduled<Void>)?

    /// Since the start of the connection's life, reconnects included.
    public private(set) var counters = RedisCounters()
    /// Why the last attempt or connection came to nothing, for the log and health. Empty at first.
    public private(set) var problem = ""
    /// False when whoever sends commands also calls `flush` at the end of the tick: saves a task of the loop per tick.
    public var flushesItself = true
    /// Called after every change of `status`, on the loop.
    public var onChange: ((RedisConnectionStatus) -> Void)?

    /// A dial of an address that hangs does not end when it is given up; beyond so many no further one is begun.
    private static let dialsPendingMax = 2
    /// Gathered bytes beyond this go out before the tick ends.
    private static let gatheredBytesMax = 1 << 18

    /// Called on `loop`; `start` begins.
    /// - Parameters:
    ///   - random: for the jitter of reconnecting.
    ///   - now: the clock of the loop.
    public init(
        settings: RedisSettings, loop: any EventLoop, dialer: RedisDialer,
        random: any RandomNumberGenerator = SystemRandomNumberGenerator(),
        now: @escaping @Sendable () -> MonotonicTime = MonotonicTime.now
    ) {
        self.settings = settings
        self.loop = loop
        self.dialer = dialer
        self.random = random
        self.now = now
        self.machine = RedisConnectionStateMachine(settings: settings)
    }

    /// What it is doing now, for health and metrics.
    public var status: RedisConnectionStatus { self.machine.status }

    /// Nothing is sent at present because too much failed.
    public var isBreakerOpen: Bool { self.machine.breaker.state != .closed }

    /// Commands whose reply has not come, overdue ones among them.
    public var outstandingCount: Int { self.outstanding.count }

    /// Connects, and from then on reconnects by itself. Without effect on one that was started.
    public func start() {
        self.perform(self.machine.start(at: self.now()))
    }

    /// Closes. What is outstanding fails with `connectionLost`. Without it the connection lives for ever.
    public func stop() {
        self.perform(self.machine.stop())
    }

    // MARK: Commands

    /// Calls a script. A server that does not know it gets the call again with the source, once; the responder sees
    /// only the reply to that.
    ///
    /// - Parameters:
    ///   - now: the caller's reading of the clock.
    ///   - deadline: when the responder is told `timeout`; nil is `now` + `settings.timeout`.
    ///   - tag: handed back to the responder.
    /// - Returns: nil when it was accepted; else why not, and the responder hears nothing.
    public func run(
        _ script: RedisScript, keys: Span<RedisKey>, arguments: Span<RedisArgument>, at now: MonotonicTime,
        deadline: MonotonicTime? = nil, responder: any RedisResponder, tag: UInt64 = 0
    ) -> RedisFault? {
        let deadline = deadline ?? now + self.settings.timeout
        var size = script.callPrefix.count + 3 * RESPWriter.headerSize
        for index in keys.indices { size += keys[index].wire.count }
        for index in arguments.indices { size += RESPWriter.size(of: arguments[index]) }
        let isProbe: Bool
        switch self.admit(size: size + script.sourcePrefix.count, at: now, deadline: deadline) {
        case .success(let probe): isProbe = probe
        case .failure(let fault): return fault
        }
        let elements = 3 + keys.count + arguments.count
        let start = self.output.readableBytes
        var tail = 0
        let isWhole = RESPWriter.append(to: &self.output, sizeMax: size) { writer in
            writer.arrayHeader(elements)
            writer.raw(script.callPrefix)
            tail = start + writer.count
            writer.bulk(Int64(keys.count))
            for index in keys.indices { writer.raw(keys[index].wire) }
            for index in arguments.indices { writer.bulk(arguments[index]) }
        }
        guard always(isWhole, "sizes are upper bounds") else { return .commandTooLarge }
        let payload = self.output.withUnsafeReadableBytes {
            self.payloads.keep(elements: elements, tail: UnsafeRawBufferPointer(rebasing: $0[tail...]))
        }
        self.accept(
            .init(
                responder: responder, tag: tag, sentAt: now, deadline: deadline, commandClass: script.commandClass,
                purpose: .script(source: script.sourcePrefix, payload: payload), isProbe: isProbe))
        return nil
    }

    /// Sends any other command. Parameters and result as of `run`.
    /// - Parameter name: as Redis spells it, `GET`. Must hold text, not a single scalar.
    public func send(
        _ name: StaticString, _ arguments: Span<RedisArgument>, as commandClass: RedisCommandClass,
        at now: MonotonicTime, deadline: MonotonicTime? = nil, responder: any RedisResponder, tag: UInt64 = 0
    ) -> RedisFault? {
        let deadline = deadline ?? now + self.settings.timeout
        var size = name.utf8CodeUnitCount + 2 * RESPWriter.headerSize
        for index in arguments.indices { size += RESPWriter.size(of: arguments[index]) }
        let isProbe: Bool
        switch self.admit(size: size, at: now, deadline: deadline) {
        case .success(let probe): isProbe = probe
        case .failure(let fault): return fault
        }
        guard self.write(name, arguments, sizeMax: size) else { return .commandTooLarge }
        self.accept(
            .init(
                responder: responder, tag: tag, sentAt: now, deadline: deadline, commandClass: commandClass,
                purpose: .plain, isProbe: isProbe))
        return nil
    }

    private func write(_ name: StaticString, _ arguments: Span<RedisArgument>, sizeMax: Int) -> Bool {
        let isWhole = RESPWriter.append(to: &self.output, sizeMax: sizeMax) { writer in
            writer.arrayHeader(1 + arguments.count)
            writer.bulk(name)
            for index in arguments.indices { writer.bulk(arguments[index]) }
        }
        return always(isWhole, "sizes are upper bounds")
    }

    /// Sends what was gathered. Whoever ends a burst of commands calls it; see `flushesItself`.
    public func flush() {
        guard self.output.readableBytes > 0, let handler = self.handler else { return }
        handler.writeAndFlush(self.output)
        // The storage is this buffer's alone again if the socket took all of it, and is then used again.
        if self.output.capacity > Self.gatheredBytesMax { self.output = ByteBuffer() } else { self.output.clear() }
    }

    /// - Returns: whether it is the breaker's probe, which its result has to be reported for.
    private func admit(size: Int, at now: MonotonicTime, deadline: MonotonicTime) -> Result<Bool, RedisFault> {
        let result: Result<Bool, RedisFault>
        if !self.machine.isReady {
            result = .failure(.notConnected)
        } else if size > self.settings.commandBytesMax {
            result = .failure(.commandTooLarge)
        } else if self.outstanding.count >= self.settings.outstandingMax || self.handler?.isWritable != true {
            result = .failure(.queueFull)
        } else if deadline <= now {
            result = .failure(.timeout)
        } else {
            result = self.machine.admit(at: now)
        }
        if case .failure = result { self.counters.refused += 1 }
        return result
    }

    private func accept(_ command: OutstandingCommand) {
        self.counters[command.commandClass].calls += 1
        self.outstanding.append(command)
        self.wake(by: min(command.deadline, command.sentAt + self.settings.stallTimeout))
        if self.output.readableBytes > Self.gatheredBytesMax { return self.flush() }
        guard self.flushesItself, !self.isFlushScheduled, !self.isInBurst else { return }
        self.isFlushScheduled = true
        self.loop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.flush()
        }
    }

    // MARK: Actions of the machine

    private func perform(_ action: RedisConnectionStateMachine.Action, failing fault: RedisFault = .connectionLost) {
        switch action {
        case .none, .closeStray:
            return
        case .dial(let attempt):
            self.dial(attempt)
        case .greet(let steps):
            self.greet(steps)
        case .becomeReady:
            self.counters.connects += 1
            self.problem = ""
        case .drop:
            self.drop(fault)
        }
        if let next = self.machine.nextWake { self.wake(by: next) }
        self.onChange?(self.machine.status)
    }

    private func dial(_ attempt: Int) {
        guard self.dialsPending < Self.dialsPendingMax else {
            return self.end(attempt, problem: "earlier attempts to connect hang")
        }
        self.dialsPending += 1
        self.dialer.dial(self.settings, self.loop).assumeIsolated().whenComplete { result in
            self.dialsPending -= 1
            switch result {
            case .success(let channel):
                guard attempt == self.machine.attempt, self.machine.status == .connecting,
                    let handler = try? channel.pipeline.syncOperations.handler(type: RedisChannelHandler.self)
                else { return channel.close(promise: nil) }
                self.handler = handler
                self.handlerAttempt = attempt
                self.reader = RESPReader(
                    limits: .init(bytes: self.settings.replyBytesMax, elements: self.settings.replyElementsMax))
                handler.attach(to: self)
            case .failure(let error):
                self.end(attempt, problem: (error as? RedisDialFault)?.detail ?? "\(error)")
            }
        }
    }

    /// The only place where the password leaves its wrapper.
    private func greet(_ steps: [RedisGreetingStep]) {
        let now = self.now()
        for step in steps {
            switch step {
            case .authenticate:
                let user = self.settings.user.map { [RedisArgument.bytes(Array($0.utf8))] } ?? []
                self.writeGreeting("AUTH", user + [.bytes(Array((self.settings.password?.revealed ?? "").utf8))])
            case .selectDatabase:
                self.writeGreeting("SELECT", [.integer(Int64(self.settings.database))])
            case .setName:
                self.writeGreeting("CLIENT", [.text("SETNAME"), .bytes(Array(self.settings.clientName.utf8))])
            case .ping:
                self.writeGreeting("PING", [])
            }
            self.counters[.control].calls += 1
            self.outstanding.append(
                .init(
                    responder: nil, tag: 0, sentAt: now, deadline: .never, commandClass: .control,
                    purpose: .greeting(step)))
        }
        self.flush()
        // It may hold the password: its storage is not used again.
        self.output = ByteBuffer()
    }

    private func writeGreeting(_ name: StaticString, _ arguments: [RedisArgument]) {
        let size = arguments.reduce(name.utf8CodeUnitCount + 2 * RESPWriter.headerSize) { $0 + RESPWriter.size(of: $1) }
        _ = self.write(name, arguments.span, sizeMax: size)
    }

    /// The state has changed already, so whoever is told and sends again is refused.
    private func drop(_ fault: RedisFault) {
        let handler = self.handler
        self.handler = nil
        self.reader = nil
        self.isInBurst = false
        self.output = ByteBuffer()
        handler?.close()
        while let command = self.outstanding.popFirst() {
            if case .script(_, let payload) = command.purpose { self.payloads.release(payload) }
            guard !command.isOverdue else { continue }
            self.counters[command.commandClass].errors += 1
            command.responder?.redisFailed(fault, tag: command.tag)
        }
    }

    /// A socket is over, or is given up.
    private func end(_ attempt: Int, problem: String, failing fault: RedisFault = .connectionLost) {
        guard attempt == self.machine.attempt else { return }
        let openings = self.machine.breaker.openings
        if self.machine.isReady {
            self.counters.losses += 1
        } else if self.machine.status == .connecting || self.machine.status == .authenticating {
            self.counters.connectFailures += 1
        }
        self.problem = problem
        let action = self.machine.ended(attempt: attempt, at: self.now(), random: &self.random)
        self.counters.breakerOpenings += self.machine.breaker.openings - openings
        self.perform(action, failing: fault)
    }

    // MARK: For the channel

    func channelStands(_ handler: RedisChannelHandler) {
        guard handler === self.handler else { return }
        self.perform(self.machine.connected(attempt: self.handlerAttempt))
    }

    func channelSpokeFirst(_ handler: RedisChannelHandler) {
        guard handler === self.handler else { return }
        self.end(self.handlerAttempt, problem: "the server spoke before it was asked", failing: .malformedReply)
    }

    func channelEnded(_ handler: RedisChannelHandler, problem: String) {
        guard handler === self.handler else { return }
        self.end(self.handlerAttempt, problem: problem)
    }

    func channelRead(_ handler: RedisChannelHandler, _ bytes: ByteBuffer) {
        guard handler === self.handler, let reader = self.reader else { return }
        let now = self.now()
        self.isInBurst = true
        reader.feed(bytes)
        // A reply may lead to the end of this channel, by whoever gets it.
        while handler === self.handler {
            switch reader.next() {
            case .needMore:
                return
            case .reply:
                self.replied(reader, at: now)
            case .fault(.tooLarge):
                self.end(self.handlerAttempt, problem: "a reply exceeds its bounds", failing: .replyTooLarge)
            case .fault(.malformed(let detail)):
                self.end(self.handlerAttempt, problem: "no RESP2: \(detail)", failing: .malformedReply)
            }
        }
    }

    func channelReadComplete(_ handler: RedisChannelHandler) {
        guard handler === self.handler else { return }
        self.isInBurst = false
        self.flush()
    }

    private func replied(_ reader: RESPReader, at now: MonotonicTime) {
        guard let command = self.outstanding.popFirst() else {
            return self.end(self.handlerAttempt, problem: "a reply that nobody waits for", failing: .malformedReply)
        }
        let reply = reader.reply
        let error = reply.errorKind
        switch command.purpose {
        case .greeting(let step):
            return self.greeted(step, reply, at: now)
        case .script(let source, let payload):
            // Overdue ones are plain: their payload is gone.
            if error == .noScript { return self.sendAgain(command, source: source, payload: payload) }
            self.payloads.release(payload)
        case .plain:
            guard !command.isOverdue else {
                self.counters.lateReplies += 1
                return
            }
        }
        self.count(command, error: error, at: now)
        command.responder?.redisReplied(reply, tag: command.tag)
        if let error, error.endsConnection {
            self.end(self.handlerAttempt, problem: Self.text(of: reply))
        }
    }

    private func count(_ command: OutstandingCommand, error: RedisErrorKind?, at now: MonotonicTime) {
        self.counters[command.commandClass].answered += 1
        self.counters[command.commandClass].microseconds += max(0, (now - command.sentAt).microseconds)
        if error != nil { self.counters[command.commandClass].errors += 1 }
        if error?.isOutage == true {
            self.commandFailed(command, at: now)
        } else {
            self.machine.commandSucceeded(isProbe: command.isProbe)
        }
    }

    private func commandFailed(_ command: OutstandingCommand, at now: MonotonicTime) {
        let openings = self.machine.breaker.openings
        self.machine.commandFailed(isProbe: command.isProbe, at: now)
        self.counters.breakerOpenings += self.machine.breaker.openings - openings
    }

    private func greeted(_ step: RedisGreetingStep, _ reply: borrowing RedisReply, at now: MonotonicTime) {
        let error = reply.errorKind
        if error != nil { self.counters[.control].errors += 1 }
        let action = self.machine.greeted(step, error: error, at: now, random: &self.random)
        if action == .drop {
            self.counters.connectFailures += 1
            self.problem = "\(step): \(Self.text(of: reply))"
        }
        self.perform(action)
    }

    /// The one recovery: what goes out now is no script call any more, so a second NOSCRIPT is passed on.
    private func sendAgain(_ command: OutstandingCommand, source: [UInt8], payload: Int) {
        self.counters.scriptRecoveries += 1
        self.payloads.write(payload, source: source, to: &self.output)
        self.payloads.release(payload)
        var command = command
        command.purpose = .plain
        self.outstanding.append(command)
    }

    /// At most 128 bytes of an error, printable ones.
    private static func text(of reply: borrowing RedisReply) -> String {
        reply.withBytes { bytes in
            String(
                decoding: bytes.prefix(128).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
        } ?? ""
    }

    // MARK: Time

    /// Makes sure that something looks at the clock at that time. One timer serves for all deadlines: it is moved only
    /// for an earlier one.
    private func wake(by time: MonotonicTime) {
        if let wake = self.wake {
            guard time < wake.at else { return }
            wake.task.cancel()
        }
        let span = max(0, (time - self.now()).nanoseconds)
        let task = self.loop.assumeIsolated().scheduleTask(in: .nanoseconds(span)) { self.woken() }
        self.wake = (time, task)
    }

    private func woken() {
        self.wake = nil
        let now = self.now()
        if self.outstanding.earliestDeadline <= now { self.failOverdue(at: now) }
        if self.machine.isReady, let oldest = self.outstanding.oldestSentAt, oldest + self.settings.stallTimeout <= now
        {
            self.end(self.handlerAttempt, problem: "no reply within the stall timeout")
        }
        let hadSocket = self.machine.nextWake.map { $0 <= now } ?? false && self.machine.status != .backingOff
        let action = self.machine.timePassed(at: now, random: &self.random)
        if hadSocket, action == .drop {
            self.counters.connectFailures += 1
            self.problem = "no connection within the connect timeout"
        }
        self.perform(action)
        self.wakeForNext()
    }

    private func wakeForNext() {
        var next = min(self.outstanding.earliestDeadline, self.machine.nextWake ?? .never)
        if self.machine.isReady, let oldest = self.outstanding.oldestSentAt {
            next = min(next, oldest + self.settings.stallTimeout)
        }
        if next < .never { self.wake(by: next) }
    }

    private func failOverdue(at now: MonotonicTime) {
        var cursor: UInt64 = 0
        while let command = self.outstanding.nextOverdue(at: now, cursor: &cursor) {
            if case .script(_, let payload) = command.purpose { self.payloads.release(payload) }
            self.counters[command.commandClass].timeouts += 1
            self.commandFailed(command, at: now)
            command.responder?.redisFailed(.timeout, tag: command.tag)
        }
        self.flush()
    }
}

extension RedisConnection {
    /// As `run` with spans. Arrays that the caller keeps from call to call cost nothing either.
    public func run(
        _ script: RedisScript, keys: [RedisKey], arguments: [RedisArgument], at now: MonotonicTime,
        deadline: MonotonicTime? = nil, responder: any RedisResponder, tag: UInt64 = 0
    ) -> RedisFault? {
        self.run(
            script, keys: keys.span, arguments: arguments.span, at: now, deadline: deadline, responder: responder,
            tag: tag)
    }

    /// As `send` with a span.
    public func send(
        _ name: StaticString, _ arguments: [RedisArgument], as commandClass: RedisCommandClass,
        at now: MonotonicTime, deadline: MonotonicTime? = nil, responder: any RedisResponder, tag: UInt64 = 0
    ) -> RedisFault? {
        self.send(
            name, arguments.span, as: commandClass, at: now, deadline: deadline, responder: responder, tag: tag)
    }
}

import GatewayContract
import GatewayCore
import GatewayDialects
import GatewayHTTP
import GatewayPolicy
import GatewayUpstream
import GatewayWire
import NIOCore

/// One request, from its first byte to its usage record. Read `README.md` beside this file first: it names, for each
/// stage, its file, the errors it may answer with and the metric that times it.
///
/// The fields stand in the order in which the stages fill them. All of it lives on one event loop.
final class Exchange {
    let loop: LoopState
    let sink: DownstreamSink
    var machine = ExchangeMachine()
    var record: UsageRecord
    let startedAt: MonotonicTime
    /// The clock's reading at the event that is being handled: one for all that follows from it.
    var eventAt: MonotonicTime

    // Head
    var head: RequestHead?
    /// The dialect family of errors until a route says more.
    var family = DialectFamily.openai

    // FindRoute
    /// The one that the exchange began with.
    let config: LoopSnapshot?
    var match: RouteMatch?

    // Authenticate
    var grant: KeyGrant?

    // Body
    /// What is held of it.
    var body = ByteBuffer()
    var heldBytes = 0
    /// So many bytes before `body` were sent and are not held any more.
    var releasedBytes = 0
    var inflater: Inflater?
    /// For `multipart/form-data`.
    var form: FormRelay?
    /// When the body was whole, or enough of it to go on.
    var bodyEndedAt: MonotonicTime?

    // Inspect
    var inspection: RequestInspection?
    var model: Model?
    var modelName = ""

    // Reserve
    var reservation = LimitReservation()
    var estimatedInput: Int64 = 0

    // Dispatch
    var attempt: Attempt?
    var call = UpstreamCall.none
    var tier = 0
    /// The tier of the deployment that was chosen last; it becomes `tier` when the attempt begins.
    var nextTier = 0
    var attemptsInTier = 0
    var tried: [Int] = []
    var totalDeadline: MonotonicTime?
    /// The pool has called back, perhaps before `acquire` returned.
    var ticketWasAnswered = false

    // Relay
    var relay = Relay.none
    var pendingAnswer: PendingAnswer?
    var isPausedByClient = false
    var lastProgressAt: MonotonicTime?
    var firstContentAt: MonotonicTime?
    var seenContentEvents: Int64 = 0
    var isStreamCounted = false
    /// What is waited for has changed since the deadline was set.
    var needsDeadline = false

    var deadlineSlot: DeadlineTable.Slot?

    init(loop: LoopState, sink: DownstreamSink) {
        self.loop = loop
        self.sink = sink
        self.startedAt = sink.requestBeganAt ?? loop.now()
        self.eventAt = self.startedAt
        self.config = loop.snapshot
        self.record = UsageRecord(
            requestID: "", startedAt: .now(), generation: loop.snapshot?.routing.generation ?? 0)
        loop.shared.exchangeBegan()
    }

    var endpoint: Endpoint { self.match?.endpoint ?? .chatCompletions }
}

// MARK: - What the client does

extension Exchange: DownstreamExchange {
    func requestHead(_ head: RequestHead) {
        self.head = head
        self.readIdentity(of: head)
        switch self.admitHead(head) {
        case .proceed: self.sink.continueRequest()
        case .reply(let reply): self.answer(reply)
        }
    }

    func requestBody(_ bytes: ByteBuffer) {
        guard self.machine.takesBody else { return }
        if let reply = self.keepBody(bytes) { return self.refuse(reply) }
        if let form = self.form { self.formGrew(form) }
    }

    func requestEnd() {
        guard self.machine.requestEnded() else { return }
        self.eventAt = self.loop.now()
        self.bodyEndedAt = self.bodyEndedAt ?? self.eventAt
        self.resumeClient()
        // A form may be admitted already; what came since is judged all the same.
        switch self.record.admitted ? self.inspectAgain() : self.admitBody() {
        case .proceed: self.machine.state == .receiving ? self.dispatch() : self.sendOn()
        case .reply(let reply): self.refuse(reply)
        }
    }

    func requestFault(_ error: GatewayError) {
        guard !self.machine.isOver else { return }
        if self.record.requestID.isEmpty { self.record.requestID = self.makeRequestID() }
        self.refuse(LocalReply(error))
    }

    /// Ends what is under way, if anything is, and answers with that. Only while nothing has reached the client.
    func refuse(_ reply: LocalReply) {
        self.abandonCall()
        self.dropAnswer()
        self.answer(reply)
    }

    func downstreamWritability(_ isWritable: Bool) {
        guard isWritable, self.isPausedByClient, !self.machine.isOver else { return }
        self.isPausedByClient = false
        self.eventAt = self.loop.now()
        self.lastProgressAt = self.eventAt
        self.armDeadline()
        self.call.resume()
    }

    func downstreamShutdown() {
        let error = GatewayError(.draining)
        self.eventAt = self.loop.now()
        if self.machine.hasBegunAnswer { return self.breakOff(error) }
        self.refuse(LocalReply(error))
    }

    func downstreamClosed() {
        self.eventAt = self.loop.now()
        self.finish(.clientLeft, status: 499, error: GatewayError(.clientClosedRequest))
    }
}

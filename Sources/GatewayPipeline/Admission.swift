import GatewayCore
import GatewayHTTP

/// What a stage of admission says.
enum Outcome {
    case proceed
    case reply(LocalReply)

    /// Goes on to the next stage unless this one has answered.
    @inline(__always)
    func then(_ next: () -> Outcome) -> Outcome {
        guard case .proceed = self else { return self }
        return next()
    }
}

/// The two moments at which a request may be refused, each one function that names its stages in order.
extension Exchange {
    /// At the end of the head, before a byte of the body is kept and before `100 Continue`.
    func admitHead(_ head: RequestHead) -> Outcome {
        guard let config = self.config else { return .reply(Self.starting) }
        return self.refuseWhileDraining()  // 503: nothing is begun that could not be ended
            .then { self.findRoute(head, config) }  // 404, 405, 410: before any secret is touched
            .then { self.authenticate(head, config) }  // 401, 403: before any counter moves
            .then { self.checkTransfer(head, config) }  // 411, 413, 415: from the head alone, before the body comes
    }

    /// At the end of the body, or as soon as a form that streams through has named its model.
    func admitBody() -> Outcome {
        guard let head = self.head, let config = self.config, let match = self.match else { return .proceed }
        return self.answerLocally(config, match)  // model lists: no provider, no limit
            .then { self.inspect(head, match) }  // 400: what is asked, read once
            .then { self.authorizeModel(config, match) }  // 404, 403: a key never sees a model that it may not use
            .then { self.reserveLimits() }  // 429: all or nothing over every scope
    }
}

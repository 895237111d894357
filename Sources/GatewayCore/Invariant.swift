/// States a belief about our own code: loud in debug builds and tests, survivable in production.
///
/// Never for what a peer can cause; that is an error value.
/// - Returns: the belief, so that a caller can go on safely: `guard always(cost >= 0, "…") else { … }`.
@inline(__always)
public func always(_ belief: Bool, _ why: StaticString) -> Bool {
    assert(belief, "\(why)")
    return belief
}

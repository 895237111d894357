import GatewayContract
import GatewayCore

/// Replaces names of models inside of models by the deployments that those stand for. The limits and the retry
/// policy of
/// a model that is used by another one count only where it is asked for itself.
struct ModelExpansion {
    private let byName: [String: ModelSpec]
    private let deployments: Set<String>
    private var done: [ModelName: [[Reference<DeploymentKind>]]] = [:]

    private init(_ models: [ModelSpec], deployments: [DeploymentSpec]) {
        self.byName = Dictionary(models.map { ($0.name.text, $0) }) { first, _ in first }
        self.deployments = Set(deployments.map(\.name.text))
    }

    static func expanded(_ models: [ModelSpec], deployments: [DeploymentSpec], _ walk: inout ConfigWalk) -> [ModelSpec]
    {
        var expansion = ModelExpansion(models, deployments: deployments)
        return models.map { model in
            guard case .deployments = model.target else { return model }
            var copy = model
            copy.target = .deployments(expansion.tiers(of: model, above: [], &walk))
            return copy
        }
    }

    private mutating func tiers(
        of model: ModelSpec, above: [ModelName], _ walk: inout ConfigWalk
    ) -> [[Reference<DeploymentKind>]] {
        if let tiers = self.done[model.name] { return tiers }
        guard case .deployments(let written) = model.target else { return [] }
        var tiers: [[Reference<DeploymentKind>]] = []
        for tier in written {
            if tier.count == 1, let inner = self.model(tier[0]) {
                tiers += self.inner(inner, at: tier[0].origin, in: model, above: above, &walk)
                continue
            }
            tiers.append(
                tier.flatMap { reference -> [Reference<DeploymentKind>] in
                    guard let inner = self.model(reference) else { return [reference] }
                    let found = self.inner(inner, at: reference.origin, in: model, above: above, &walk)
                    if found.count > 1 {
                        walk.report(
                            Problem(
                                "E3021", "model `\(shown(inner.name.text))` has fallbacks and cannot stand in a pool",
                                at: reference.origin,
                                help: "name its deployments, or make it a fallback", other: inner.origin,
                                otherLabel: "its definition"))
                    }
                    return found.first ?? []
                })
        }
        // Inside of a circle the result depends on where it was entered: it is not kept.
        if above.isEmpty { self.done[model.name] = tiers }
        return tiers
    }

    private func model(_ reference: Reference<DeploymentKind>) -> ModelSpec? {
        self.deployments.contains(reference.name.text) ? nil : self.byName[reference.name.text]
    }

    private mutating func inner(
        _ inner: ModelSpec, at place: Origin, in model: ModelSpec, above: [ModelName], _ walk: inout ConfigWalk
    ) -> [[Reference<DeploymentKind>]] {
        let path = above + [model.name]
        guard !path.contains(inner.name) else {
            let circle = (path.drop { $0 != inner.name } + [inner.name]).map { "`\(shown($0.text))`" }
            // Each circle once, from the member whose name sorts first.
            if path.drop(while: { $0 != inner.name }).min() == inner.name {
                walk.report(
                    Problem(
                        "E3020", "models use each other in a circle: \(circle.joined(separator: " → "))", at: place)
                )
            }
            return [[]]
        }
        guard path.count < 32 else {
            walk.report(Problem("E3020", "models use each other over more than 32 steps", at: place))
            return [[]]
        }
        guard case .deployments = inner.target else {
            walk.report(
                Problem("E2111", "`\(shown(inner.name.text))` passes names on and cannot be used by a model", at: place)
            )
            return [[]]
        }
        return self.tiers(of: inner, above: path, &walk).map { tier in tier.map { .init($0.name, origin: place) } }
    }
}

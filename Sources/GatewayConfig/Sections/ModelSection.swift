import GatewayContract
import GatewayCore

/// `deployments` and `models`. Which names exist elsewhere is the compiler's matter.
struct ModelSection {
    private(set) var deployments: [DeploymentSpec] = []
    private(set) var models: [ModelSpec] = []
    /// Names that were declared: a `use` of one of these is never read as `provider/model`.
    private let declared: Set<String>
    private var unnamed: Set<DeploymentName> = []

    init(_ root: ConfigObject, _ walk: inout ConfigWalk) {
        let deployments = root.named("deployments", &walk)
        let models = root.named("models", &walk)
        self.declared = Set((deployments + models).map(\.name))
        for entry in deployments { self.addDeployment(entry, &walk) }
        for entry in models { self.addModel(entry, &walk) }
    }

    private mutating func addDeployment(_ entry: ConfigEntry, _ walk: inout ConfigWalk) {
        guard walk.isName(entry.name, at: entry.nameOrigin, "the deployment's name") else {
            walk.isIncomplete = true
            return
        }
        let subject = "deployment `\(shown(entry.name))`"
        let object = ConfigObject(
            entry.value, ConfigReference.deployment, subject: subject, at: entry.nameOrigin, &walk)
        let provider = object.name("provider", &walk)
        let model = object.text("model", &walk)
        let weight = object.integer("weight", &walk) ?? 1
        if let model { _ = Self.isModelName(model.text, at: model.origin, "`model` of \(subject)", &walk) }
        if provider == nil || model == nil { walk.isIncomplete = true }
        self.deployments.append(
            DeploymentSpec(
                name: DeploymentName(entry.name), provider: ProviderName(provider?.text ?? ""),
                upstreamModel: ModelName(model?.text ?? ""), weight: weight,
                origin: entry.nameOrigin))
    }

    private mutating func addModel(_ entry: ConfigEntry, _ walk: inout ConfigWalk) {
        let subject = "model `\(shown(entry.name))`"
        guard Self.isModelName(entry.name, at: entry.nameOrigin, "the model's name", &walk) else {
            walk.isIncomplete = true
            return
        }
        let object = ConfigObject(entry.value, ConfigReference.model, subject: subject, at: entry.nameOrigin, &walk)
        let target = self.target(object, entry, &walk)
        if target == nil { walk.isIncomplete = true }
        var spec = ModelSpec(name: ModelName(entry.name), target: target ?? .deployments([]), origin: entry.nameOrigin)
        if let policy = Self.policy(object, &walk),
            let retry = policy.object("retry", ConfigReference.retry, subject: "`retry` of \(subject)", &walk)
        {
            spec.retry = Self.retry(retry, &walk)
        }
        spec.limits = LimitSpec(object.limits("limits", &walk), &walk)
        self.models.append(spec)
    }

    // MARK: What a model stands for

    private mutating func target(_ object: ConfigObject, _ entry: ConfigEntry, _ walk: inout ConfigWalk) -> ModelSpec
        .Target?
    {
        guard object.isMapping else { return nil }
        let written = ["use", "pool", "passthrough"].filter { object.keyOrigin($0) != nil }
        guard let kind = written.first, written.count == 1 else {
            if written.isEmpty {
                walk.report(
                    Problem(
                        "E2102", "\(object.subject) has no `use`", at: entry.nameOrigin,
                        help: "write `use: provider/model`, or the name of a deployment"))
            } else {
                walk.report(
                    Problem(
                        "E2113", "`\(written[0])` and `\(written[1])` of \(object.subject) exclude each other",
                        at: object.keyOrigin(written[1]), other: object.keyOrigin(written[0]),
                        otherLabel: "the other one"))
            }
            return nil
        }
        let isWildcard = entry.name.hasSuffix("*")
        if isWildcard != (kind == "passthrough") {
            let help =
                isWildcard
                ? "a name that ends in `*` takes `passthrough: provider`"
                : "`passthrough` needs a name that ends in `*`, such as \"openai/*\""
            walk.report(
                Problem("E2113", "\(object.subject) cannot have `\(kind)`", at: object.keyOrigin(kind), help: help))
            return nil
        }
        if kind == "passthrough" {
            if let policy = object.keyOrigin("policy") {
                walk.report(
                    Problem("E2113", "`policy` means nothing beside `passthrough`", at: policy, help: "remove it"))
            }
            return object.name("passthrough", &walk).map {
                .passthrough(.init(ProviderName($0.text), origin: $0.origin))
            }
        }
        return self.tiers(object, kind, &walk).map { .deployments($0) }
    }

    private mutating func tiers(_ object: ConfigObject, _ kind: String, _ walk: inout ConfigWalk) -> [[Reference<
        DeploymentKind
    >]]? {
        guard let items = object.items(kind, &walk), !items.isEmpty else {
            walk.report(Problem("E2102", "`\(kind)` of \(object.subject) names nothing", at: object.keyOrigin(kind)))
            return nil
        }
        let first = items.compactMap { self.reference($0, "`\(kind)` of \(object.subject)", &walk) }
        guard first.count == items.count else { return nil }
        self.checkRepeated(first, object, &walk)
        if Self.isShortFallback(object) { return first.map { [$0] } }
        var tiers = [first]
        guard let policy = Self.policyNode(object) else { return tiers }
        // Its keys are checked where the retry policy is read.
        var quiet = walk
        let long = ConfigObject(policy, ConfigReference.policy, subject: "`policy` of \(object.subject)", &quiet)
        for item in long.items("fallback", &walk) ?? [] {
            let members: [ConfigNode] = if case .list(let list) = item.content { list } else { [item] }
            let tier = members.compactMap { self.reference($0, "`fallback` of \(object.subject)", &walk) }
            if tier.isEmpty, members.isEmpty {
                walk.report(
                    Problem("E2102", "an entry of `fallback` of \(object.subject) names nothing", at: item.origin))
            }
            guard tier.count == members.count, !tier.isEmpty else { return nil }
            tiers.append(tier)
        }
        return tiers
    }

    private func checkRepeated(
        _ references: [Reference<DeploymentKind>], _ object: ConfigObject, _ walk: inout ConfigWalk
    ) {
        for (index, reference) in references.enumerated() {
            guard let first = references[..<index].first(where: { $0.name == reference.name }) else { continue }
            walk.report(
                Problem(
                    "E2117", "\(object.subject) names `\(shown(reference.name.text))` twice", at: reference.origin,
                    help: "a deployment's share is its `weight`", other: first.origin, otherLabel: "first one"))
        }
    }

    /// A name, or `provider/model`, which makes a deployment of that name.
    private mutating func reference(_ node: ConfigNode, _ what: String, _ walk: inout ConfigWalk) -> Reference<
        DeploymentKind
    >? {
        guard let value = walk.text(node, what) else { return nil }
        guard Self.isModelName(value.text, at: node.origin, what, &walk) else { return nil }
        if value.text.hasSuffix("*") {
            walk.report(
                Problem(
                    "E2111", "\(what) cannot be a pattern", at: node.origin,
                    help: "`passthrough` passes names on as they are"))
            return nil
        }
        let reference = Reference<DeploymentKind>(DeploymentName(value.text), origin: node.origin)
        guard !self.declared.contains(value.text), let slash = value.text.firstIndex(of: "/") else { return reference }
        let (provider, model) = (value.text[..<slash], value.text[value.text.index(after: slash)...])
        guard !provider.isEmpty, !model.isEmpty else {
            walk.report(Problem("E2111", "\(what) is no `provider/model`", at: node.origin))
            return nil
        }
        if self.unnamed.insert(reference.name).inserted {
            self.deployments.append(
                DeploymentSpec(
                    name: reference.name, provider: ProviderName(String(provider)),
                    upstreamModel: ModelName(String(model)),
                    origin: node.origin))
        }
        return reference
    }

    // MARK: Policy

    private static func isShortFallback(_ object: ConfigObject) -> Bool { object["policy"]?.rawText == "fallback" }

    private static func policyNode(_ object: ConfigObject) -> ConfigNode? {
        guard let node = object["policy"], !node.isScalar else { return nil }
        return node
    }

    private static func policy(_ object: ConfigObject, _ walk: inout ConfigWalk) -> ConfigObject? {
        guard let node = object["policy"] else { return nil }
        if node.isScalar {
            _ = walk.choice(
                node, "`policy` of \(object.subject)", ["fallback"],
                notBuilt: [
                    "least-pending": "balancing by load", "round-robin": "balancing in turns",
                    "random": "other balancing than by weight",
                ])
            return nil
        }
        return ConfigObject(
            node, ConfigReference.policy, subject: "`policy` of \(object.subject)", at: object.keyOrigin("policy"),
            &walk)
    }

    private static func retry(_ object: ConfigObject, _ walk: inout ConfigWalk) -> RetryPolicy {
        var policy = RetryPolicy(attempts: object.integer("attempts", &walk) ?? 0)
        guard let items = object.items("on", &walk) else { return policy }
        policy.on = []
        for item in items {
            switch walk.choice(item, "`on` of \(object.subject)", ConfigReference.retryConditions) {
            case "connect": policy.on.insert(.connect)
            case "429": policy.on.insert(.tooManyRequests)
            case "5xx": policy.on.insert(.serverError)
            case "timeout": policy.on.insert(.timeout)
            default: break
            }
        }
        return policy
    }

    /// 1 to 256 bytes without control characters and blanks; `*` only at the end.
    private static func isModelName(_ text: String, at place: Origin, _ what: String, _ walk: inout ConfigWalk) -> Bool
    {
        guard (1...256).contains(text.utf8.count),
            text.unicodeScalars.allSatisfy({ !isUnprintable($0) && !$0.properties.isWhitespace })
        else {
            walk.report(
                Problem("E2111", "\(what) is no name of a model", at: place, help: "1 to 256 bytes without white space")
            )
            return false
        }
        if text.dropLast().contains("*") {
            walk.report(Problem("E2111", "\(what) has a `*` that is not at its end", at: place))
            return false
        }
        return true
    }
}

extension LimitSpec {
    init(_ object: ConfigObject?, _ walk: inout ConfigWalk) {
        self.init(
            requestsPerMinute: object?.integer("rpm", &walk), tokensPerMinute: object?.integer("tpm", &walk),
            concurrency: object?.integer("concurrency", &walk))
    }
}

import GatewayContract
import GatewayCore
import Testing

@testable import GatewayPolicy

struct SnapshotCompilerTests {
    private func sound() -> DesiredState {
        DesiredState(
            revision: "r1",
            providers: [ProviderSpec(name: "local", type: .echo), ProviderSpec(name: "openai", type: .openai)],
            deployments: [
                DeploymentSpec(name: "llama", provider: "local", upstreamModel: "llama-\"3\"\n", weight: 3),
                DeploymentSpec(name: "gpt", provider: "openai", upstreamModel: "gpt-5"),
            ],
            models: [
                ModelSpec(
                    name: "smart", target: .deployments([[Reference("gpt")], [Reference("llama")]]),
                    limits: .init(requestsPerMinute: 5)),
                ModelSpec(name: "openai/*", target: .passthrough(Reference("openai"))),
            ])
    }

    private func one(_ change: (inout DesiredState) -> Void) throws -> CompileProblem {
        var desired = self.sound()
        change(&desired)
        let problems = Fixture.compile(desired)
        #expect(problems.count == 1, "\(problems)")
        return try #require(problems.first)
    }

    @Test func names() throws {
        let snapshot = try SnapshotCompiler.compile(
            self.sound(), generation: 7, limits: LimitSlab(capacity: 2), created: WallTime(unixSeconds: 99)
        ).get()
        #expect(snapshot.generation == 7)
        #expect(snapshot.revision == "r1")
        #expect(snapshot.deployments.map(\.provider) == [0, 1])
        #expect(snapshot.deployments.map(\.index) == [0, 1])
        #expect(snapshot.models[0].tiers == [[1], [0]])
        #expect(snapshot.models[0].limits.requests?.perMinute == 5)
        #expect(snapshot.models[0].created == 99)
        #expect(snapshot.models[1].passthroughProvider == 1)
        #expect(snapshot.models[1].passthroughPrefixCount == "openai/".utf8.count)
        #expect(snapshot.models[1].tiers.isEmpty)
        #expect(snapshot.modelTable.find("smart") == 0)
        #expect(snapshot.modelTable.find("openai/gpt-5") == 1)
        #expect(snapshot.warnings.isEmpty)
        let literal = String(decoding: snapshot.deployments[0].upstreamModelLiteral, as: UTF8.self)
        #expect(literal == #""llama-\"3\"\u000a""#)
    }

    @Test func aDanglingDeploymentGetsASuggestion() throws {
        let place = Fixture.origin("gateway.yaml", 72)
        let problem = try self.one { desired in
            desired.models.append(
                ModelSpec(name: "m", target: .deployments([[Reference("lama", origin: place)]])))
            desired.models.removeFirst(0)
        }
        #expect(problem.code == "E3001")
        #expect(problem.message == "model `m` refers to deployment `lama`, which is not defined")
        #expect(problem.suggestion == "llama")
        #expect(problem.origin == place)
    }

    @Test func danglingReferencesOfEveryKind() throws {
        #expect(
            try self.one { $0.deployments.append(DeploymentSpec(name: "x", provider: "opnai", upstreamModel: "y")) }
                .suggestion == "openai")
        let passthrough = try self.one {
            $0.models.append(ModelSpec(name: "x/*", target: .passthrough(Reference("locall"))))
        }
        #expect((passthrough.code, passthrough.suggestion) == ("E3003", "local"))
        let key = try self.one { $0.keys.append(KeySpec(name: "k", secret: Secret("sk-test-1"), models: ["smrt"])) }
        #expect((key.code, key.suggestion) == ("E3005", "smart"))
        let route = try self.one {
            var version = RouteVersionSpec.chat("v1", "/chat")
            version.models = [Reference("smart"), Reference("smar"), Reference("openai/x")]
            $0.routes.append(RouteSpec(name: "r", versions: [version]))
        }
        #expect((route.code, route.suggestion) == ("E3004", "smart"))
    }

    /// B-11. Guarantee: an allow-list entry that can match nothing is an error; one that can is none.
    @Test(arguments: [
        ("smart", true), ("sm*", true), ("openai/gpt*", true), ("open*", true), ("*", true), ("openai/gpt-5", true),
        ("x*", false), ("smart-*", false), ("openai", false),
    ])
    func allowListEntries(_ pattern: String, _ isKnown: Bool) {
        var desired = self.sound()
        desired.keys = [KeySpec(name: "k", secret: Secret("sk-test-1"), models: [pattern])]
        #expect(Fixture.compile(desired).map(\.code) == (isKnown ? [] : ["E3005"]))
    }

    @Test func unusableValues() throws {
        #expect(try self.one { $0.models[0].target = .deployments([]) }.code == "E3006")
        #expect(try self.one { $0.models[0].target = .deployments([[Reference("gpt")], []]) }.code == "E3006")
        #expect(try self.one { $0.providers.append(ProviderSpec(name: "az", type: .azure)) }.code == "E3007")
        #expect(try self.one { $0.deployments[0].weight = 1001 }.code == "E3008")
        #expect(try self.one { $0.models[0].name = "sm*rt" }.code == "E3009")
        #expect(try self.one { $0.models[0].name = "smart*" }.code == "E3009")
        #expect(try self.one { $0.models[1].name = "openai/" }.code == "E3009")
        #expect(try self.one { $0.models[0].retry.attempts = 11 }.code == "E3010")
        #expect(try self.one { $0.models[0].limits.concurrency = 0 }.code == "E6003")
        let twice = try self.one { $0.models.append($0.models[0]) }
        #expect((twice.code, twice.message) == ("E3012", "model `smart` is defined twice"))
        #expect(try self.one { $0.providers.append($0.providers[0]) }.code == "E3012")
        #expect(try self.one { $0.deployments.append($0.deployments[0]) }.code == "E3012")
    }

    @Test func aRepeatedDeploymentIsAWarningAndCountsOnce() throws {
        var desired = self.sound()
        desired.models[0].target = .deployments([[Reference("gpt"), Reference("gpt")], [Reference("gpt")]])
        let snapshot = try SnapshotCompiler.compile(desired, generation: 1, limits: LimitSlab(capacity: 1)).get()
        #expect(snapshot.warnings.map(\.code) == ["W3011", "W3011"])
        #expect(snapshot.models[0].tiers == [[1]])
    }

    @Test func anExhaustedSlabIsAProblem() {
        var desired = self.sound()
        desired.models.append(
            ModelSpec(name: "n", target: .deployments([[Reference("gpt")]]), limits: .init(concurrency: 1)))
        #expect(Fixture.compile(desired, slab: LimitSlab(capacity: 1)).map(\.code) == ["E6004"])
    }

    /// Guarantee: all problems at once, in the order of their places.
    @Test func everythingIsReportedInOrder() {
        var desired = self.sound()
        desired.models[0].target = .deployments([
            [Reference("x", origin: Fixture.origin("a.yaml", 9)), Reference("y", origin: Fixture.origin("a.yaml", 2))]
        ])
        desired.routes = [
            RouteSpec(name: "r", versions: [], origin: Fixture.origin("a.yaml", 5)),
            RouteSpec(name: "r", versions: [.chat("v1", "/c")], origin: Fixture.origin("b.yaml", 1)),
        ]
        #expect(Fixture.compile(desired).map(\.code) == ["E3001", "E4002", "E3001", "E4001"])
    }

    @Test func routesKnowTheModelsThatTheyServe() throws {
        var desired = self.sound()
        var version = RouteVersionSpec.chat("v1", "/chat")
        version.models = [Reference("smart")]
        desired.routes = [RouteSpec(name: "r", versions: [version])]
        let snapshot = try SnapshotCompiler.compile(desired, generation: 1, limits: LimitSlab(capacity: 1)).get()
        let compiled = snapshot.routes.routes[0].versions[0]
        #expect(compiled.serves(0))
        #expect(!compiled.serves(1))
        #expect(snapshot.routes.routes[1].versions[0].serves(1))
    }
}
